"""Commands of [Service] that say what Kubernetes has fields for: handlers, types, deadlines.

    ExecStartPost=podman exec CONTAINER ...     lifecycle.postStart; sleep too
    ExecStop=podman exec CONTAINER ...          lifecycle.preStop
    ExecStartPre=test -d PATH, mkdir -p PATH    the type of the hostPath that is mounted
    ExecStartPre=systemd-run --on-active=N ...  activeDeadlineSeconds, where it stops the unit

They are what `podpy render quadlet` writes, and what people write by hand.
"""

from __future__ import annotations

import os

from manifests.quadlet import supervision
from manifests.quadlet.reader import Read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.problems import FieldPath
    from manifests.quadlet.pods import PodDraft
    from manifests.quadlet.reader import Reader

_PREFIXES = "-@:+!"
_TYPES = {
    "-d": "Directory",
    "-f": "File",
    "-S": "Socket",
    "-c": "CharDevice",
    "-b": "BlockDevice",
}
_SCRIPTS = {
    'test -e "$1" || mkdir -p -- "$1"': "",
    'test -f "$1" || : >"$1"': "FileOrCreate",
}
_SUB_PATH = 'mkdir -p -- "$(podman volume inspect '
"""Begins what makes a directory in a volume, as podpy does for every subPath."""
_SLEEP = '[ -z "$MAINPID" ] || sleep "$1"'
_FLAGS = frozenset({"-i", "-t", "-it", "-ti", "--interactive", "--tty"})


def read(reader: Reader, pod: PodDraft, where: FieldPath | None) -> None:
    """Read the commands of a unit; `where` is its container's, None for the unit of a pod."""
    for key in sorted(supervision.COMMANDS):
        for read in reader.commands(key):
            words = [word.value for word in read]
            if not words:
                continue
            words[0] = os.path.basename(words[0].lstrip(_PREFIXES))
            if not _taken(reader, pod, where, key, words, read[0]):
                message = "is not supported: no command of the host is run for a pod"
                reader.say(read[0].entry, message)


def refuse(reader: Reader) -> None:
    """Tell of the commands of a unit that runs nothing."""
    for key in sorted(supervision.COMMANDS):
        for entry in reader.unit.every(key, "Service"):
            reader.say(entry, "is not supported: no command of the host is run for it")


def _taken(
    reader: Reader,
    pod: PodDraft,
    where: FieldPath | None,
    key: str,
    words: list[str],
    read: Read,
) -> bool:
    """Tell whether a command says what Kubernetes has a field for; it is set then."""
    match key, words:
        case "ExecStartPost" | "ExecStop", ["podman", "exec", *rest] if where is not None:
            return _handler(reader, pod, where, key, rest, read)
        case "ExecStartPost", ["sleep", seconds] if where is not None and seconds.isdigit():
            return _sleep(pod, (*where, "lifecycle", "postStart"), seconds, read)
        case "ExecStop", ["sh", "-c", text, _, seconds] if where is not None and text == _SLEEP:
            return _sleep(pod, (*where, "lifecycle", "preStop"), seconds, read)
        case "ExecStartPre", ["mkdir", "-p", *_, path]:
            return _typed(pod, path, "DirectoryOrCreate", read)
        case "ExecStartPre", ["test", flag, path] if flag in _TYPES:
            return _typed(pod, path, _TYPES[flag], read)
        case "ExecStartPre", ["sh", "-c", text, *_] if text.startswith(_SUB_PATH):
            return True
        case "ExecStartPre", ["sh", "-c", text, _, path] if text in _SCRIPTS:
            return not _SCRIPTS[text] or _typed(pod, path, _SCRIPTS[text], read)
        case "ExecStartPre", ["systemd-run", *flags]:
            return _deadline(reader, pod, flags, read)
        case _, ["systemctl", *_, "stop", unit]:
            return unit.endswith(("-deadline.timer", "-pod.service"))
        case "ExecStartPost", ["systemctl", *_, "start", unit]:
            # What comes after an init container begins when that has ended.
            services = {f"{one.service}.service" for one in pod.units.by_name.values()}
            return where is not None and supervision.once(reader.unit) and unit in services
        case "ExecStartPost", ["install", *_, mark]:
            return "/podpy-rendered/" in mark
        case _:
            return False


def _handler(
    reader: Reader, pod: PodDraft, where: FieldPath, key: str, rest: list[str], read: Read
) -> bool:
    """Read podman exec of the unit's own container."""
    while rest and rest[0] in _FLAGS:
        rest = rest[1:]
    named = reader.text("ContainerName")
    own = named.value if named is not None else f"systemd-{reader.unit.service}"
    if not rest[1:] or rest[0] != own:
        return False
    field = "postStart" if key == "ExecStartPost" else "preStop"
    action = {"command": rest[1:]}
    pod.put((*where, "lifecycle", field, "exec"), action, read.entry)
    return True


def _sleep(pod: PodDraft, path: FieldPath, seconds: str, read: Read) -> bool:
    pod.put((*path, "sleep"), {"seconds": int(seconds)}, read.entry)
    return True


def _typed(pod: PodDraft, path: str, sort: str, read: Read) -> bool:
    """Give the hostPath volumes of a path their type."""
    found = False
    for index, volume in enumerate(pod.at(("spec", "volumes")) or ()):
        held = volume.get("hostPath")
        if held is not None and held["path"] == os.path.normpath(path):
            pod.put(("spec", "volumes", index, "hostPath"), {**held, "type": sort}, read.entry)
            found = True
    return found


def _deadline(reader: Reader, pod: PodDraft, flags: list[str], read: Read) -> bool:
    spans = [flag.partition("=")[2] for flag in flags if flag.startswith("--on-active=")]
    if flags[-2:] != ["stop", f"{reader.unit.service}.service"] or not spans:
        return False
    if not spans[0].isdigit():
        return False
    pod.put(("spec", "activeDeadlineSeconds"), int(spans[0]), read.entry)
    return True
