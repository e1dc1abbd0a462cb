"""Look up in an image's files whom a container runs as: USER or runAsUser in, numbers out.

The layers are read as they lie, without mounting: the topmost layer that has etc/passwd decides,
unless one above it has removed the file or its directory. Links are not followed.
"""

from __future__ import annotations

import os
import stat

from manifests.faults import Invalid
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LARGEST_FILE = 4 << 20
LARGEST_ID = (1 << 31) - 1
"""As for Docker and Kubernetes. Linux takes 4294967295 for "stay who you are", which is root."""


class User(Value):
    """`groups` are the supplementary ones that etc/group gives the user."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    home: str = "/"


def resolve(wanted: str, layers: Sequence[str]) -> User:
    """Return the user that `wanted` names: UID, UID:GID, NAME or NAME:GROUP.

    `layers` are the image's directories, the topmost first. Raises Invalid for a name that the
    image does not know, or a number that is no id. A number needs no entry; without one its group
    is 0, as for Docker.
    """
    name, _, group = wanted.partition(":")
    entry = next(
        (line for line in _lines("etc/passwd", layers) if len(line) >= 6 and name in line[:1])
        if not _is_number(name)
        else (line for line in _lines("etc/passwd", layers) if len(line) >= 6 and line[2] == name),
        None,
    )
    if entry is None and not _is_number(name):
        raise Invalid(
            f'user "{name}" is not in the image\'s /etc/passwd',
            hint="set securityContext.runAsUser to a number",
        )
    uid = _id(entry[2] if entry else name)
    home = entry[5] if entry else "/"
    if group:
        return User(uid=uid, gid=_group(group, layers), home=home)
    gid = _id(entry[3]) if entry else 0
    groups = tuple(
        _id(line[2])
        for line in _lines("etc/group", layers)
        if entry and len(line) >= 4 and entry[0] in line[3].split(",")
    )
    return User(uid=uid, gid=gid, groups=groups, home=home)


def _group(wanted: str, layers: Sequence[str]) -> int:
    if _is_number(wanted):
        return _id(wanted)
    for line in _lines("etc/group", layers):
        if len(line) >= 3 and line[0] == wanted:
            return _id(line[2])
    raise Invalid(
        f'group "{wanted}" is not in the image\'s /etc/group',
        hint="set securityContext.runAsGroup to a number",
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _id(text: str) -> int:
    if not _is_number(text) or len(text) > 10 or int(text) > LARGEST_ID:
        raise Invalid(
            f'the image names "{text[:20]}" as the id of a user or group, which are '
            f"0 to {LARGEST_ID}",
            hint="correct the image's USER, /etc/passwd or /etc/group, or set "
            "securityContext.runAsUser and runAsGroup",
        )
    return int(text)


def _lines(path: str, layers: Sequence[str]) -> Iterator[list[str]]:
    for line in _read(path, layers).splitlines():
        fields = line.strip().split(":")
        if len(fields) >= 3 and _is_number(fields[2]):
            yield fields


def _read(path: str, layers: Sequence[str]) -> str:
    """Return the file as the topmost layer that says anything about it has it; "" without one."""
    directory, _, name = path.partition("/")
    for layer in layers:
        try:
            parent = os.open(
                f"{layer}/{directory}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            )
        except FileNotFoundError:
            continue
        except OSError:
            return ""  # a whiteout, a file or a link in its place
        try:
            held = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if not stat.S_ISREG(held.st_mode) or held.st_size > LARGEST_FILE:
                return ""
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
            with open(file, encoding="utf-8", errors="replace") as text:
                return text.read()
        except FileNotFoundError:
            if _is_opaque(parent):
                return ""
        finally:
            os.close(parent)
    return ""


def _is_opaque(directory: int) -> bool:
    for name in ("trusted.overlay.opaque", "user.overlay.opaque"):
        try:
            if os.getxattr(directory, name) == b"y":
                return True
        except OSError:
            continue
    return False
