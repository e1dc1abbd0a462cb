"""Read Podman's annotations on pods and claims: as fields, where Kubernetes has one; else noted.

pids-limit, ulimit, cpuset and memory-nodes are read where the container is made, since Kubernetes
has no field for them: see manifests.podman_limits.
"""

from __future__ import annotations

from manifests import podman, podman_limits, support

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.codec import Path
    from manifests.podman import Draft, Raw

PODMAN = "io.podman.annotations."
CONTAINERS = "io.containers."
VOLUME = "volume.podman.io/"
SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP = "container.seccomp.security.alpha.kubernetes.io/"
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
BIND_OPTIONS = "bind-mount-options"

_RECORDS = "is a record of podman kube generate, and changes nothing"
_NOT_HONOURED = {
    "userns": "the pod has the host's user namespace",
    "infra.name": "there is no infra container to name",
    "kube.image.volumes.mount": "volumes of other images are not mounted",
    "kube.image.automount": "volumes of other images are not mounted",
    "autoremove": _RECORDS,
    "autoremove-image": _RECORDS,
    "privileged": f"{_RECORDS}; write securityContext.privileged",
    "publish-all": _RECORDS,
    "init": _RECORDS,
    "cid-file": _RECORDS,
    "label": _RECORDS,
    "seccomp": f"{_RECORDS}; write securityContext.seccompProfile",
    "apparmor": f"{_RECORDS}; write securityContext.appArmorProfile",
    "autoupdate": "images change when the manifest does",
    "sdnotify": "a container counts as started when it runs",
}
# Nothing has to be done for these: init containers run each time that a pod is made, and Podman
# writes the second itself.
_NOTHING_TO_DO = frozenset({"init.container.type", "kube.health.check"})
_CLAIM = {
    "driver": "the claim is a directory of this host",
    "device": "nothing is mounted: the claim is a directory of this host",
    "type": "nothing is mounted: the claim is a directory of this host",
    "mount-options": "nothing is mounted: the claim is a directory of this host",
    "import-source": "the claim begins empty; copy the files in",
    "image": "the claim begins empty; use a volume of the kind image",
}
CLAIM_UID = f"{VOLUME}uid"
CLAIM_GID = f"{VOLUME}gid"
_PROFILES = {
    "runtime/default": "RuntimeDefault",
    "docker/default": "RuntimeDefault",
    "unconfined": "Unconfined",
}
_LOCALHOST = "localhost/"


def translate(draft: Draft) -> None:
    """Rewrite and note the annotations of the object, and of its template; the template's win."""
    given: dict[str, tuple[str, Path]] = {}
    for path in _places(draft.kind):
        for key, value in podman.mapping(support.at(draft.raw, path)).items():
            if isinstance(key, str) and isinstance(value, str):
                given[key] = value, (*path, key)
    for key, (value, path) in given.items():
        if draft.kind == "PersistentVolumeClaim":
            _claim(draft, key, value, path)
        else:
            _pod(draft, key, value, path)


def _places(kind: str) -> tuple[Path, ...]:
    own = ("metadata", "annotations")
    template = support.template_path(kind)
    if template:
        return own, (*template, "metadata", "annotations")
    return (own,) if kind in ("Pod", "PersistentVolumeClaim") else ()


def _pod(draft: Draft, key: str, value: str, path: Path) -> None:
    if key == SECCOMP_POD:
        _profile(draft, (), "seccompProfile", value, path)
    elif key.startswith(SECCOMP):
        _of_container(draft, key.removeprefix(SECCOMP), "seccompProfile", value, path)
    elif key.startswith(APPARMOR):
        _of_container(draft, key.removeprefix(APPARMOR), "appArmorProfile", value, path)
    elif key == BIND_OPTIONS:
        option = value.rpartition(":")[2]
        if option not in ("z", "Z"):
            draft.note(path, f"{option} is not supported", unsupported=True)
    elif key.startswith(f"{PODMAN}volumes-from/"):
        _volumes_from(draft, key.rpartition("/")[2], value, path)
    elif key.startswith(PODMAN):
        _judge(draft, key.removeprefix(PODMAN), value, path)
    elif key.startswith(CONTAINERS):
        _judge(draft, key.removeprefix(CONTAINERS), value, path)


def _judge(draft: Draft, rest: str, value: str, path: Path) -> None:
    name = rest.partition("/")[0]
    if name in podman_limits.HONOURED:
        fault = podman_limits.fault(name, value)
        if fault:
            draft.note(path, fault, fatal=True)
    elif name not in _NOTHING_TO_DO:
        meaning = _NOT_HONOURED.get(name.removesuffix(".authfile"), "podpy does not know it")
        message = meaning if meaning.startswith(_RECORDS) else f"is not honoured: {meaning}"
        draft.note(path, message, unsupported=True)


def _claim(draft: Draft, key: str, value: str, path: Path) -> None:
    if not key.startswith(VOLUME):
        return
    if key in (CLAIM_UID, CLAIM_GID):
        if not value.isdigit():
            draft.note(path, f'"{value}" must be a number', fatal=True)
        return
    name = key.removeprefix(VOLUME)
    if (name, value) == ("driver", "local"):
        return
    meaning = _CLAIM.get(name, "podpy does not know it")
    draft.note(path, f"is not honoured: {meaning}", unsupported=True)


def _of_container(draft: Draft, name: str, field: str, value: str, path: Path) -> None:
    where = _container(draft, name)
    if where:
        _profile(draft, where, field, value, path)
    else:
        draft.note(path, f'there is no container "{name}"', unsupported=True)


def _container(draft: Draft, name: str) -> Path:
    """Return the path of the container, below the pod's; () where there is none."""
    spec = _spec(draft)
    for path, container in podman.each_container(spec, ()):
        if container.get("name") == name:
            return path
    return ()


def _spec(draft: Draft) -> Raw:
    return podman.mapping(support.at(draft.raw, podman.pod_path(draft.kind)))


def _profile(draft: Draft, container: Path, field: str, value: str, path: Path) -> None:
    """Write a profile in the form of before Kubernetes 1.19 as the field that it is now."""
    context = (*podman.pod_path(draft.kind), *container, "securityContext")
    held = support.at(draft.raw, context)
    if held is not None and (not isinstance(held, dict) or field in held):
        return
    profile: Mapping[str, str]
    if value.startswith(_LOCALHOST):
        profile = {"type": "Localhost", "localhostProfile": value.removeprefix(_LOCALHOST)}
    elif value in _PROFILES:
        profile = {"type": _PROFILES[value]}
    else:
        known = ", ".join((*_PROFILES, f"{_LOCALHOST}FILE"))
        draft.note(path, f'"{value}" is no profile; there are {known}', fatal=True)
        return
    draft.edit(context)[field] = dict(profile)


def _volumes_from(draft: Draft, name: str, value: str, path: Path) -> None:
    """Mount in one container what others mount: `source:ro;other`."""
    target = _container(draft, name)
    if not target:
        draft.note(path, f'there is no container "{name}"', unsupported=True)
        return
    base = podman.pod_path(draft.kind)
    for word in value.split(";"):
        source, _, options = word.partition(":")
        found = _container(draft, source)
        if not found:
            draft.note(path, f'there is no container "{source}"', fatal=True)
            continue
        for _, mount in podman.items(
            podman.mapping(support.at(draft.raw, (*base, *found))), "volumeMounts"
        ):
            _also_mount(draft, (*base, *target), mount, read_only="ro" in options.split(","))


def _also_mount(draft: Draft, target: Path, mount: Raw, *, read_only: bool) -> None:
    mounts = support.at(draft.raw, (*target, "volumeMounts"))
    if not isinstance(mounts, list):
        draft.edit(target)["volumeMounts"] = []
    listed = draft.edit((*target, "volumeMounts"))
    if any(one.get("mountPath") == mount.get("mountPath") for one in listed):
        return
    listed.append({**mount, "readOnly": True} if read_only else dict(mount))
