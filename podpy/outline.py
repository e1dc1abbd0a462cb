"""Lay out what `describe` tells: nested names and values in, indented lines out. Pure.

Name:        web             a text, aligned with its neighbours
State:       Running         a text with more below it
  Started:   ...
Mounts:                      a list, a line each
  /data from data (rw)
"""

from __future__ import annotations

from podpy import tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    Node = str | list[str] | dict[str, "Node"] | tuple[str, dict[str, "Node"]]

STEP = 2


def text(tree: Mapping[str, Node]) -> str:
    """Return the outline without a last newline. What is empty is told as <none>."""
    return "\n".join(_lines(tree, 0))


def _lines(tree: Mapping[str, Node], indent: int) -> Iterator[str]:
    width = max((_reach(name, node) for name, node in tree.items()), default=0)
    yield from _aligned(tree, indent, indent + width)


def _reach(name: str, node: Node) -> int:
    """The column, counted from its own level, at which the value of an entry may begin."""
    own = len(name) + 1 + STEP
    if isinstance(node, tuple):
        return max(own, *(STEP + _reach(*entry) for entry in node[1].items()), 0)
    return own if isinstance(node, str) or not node else 0


def _aligned(tree: Mapping[str, Node], indent: int, column: int) -> Iterator[str]:
    for name, node in tree.items():
        head = f"{' ' * indent}{name}:"
        if isinstance(node, str) or not node:
            yield f"{head.ljust(column)}{_shown(node, column) if node else tables.NONE}"
        elif isinstance(node, tuple):
            yield f"{head.ljust(column)}{node[0]}"
            yield from _aligned(node[1], indent + STEP, column)
        elif isinstance(node, dict):
            yield head
            yield from _lines(node, indent + STEP)
        else:
            yield head
            yield from (f"{' ' * (indent + STEP)}{line}" for line in node)


def _shown(text: str | Collection[object], column: int) -> str:
    """Text may be a container's own: what would steer the terminal is made visible."""
    lines = "".join(_visible(sign) for sign in str(text)).rstrip("\n")
    return lines.replace("\n", "\n" + " " * column)


def _visible(sign: str) -> str:
    if sign.isprintable() or sign in "\n\t":
        return sign
    return f"^{chr(ord(sign) ^ 0x40)}" if ord(sign) < 0x80 else "\ufffd"
