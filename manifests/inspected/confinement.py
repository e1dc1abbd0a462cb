"""Users, capabilities and confinement of a container: facts in, its securityContext out."""

from __future__ import annotations

from manifests.inspected.draft import put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.inspected.draft import Draft
    from manifests.inspected.facts import Facts

_SECURITY = "securityContext"
_SECCOMP_ROOT = "/var/lib/kubelet/seccomp/"
_DEFAULT_SYSCTLS = {"net.ipv4.ping_group_range": "0 0"}
"""Podman's own, for every container."""

_HARMLESS: dict[str, tuple[object, ...]] = {
    "HostConfig.OomScoreAdj": (0,),
    "HostConfig.OomKillDisable": (False,),
    "HostConfig.MemorySwappiness": (0, -1),
    "HostConfig.BlkioWeight": (0,),
    "HostConfig.BlkioWeightDevice": ([],),
    "HostConfig.BlkioDeviceReadBps": ([],),
    "HostConfig.BlkioDeviceWriteBps": ([],),
    "HostConfig.BlkioDeviceReadIOps": ([],),
    "HostConfig.BlkioDeviceWriteIOps": ([],),
    "HostConfig.CpuRealtimePeriod": (0,),
    "HostConfig.CpuRealtimeRuntime": (0,),
    "HostConfig.Devices": ([],),
    "HostConfig.Init": (False,),
    "HostConfig.Links": ([],),
    "HostConfig.UTSMode": ("", "private"),
    "HostConfig.UsernsMode": ("", "host"),
    "Config.Domainname": ("",),
    "Config.SystemdMode": (False,),
    "Config.Timeout": (0,),
    "Config.Umask": ("", "0022"),
    "Rootfs": ("",),
}
"""What the Pod cannot say, and the values that ask for nothing."""

_WHY = {
    "HostConfig.Devices": "podpy gives no devices yet",
    "HostConfig.Init": "the first process of the container is its own",
    "HostConfig.UsernsMode": "root in the container is root of the host",
    "Config.SystemdMode": "podpy prepares no container for systemd",
    "Rootfs": "the container has no image",
}
_FATAL = ("Rootfs", "HostConfig.UsernsMode")
"""Whose data or image cannot be the pod's."""


def read(draft: Draft, facts: Facts, made: dict[str, Any]) -> None:
    """Write the securityContext of a container, and what its pod's is to have."""
    _user(draft, facts, made)
    for path, field in (("HostConfig.CapAdd", "add"), ("HostConfig.CapDrop", "drop")):
        if names := facts.listed(path):
            listed = [str(name).upper().removeprefix("CAP_") for name in names]
            put(made, f"{_SECURITY}.capabilities.{field}", listed)
    for path, field in (
        ("HostConfig.Privileged", "privileged"),
        ("HostConfig.ReadonlyRootfs", "readOnlyRootFilesystem"),
    ):
        if facts.at(path):
            put(made, f"{_SECURITY}.{field}", True)
    for word in facts.listed("HostConfig.SecurityOpt"):
        _option(draft, facts, made, word)
    _sysctls(draft, facts)
    for path, harmless in _HARMLESS.items():
        value = facts.at(path)
        if path == "HostConfig.UTSMode" and facts.text("Pod"):
            continue  # That of its pod.
        if value is not None and value not in harmless:
            shown = value if isinstance(value, str | int) else len(value)
            why = f"{shown}: {_WHY.get(path, 'has no place in a Pod')}"
            draft.lose(facts.name, path, why, fatal=path in _FATAL)


def _user(draft: Draft, facts: Facts, made: dict[str, Any]) -> None:
    given = facts.text("Config.User")
    if given and given != (facts.image.get("User") or ""):
        user, _, group = given.partition(":")
        for value, field in ((user, "runAsUser"), (group, "runAsGroup")):
            if value.isdigit():
                put(made, f"{_SECURITY}.{field}", int(value))
            elif value:
                why = f'"{value}" is no number; write the number of {field}'
                draft.lose(facts.name, "Config.User", why, fatal=True)
    for extra in facts.listed("HostConfig.GroupAdd"):
        if str(extra).isdigit():
            groups = draft.spec.setdefault(_SECURITY, {}).setdefault("supplementalGroups", [])
            groups.append(int(extra))
        else:
            draft.lose(facts.name, "HostConfig.GroupAdd", f'"{extra}" is no number')


def _option(draft: Draft, facts: Facts, made: dict[str, Any], word: str) -> None:
    name, _, value = word.replace(":", "=", 1).partition("=")
    if name == "no-new-privileges":
        put(made, f"{_SECURITY}.allowPrivilegeEscalation", False)
    elif name == "label" and value == "disable":
        draft.told.append(f"{facts.name}: {word}: podpy labels no files")
    elif name in ("seccomp", "apparmor") and value == "unconfined":
        field = "seccompProfile" if name == "seccomp" else "appArmorProfile"
        put(made, f"{_SECURITY}.{field}", {"type": "Unconfined"})
    elif name == "apparmor":
        profile = {"type": "Localhost", "localhostProfile": value}
        put(made, f"{_SECURITY}.appArmorProfile", profile)
    elif name == "seccomp" and value.startswith(_SECCOMP_ROOT):
        profile = {"type": "Localhost", "localhostProfile": value.removeprefix(_SECCOMP_ROOT)}
        put(made, f"{_SECURITY}.seccompProfile", profile)
    elif name == "unmask" and value.lower() == "all":
        put(made, f"{_SECURITY}.procMount", "Unmasked")
    else:
        draft.lose(facts.name, "HostConfig.SecurityOpt", f"{word}: has no place in a Pod")


def _sysctls(draft: Draft, facts: Facts) -> None:
    """Take over kernel parameters, which `podman inspect` leaves out: they are in the OCI's."""
    given = (facts.oci.get("linux") or {}).get("sysctl") or {}
    there = {one["name"] for one in draft.spec.get(_SECURITY, {}).get("sysctls", ())}
    for name, value in given.items():
        if _DEFAULT_SYSCTLS.get(name) != value and name not in there:
            listed = draft.spec.setdefault(_SECURITY, {}).setdefault("sysctls", [])
            listed.append({"name": name, "value": str(value)})
