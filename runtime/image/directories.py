"""Remember what is still to be set on a layer's directories, and forget what was removed. Pure.

Called by runtime.image.unpack. A hostile archive replaces directories again and again: forgetting
one costs what lies below it, never a look at all of them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.image.tar_header import Entry


class Directories:
    """Paths without links, b"" is the root, and the last entry of each."""

    def __init__(self) -> None:
        self._entries: dict[bytes, Entry] = {}
        self._below: dict[bytes, set[bytes]] = {}

    def add(self, path: bytes, entry: Entry) -> None:
        """Remember the entry, in place of an earlier one."""
        self._entries[path] = entry
        while path:
            parent = path.rpartition(b"/")[0]
            known = self._below.setdefault(parent, set())
            if path in known:
                return
            known.add(path)
            path = parent

    def drop(self, path: bytes) -> None:
        """Forget the path and all below it."""
        self._below.get(path.rpartition(b"/")[0], set()).discard(path)
        waiting = [path]
        while waiting:
            at = waiting.pop()
            self._entries.pop(at, None)
            waiting.extend(self._below.pop(at, ()))

    def children_first(self) -> list[tuple[bytes, Entry]]:
        return sorted(self._entries.items(), key=lambda item: item[0], reverse=True)
