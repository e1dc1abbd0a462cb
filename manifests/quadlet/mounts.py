"""Volume=, Mount=, Tmpfs= and what else is mounted in a container: volumes of its pod."""

from __future__ import annotations

import csv
import os

from manifests.quadlet import durations, environment, pods
from manifests.quadlet.reader import Read
from manifests.quadlet.remarks import Grade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.problems import FieldPath
    from manifests.quadlet.pods import PodDraft
    from manifests.quadlet.reader import Reader
    from manifests.quadlet.syntax import Entry

_ZONES = "/usr/share/zoneinfo"
_READ_ONLY_TMPFS = ("/run", "/tmp", "/var/tmp")  # noqa: S108 (of the container)
_FLAGS = ("ro", "readonly", "rw", "readwrite", "U", "chown", "O", "z", "Z", "relabel")
_SHIFTED = {"shared": "z", "private": "Z"}


def read(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    """Read all mounts of a container, into the container at `where`."""
    volumes(reader, pod, where)
    for mount in reader.words("Mount"):
        _mount(reader, pod, where, mount)
    for one in reader.whole("Tmpfs"):
        path, _, options = one.value.partition(":")
        _tmpfs(reader, pod, where, one.replace(value=path), options)
    read_only, spare = reader.flag("ReadOnly"), reader.flag("ReadOnlyTmpfs")
    if read_only is not None and read_only.value and (spare is None or spare.value):
        # What Podman mounts in a container that cannot write elsewhere.
        for path in _READ_ONLY_TMPFS:
            _tmpfs(reader, pod, where, read_only.replace(value=path), "")
    volatile = reader.flag("VolatileTmp")
    if volatile is not None and volatile.value and not (read_only and read_only.value):
        _tmpfs(reader, pod, where, volatile.replace(value="/tmp"), "size=512m")  # noqa: S108
    _timezone(reader, pod, where)


def volumes(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    """Read Volume= and ShmSize=, which [Pod] has for all its containers."""
    for volume in reader.whole("Volume"):
        _volume(reader, pod, where, volume)
    shared = pods.shared_memory(reader, pod)
    if shared is not None:
        _add(pod, where, {"name": shared[0], "mountPath": "/dev/shm"}, shared[1].entry)  # noqa: S108


def _add(pod: PodDraft, where: FieldPath, mount: dict[str, Any], entry: Entry) -> bool:
    """Mount, unless something is mounted there; tell whether it was."""
    path = os.path.normpath(mount["mountPath"].partition(":")[0])
    for one in pod.at((*where, "volumeMounts")) or ():
        if os.path.normpath(one["mountPath"].partition(":")[0]) == path:
            return False
    pod.add((*where, "volumeMounts"), mount, entry)
    return True


def _ask(
    reader: Reader, pod: PodDraft, where: FieldPath, mount: dict[str, Any], entry: Entry
) -> None:
    """Mount what was asked for; a second mount at one place is told of, as Podman refuses it."""
    if not _add(pod, where, mount, entry):
        reader.say(entry, f"is left out: {mount['mountPath']} is mounted twice")


def _volume(reader: Reader, pod: PodDraft, where: FieldPath, read: Read) -> None:
    """Read [SOURCE:]TARGET[:OPTIONS]. The options go on to manifests.podman, which knows them."""
    source, colon, rest = read.value.partition(":")
    target, _, options = rest.partition(":")
    if not colon:
        source, target = "", source
    found = _source(reader, pod, read.replace(value=source), target)
    if found is not None:
        source_of, hint, owner = found
        path = f"{target}:{options}" if options else target
        mount = {"name": pod.volume(source_of, hint, read.entry, owner), "mountPath": path}
        _ask(reader, pod, where, mount, read.entry)


def _source(
    reader: Reader, pod: PodDraft, read: Read, target: str
) -> tuple[dict[str, Any], str, str] | None:
    """Return the volume that a word means, what may name it, and the unit that it is of.

    None where it cannot be had.
    """
    word = read.value
    if not word:
        return {"emptyDir": {}}, f"{reader.unit.stem}-{target}", f"{reader.unit.name} {target}"
    if word.startswith(("/", ".")):
        path = _host_path(reader, read)
        hint = os.path.basename(path) or "root"
        return ({"hostPath": {"path": path}}, hint, "") if path else None
    if not word.endswith(".volume"):
        name = pods.name_of(reader, read, "")
        return {"persistentVolumeClaim": {"claimName": name}}, name, ""
    unit = pod.units.find(word, reader.unit)
    if unit is None:
        reader.say(read.entry, f"{word} is not among the units", Grade.WRONG)
        return None
    from manifests.quadlet import objects

    return objects.volume_source(unit, pod)


def _host_path(reader: Reader, read: Read) -> str:
    """Return a path of the host; one that is relative is so to the unit's directory."""
    if read.value.startswith("/"):
        return os.path.normpath(read.value)
    path = environment.path_beside(reader.unit.path, read.value)
    if not reader.unit.on_host:
        message = f'"{read.value}" is relative, and the unit is in a revision; write where it is'
        reader.say(read.entry, message, Grade.FATAL)
        return ""
    return os.path.normpath(os.path.join(os.getcwd(), path))


def _mount(reader: Reader, pod: PodDraft, where: FieldPath, read: Read) -> None:
    """Read type=bind,source=,destination=,...: fields as of CSV, parted by commas."""
    fields = next(csv.reader([read.value]), [])
    given = {name: value for name, _, value in (field.partition("=") for field in fields)}
    sort = given.pop("type", "volume")
    source = _popped(given, "source", "src")
    target = _popped(given, "destination", "dst", "target")
    named = read.replace(value=source)
    if not source and sort in ("bind", "glob", "image", "artifact"):
        reader.say(read.entry, f"source is required for type={sort}", Grade.WRONG)
    elif sort == "image":
        _image(reader, pod, where, named, target, given)
    elif sort in ("bind", "volume"):
        found = _source(reader, pod, named, target)
        if found is not None:
            path = {"subPath": given.pop("subpath")} if "subpath" in given else {}
            options = _options(reader, read, given)
            at = f"{target}:{options}" if options else target
            source_of, hint, owner = found
            name = pod.volume(source_of, hint, read.entry, owner)
            mount = {"name": name, "mountPath": at, **path}
            _ask(reader, pod, where, mount, read.entry)
    elif sort == "tmpfs":
        _tmpfs(reader, pod, where, read.replace(value=target), _tmpfs_options(given))
    elif sort != "devpts":
        reader.say(read.entry, f"is not supported: type={sort}")


def _popped(given: dict[str, str], *names: str) -> str:
    found = [given.pop(name) for name in names if name in given]
    return found[-1] if found else ""


def _options(reader: Reader, read: Read, given: dict[str, str]) -> str:
    """Return the options of a mount as Volume= has them."""
    words = []
    for name, value in given.items():
        if name in ("bind-propagation", "propagation"):
            words.append(value)
        elif name == "relabel":
            words.append(_SHIFTED.get(value, "z"))
        elif name in _FLAGS:
            on = value.lower() in ("", "true", "1")
            word = {"readonly": "ro", "readwrite": "rw", "chown": "U"}.get(name, name)
            if on:
                words.append(word)
        elif name in ("idmap", "nosuid", "nodev", "noexec", "bind-nonrecursive"):
            words.append(name)
        else:
            reader.say(read.entry, f"is not supported: {name}")
    return ",".join(words)


def _image(
    reader: Reader,
    pod: PodDraft,
    where: FieldPath,
    read: Read,
    target: str,
    given: dict[str, str],
) -> None:
    from manifests.quadlet import images

    named = images.resolved(reader, pod.units, read)
    if named is None:
        return
    path = {"subPath": given.pop("subpath")} if "subpath" in given else {}
    if _popped(given, "rw", "readwrite").lower() == "true":
        reader.say(read.entry, "is not supported: what is in an image can only be read")
    for name in given:
        if name not in ("ro", "readonly"):
            reader.say(read.entry, f"is not supported: {name}")
    source = {"image": {"reference": named}}
    name = pod.volume(source, f"image-{os.path.basename(target)}", read.entry)
    mount = {"name": name, "mountPath": target, **path}
    _ask(reader, pod, where, mount, read.entry)


def _tmpfs_options(given: dict[str, str]) -> str:
    words = []
    for name, value in given.items():
        short = name.removeprefix("tmpfs-")
        words.append(f"{short}={value}" if value else short)
    return ",".join(words)


def _tmpfs(reader: Reader, pod: PodDraft, where: FieldPath, read: Read, options: str) -> None:
    """Add a directory in memory; `read.value` is where."""
    source: dict[str, Any] = {"medium": "Memory"}
    read_only = False
    for word in filter(None, options.split(",")):
        name, _, value = word.partition("=")
        if name == "size" and not value.endswith("%"):
            try:
                source["sizeLimit"] = durations.amount(durations.size(value))
            except ValueError as error:
                reader.say(read.entry, str(error), Grade.WRONG)
        elif name == "ro":
            read_only = True
        elif word not in ("rw", "mode=1777", "notmpcopyup", "tmpcopyup", "exec", "dev", "suid"):
            reader.say(read.entry, f"is not supported: {word}")
    name = pod.volume({"emptyDir": source}, f"{where[-1]}-{read.value}", read.entry)
    mount: dict[str, Any] = {"name": name, "mountPath": os.path.normpath(read.value)}
    _add(pod, where, {**mount, "readOnly": True} if read_only else mount, read.entry)


def _timezone(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    """Mount the host's file of a zone as /etc/localtime, which is what Podman makes of it."""
    zone = reader.text("Timezone")
    if zone is None:
        return
    path = "/etc/localtime" if zone.value == "local" else f"{_ZONES}/{zone.value}"
    name = pod.volume({"hostPath": {"path": path, "type": "File"}}, "localtime", zone.entry)
    mount = {"name": name, "mountPath": "/etc/localtime", "readOnly": True}
    pod.add((*where, "volumeMounts"), mount, zone.entry)
