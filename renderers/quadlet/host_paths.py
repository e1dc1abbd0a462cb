"""Have a unit check or make a path of the host before it mounts it: a hostPath's type. Pure."""

from __future__ import annotations

from manifests.volumes import HostPathType
from renderers.quadlet import shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.volumes import HostPath

_TESTS = {
    HostPathType.DIRECTORY: "-d",
    HostPathType.FILE: "-f",
    HostPathType.SOCKET: "-S",
    HostPathType.CHAR_DEVICE: "-c",
    HostPathType.BLOCK_DEVICE: "-b",
}


def before(source: HostPath) -> str:
    """Return the command that fails where `source` is not what its type says, or makes it.

    One that is unchecked and missing becomes a directory, as container runtimes make it.
    """
    match source.type:
        case HostPathType.UNCHECKED:
            return shell.script('test -e "$1" || mkdir -p -- "$1"', source.path)
        case HostPathType.DIRECTORY_OR_CREATE:
            return shell.run("/bin/mkdir", "-p", "--", source.path)
        case HostPathType.FILE_OR_CREATE:
            return shell.script('test -f "$1" || : >"$1"', source.path)
        case _:
            return shell.run("/usr/bin/test", _TESTS[source.type], source.path)
