"""Read what Podman takes and Kubernetes does not: rewrite it as Kubernetes has it, with notes.

    translate(kind, raw, file) -> the same object in Kubernetes' words, notes on what was changed

Called by manifests.decoding for `kube play`, before an object meets its class. Annotations are
manifests.podman_annotations'. `raw`, whose parts may be shared, is left as it is. Pure, but for the
current directory, which a manifest from standard input is relative to.
"""

from __future__ import annotations

import os

from manifests.support import at, template_path
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from manifests.codec import Path

    Raw = dict[str, Any]

STDIN = "stdin"
"""The name that manifests.sources gives to what came from standard input."""

_MEANINGLESS = frozenset({"z", "Z", "bind", "rbind", "private", "rprivate"})
"""SELinux labels, which podpy gives to no directory, and what is done in any case."""
_PROPAGATION = {
    "shared": "Bidirectional",
    "rshared": "Bidirectional",
    "slave": "HostToContainer",
    "rslave": "HostToContainer",
}
_NOT_DONE = {
    "U": "the owner of the files stays; set securityContext.fsGroup",
    "idmap": "there are no user namespaces yet, so ids are the host's",
    "copy": "a volume is not filled from the image",
    "nocopy": "a volume is never filled from the image",
}
_CLAIM_DEFAULTS = {
    "accessModes": ["ReadWriteOnce"],
    "resources": {"requests": {"storage": "1Gi"}},
}


class Note(Value):
    """A word on a field. `unsupported`: it is not honoured; `fatal`: nothing can be run so."""

    path: Path
    message: str
    unsupported: bool = False
    fatal: bool = False


class Draft:
    """An object that is being rewritten: parts are copied on their way to the first change."""

    def __init__(self, kind: str, raw: Raw, file: str) -> None:
        self.kind = kind
        self.raw = raw
        self.file = file
        self.notes: list[Note] = []
        self._own: set[int] = set()

    def note(
        self, path: Path, message: str, *, unsupported: bool = False, fatal: bool = False
    ) -> None:
        self.notes.append(Note(path=path, message=message, unsupported=unsupported, fatal=fatal))

    def edit(self, path: Path) -> Any:
        """Return the mapping or list at `path`, made if it is missing, free to be changed."""
        self.raw = part = self._mine(self.raw)
        for step in path:
            held = part.get(step) if isinstance(part, dict) else part[step]
            part[step] = self._mine({} if held is None else held)
            part = part[step]
        return part

    def _mine(self, part: Any) -> Any:
        if id(part) in self._own:
            return part
        copied = dict(part) if isinstance(part, dict) else list(part)
        self._own.add(id(copied))
        return copied


def translate(kind: str, raw: Raw, file: str) -> tuple[Raw, tuple[Note, ...]]:
    """Return the object in Kubernetes' words; `raw` itself where it is in those already."""
    draft = Draft(kind, raw, file)
    if kind == "PersistentVolumeClaim":
        _claim(draft)
    else:
        path = pod_path(kind)
        spec = at(raw, path) if path else None
        if isinstance(spec, dict):
            _pod(draft, spec, path)
    if mapping(at(raw, ("metadata", "annotations"))) or template_path(kind):
        from manifests import podman_annotations

        podman_annotations.translate(draft)
    return draft.raw, tuple(draft.notes)


def pod_path(kind: str) -> Path:
    """Return where an object of that kind specifies its pods; () where it has none."""
    if kind == "Pod":
        return ("spec",)
    template = template_path(kind)
    return (*template, "spec") if template else ()


def mapping(value: object) -> Raw:
    return value if isinstance(value, dict) else {}


def each_container(spec: Raw, path: Path) -> Iterator[tuple[Path, Raw]]:
    """Give the containers of a pod with their paths."""
    for group in ("initContainers", "containers"):
        for index, container in items(spec, group):
            yield (*path, group, index), container


def items(parent: Raw, field: str) -> Iterator[tuple[int, Raw]]:
    """Give the mappings in a list with their positions; what is none is the schema's to refuse."""
    listed = parent.get(field)
    for index, item in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(item, dict):
            yield index, item


def _pod(draft: Draft, spec: Raw, path: Path) -> None:
    for index, volume in items(spec, "volumes"):
        given = at(volume, ("hostPath", "path"))
        if isinstance(given, str) and given and not given.startswith("/"):
            _host_path(draft, (*path, "volumes", index), given)
    for here, container in each_container(spec, path):
        for index, mount in items(container, "volumeMounts"):
            given = mount.get("mountPath")
            if isinstance(given, str) and ":" in given:
                _mount_options(draft, (*here, "volumeMounts", index), given)
        _devices(draft, here, container)


def _host_path(draft: Draft, path: Path, given: str) -> None:
    """A path without a slash is the name of a volume; others are relative to the manifest."""
    where = (*path, "hostPath", "path")
    if "/" not in given and given not in (".", ".."):
        volume = draft.edit(path)
        del volume["hostPath"]
        volume["persistentVolumeClaim"] = {"claimName": given}
        draft.note(where, f'"{given}" has no slash, so it names a volume: the claim {given}')
        return
    if "://" in draft.file:
        draft.note(where, f'"{given}" is relative, and the manifest is from a URL', fatal=True)
        return
    beside = "" if draft.file == STDIN else os.path.dirname(draft.file)
    full = os.path.normpath(os.path.join(os.getcwd(), beside, given))
    draft.edit((*path, "hostPath"))["path"] = full
    place = "the current directory" if draft.file == STDIN else "the manifest's directory"
    draft.note(where, f'"{given}" is relative to {place}: {full}')


def _mount_options(draft: Draft, path: Path, given: str) -> None:
    """`/data:ro,z`: options behind the path, as --volume has them."""
    target, _, options = given.partition(":")
    mount = draft.edit(path)
    mount["mountPath"] = target
    where = (*path, "mountPath")
    for option in options.split(","):
        if option in ("ro", "rw"):
            mount["readOnly"] = option == "ro"
        elif option in _PROPAGATION:
            mount["mountPropagation"] = _PROPAGATION[option]
        elif option == "O":
            message = f'"{given}": an overlay (O) is not supported: writes would reach the volume'
            draft.note(where, message, fatal=True)
        elif option not in _MEANINGLESS:
            meaning = _NOT_DONE.get(option, "the mount goes without it")
            draft.note(where, f'"{given}": {option} is not supported: {meaning}', unsupported=True)


def _devices(draft: Draft, path: Path, container: Raw) -> None:
    """`podman.io/device=/dev/kvm: 1` and `vendor.com/class=name: 1` among the resources."""
    for field in ("limits", "requests"):
        amounts = mapping(at(container, ("resources", field)))
        for name in [name for name in amounts if isinstance(name, str) and "=" in name]:
            del draft.edit((*path, "resources", field))[name]
            device = name.removeprefix("podman.io/device=")
            message = f"the container does not get the device {device}: podpy gives none yet"
            draft.note((*path, "resources", field, name), message, unsupported=True)


def _claim(draft: Draft) -> None:
    """Podman needs a claim's name only. One host has one access mode, and sizes are not kept."""
    spec = draft.raw.get("spec", {})
    if not isinstance(spec, dict):
        return
    for field, value in _CLAIM_DEFAULTS.items():
        if field not in spec:
            draft.edit(("spec",))[field] = value
            draft.note(("spec",), f"{field} is left out; a cluster would refuse the claim")
