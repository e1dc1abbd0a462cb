"""What is mounted in a container: facts in, volumes of the Pod and claims of the data out."""

from __future__ import annotations

import os

from manifests.quadlet import durations
from manifests.quadlet.drafting import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.inspected.draft import Draft
    from manifests.inspected.facts import Facts

_SHM = 65536000
"""Podman's own /dev/shm, as podpy's: 62.5 MiB."""
_READ_ONLY_TMPFS = ("/run", "/tmp", "/var/tmp")  # noqa: S108 (of the container)
_PROPAGATION = {
    "shared": "Bidirectional",
    "rshared": "Bidirectional",
    "slave": "HostToContainer",
    "rslave": "HostToContainer",
}
_ORDINARY = ("bind", "rbind", "rw", "ro", "nosuid", "nodev", "exec", "private", "rprivate")
_ORDINARY_TMPFS = (
    *("rw", "rprivate", "nosuid", "nodev", "tmpcopyup", "notmpcopyup", "exec", "dev", "suid"),
    *("noexec", "mode=1777"),
)
_ANONYMOUS = 64
"""Hex digits of the name of a volume that nobody has named."""


def read(draft: Draft, facts: Facts, made: dict[str, Any]) -> None:
    """Write the mounts of a container."""
    for mount in facts.listed("Mounts"):
        _mount(draft, facts, made, mount)
    for path, options in facts.mapping("HostConfig.Tmpfs").items():
        _tmpfs(draft, facts, made, path, options)
    if facts.at("HostConfig.ReadonlyRootfs") and not _without_tmpfs(facts):
        for path in _READ_ONLY_TMPFS:
            _tmpfs(draft, facts, made, path, "")
    size = facts.number("HostConfig.ShmSize")
    if size not in (0, _SHM):
        _tmpfs(draft, facts, made, "/dev/shm", f"size={size}")  # noqa: S108 (of the container)


def _without_tmpfs(facts: Facts) -> bool:
    words = facts.listed("Config.CreateCommand")
    return "--read-only-tmpfs=false" in words


def is_anonymous(name: str) -> bool:
    """Tell whether nobody has named the volume: Podman has, by a random number."""
    return len(name) == _ANONYMOUS and not name.strip("0123456789abcdef")


def _mount(draft: Draft, facts: Facts, made: dict[str, Any], mount: dict[str, Any]) -> None:
    target = mount.get("Destination", "")
    match mount.get("Type"):
        case "volume":
            volume = _volume(draft, facts, mount, target)
        case "bind":
            source = mount.get("Source", "")
            hint = os.path.basename(source) or "root"
            volume = draft.volume({"hostPath": {"path": source}}, hint)
        case other:
            draft.lose(facts.name, f"Mounts {target}", f"{other} has no place in a Pod")
            return
    entry: dict[str, Any] = {"name": volume, "mountPath": target}
    if mount.get("RW") is False:
        entry["readOnly"] = True
    if path := mount.get("SubPath"):
        entry["subPath"] = path.lstrip("/")
    propagation = _PROPAGATION.get(mount.get("Propagation") or "")
    if propagation:
        entry["mountPropagation"] = propagation
    for option in mount.get("Options") or ():
        if option not in (*_ORDINARY, *_PROPAGATION):
            draft.lose(facts.name, f"Mounts {target}", f"{option}: the mount goes without it")
    _add(made, entry)


def _add(made: dict[str, Any], entry: dict[str, Any]) -> None:
    """Mount, unless something is mounted there."""
    mounts = made.setdefault("volumeMounts", [])
    if all(one["mountPath"] != entry["mountPath"] for one in mounts):
        mounts.append(entry)


def _volume(draft: Draft, facts: Facts, mount: dict[str, Any], target: str) -> str:
    name = mount.get("Name", "")
    if is_anonymous(name):
        if facts.goes_when_stopped:
            # Podman removes it with the container, each time that this ends.
            return draft.volume({"emptyDir": {}}, os.path.basename(target))
        claim = label(f"{draft.name}-{os.path.basename(target)}")
    else:
        claim = label(name)
    if mount.get("Driver", "local") not in ("", "local"):
        why = f"{name}: its driver {mount['Driver']} keeps the data, not a directory"
        draft.lose(facts.name, f"Mounts {target}", why, fatal=True)
    draft.take(name, claim)
    return draft.volume({"persistentVolumeClaim": {"claimName": claim}}, claim)


def _tmpfs(draft: Draft, facts: Facts, made: dict[str, Any], path: str, options: str) -> None:
    source: dict[str, Any] = {"medium": "Memory"}
    entry: dict[str, Any] = {"mountPath": os.path.normpath(path)}
    for word in filter(None, options.split(",")):
        name, _, value = word.partition("=")
        if name == "size" and not value.endswith("%"):
            source["sizeLimit"] = durations.amount(durations.size(value))
        elif name == "ro":
            entry["readOnly"] = True
        elif word not in _ORDINARY_TMPFS:
            draft.lose(facts.name, f"HostConfig.Tmpfs {path}", f"{word}: it goes without it")
    _add(made, {"name": draft.volume({"emptyDir": source}, f"tmpfs-{path}"), **entry})
