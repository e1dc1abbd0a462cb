"""Which program would a word run in a container: a running container in, what was found out.

`podpy exec` asks before it becomes the OCI runtime's `exec`, which ends with one and the same
status whatever went wrong: a shell's 126 and 127 tell scripts that the command was not there.
"""

from __future__ import annotations

import os
import stat

from manifests import compact_json
from runtime.oci import container as oci

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.oci.container import Container

_MOST_LINKS = 40
"""As many symbolic links as the kernel follows in one path."""

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KERNELS = ("proc", "dev", "sys")
"""What lies there may be more than its name says (/proc/self/exe): the runtime is left to try."""


class Verdict:
    """What would happen: the status that a shell ends with. No enum, as that takes 2 ms."""

    FOUND = 0
    FORBIDDEN = 126
    MISSING = 127


def look(container: Container, pid: int, word: str, cwd: str = "") -> int:
    """Tell whether the container of process `pid` can execute `word`, as execvp would."""
    process = compact_json.loads(oci.config(container))["process"]
    return looked(f"/proc/{pid}/root", word, cwd or process["cwd"], process.get("env", ()))


def looked(root: str, word: str, cwd: str, env: list[str]) -> int:
    """Tell the same of a tree of files at `root`."""
    if "/" in word:
        return _file(root, os.path.join(cwd, word))
    path = next((one[5:] for one in env if one.startswith("PATH=")), _DEFAULT_PATH)
    seen = [_file(root, os.path.join(cwd, part, word)) for part in path.split(":")]
    if Verdict.FOUND in seen:
        return Verdict.FOUND
    return Verdict.FORBIDDEN if Verdict.FORBIDDEN in seen else Verdict.MISSING


def _file(root: str, path: str) -> int:
    place = resolved(root, path)
    if place is None:
        return Verdict.MISSING
    if place[len(root) :].lstrip("/").partition("/")[0] in _KERNELS:
        return Verdict.FOUND
    try:
        mode = os.lstat(place).st_mode
    except OSError:
        return Verdict.MISSING
    return Verdict.FOUND if stat.S_ISREG(mode) and mode & 0o111 else Verdict.FORBIDDEN


def resolved(root: str, path: str) -> str | None:
    """Return where `path` leads for a process whose root is `root`; None for a loop of links.

    For telling only: a file that is opened by such a path could have been exchanged meanwhile.
    """
    left = path.split("/")[::-1]
    place, links = root, 0
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            place = os.path.dirname(place) if place != root else root
            continue
        try:
            target = os.readlink(f"{place}/{part}")
        except OSError:  # No link, or nothing at all: whoever looks at the whole path will see.
            place = f"{place}/{part}"
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        place = root if target.startswith("/") else place
        left += target.split("/")[::-1]
    return place
