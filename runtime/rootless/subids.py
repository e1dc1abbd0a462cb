"""Which numbers of users and groups a user may map: /etc/subuid and /etc/subgid in, spans out.

Lines are NAME:FIRST:COUNT, or UID:FIRST:COUNT, as subuid(5) has them; newuidmap(1) goes by the same
files, or asks where they say nothing (subid: of nsswitch.conf).
"""

from __future__ import annotations

from manifests.faults import HostFault
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SUBUID, SUBGID = "/etc/subuid", "/etc/subgid"
LEAST = 65536
"""What images expect: numbers up to that of nobody."""


class Span(Value):
    first: int
    count: int


def read(path: str, names: Iterable[str]) -> tuple[Span, ...]:
    """Return the spans of the user whose name and number are `names`. Raises HostFault without any.

    `path` is SUBUID or SUBGID.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            spans = parse(file, names)
    except FileNotFoundError:
        spans = ()
    if not spans:
        user = next(iter(names))
        flag = "uids" if path == SUBUID else "gids"
        raise HostFault(
            f"{path}: user {user} has no numbers of its own there, which containers' users need",
            hint=f"as root: usermod --add-sub{flag} 100000-165535 {user} (numbers of nobody else)",
        )
    return spans


def parse(lines: Iterable[str], names: Iterable[str]) -> tuple[Span, ...]:
    """Return the spans in the lines of such a file that are for one of `names`. Pure."""
    wanted = set(names)
    found = []
    for line in lines:
        words = line.strip().split(":")
        if len(words) == 3 and words[0] in wanted and words[1].isdigit() and words[2].isdigit():
            found.append(Span(first=int(words[1]), count=int(words[2])))
    return tuple(found)


def mapping(own: int, spans: Iterable[Span]) -> tuple[str, ...]:
    """Return newuidmap's words: 0 inside is the user, the spans follow from 1 on. Pure."""
    words = ["0", str(own), "1"]
    inside = 1
    for span in spans:
        words += [str(inside), str(span.first), str(span.count)]
        inside += span.count
    return tuple(words)
