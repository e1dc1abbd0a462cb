"""Replace what systemd replaces in a unit's words: %-specifiers, and $-variables of the service.

systemd.unit(5) and systemd.service(5). What only the host that runs the unit can tell is refused:
the same files are to mean the same objects everywhere.
"""

from __future__ import annotations

import re

from manifests.quadlet.syntax import UnreadableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# For units of the system: podpy runs as root.
_FIXED = {
    "%": "%",
    "h": "/root",
    "t": "/run",
    "S": "/var/lib",
    "C": "/var/cache",
    "L": "/var/log",
    "E": "/etc",
    "T": "/tmp",  # noqa: S108
    "V": "/var/tmp",  # noqa: S108
    "u": "root",
    "U": "0",
    "g": "root",
    "G": "0",
    "s": "/bin/sh",
}
_OF_HOST = frozenset("aAbBHlmMoqvwW")
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)\}|^\$(\w+)$")


def of_unit(service: str, suffix: str = ".service") -> dict[str, str]:
    """Return what the specifiers that name the unit stand for; `service` as `web@blue`."""
    prefix, at, instance = service.partition("@")
    last = prefix.rpartition("-")[2]
    return {
        "n": service + suffix,
        "N": service,
        "p": prefix,
        "P": unescaped(prefix),
        "i": instance if at else "",
        "I": unescaped(instance),
        "j": last,
        "J": unescaped(last),
    }


def unescaped(text: str) -> str:
    """Undo what systemd-escape does: - for /, \\x2d for -."""
    text = text.replace("-", "/")
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), text)


def expand(text: str, names: Mapping[str, str]) -> str:
    """Return the text with its specifiers replaced. Raises UnreadableError for one that cannot be.

    As in systemd, a % before what is no letter stays, and one at the end does.
    """
    if "%" not in text:
        return text
    made, at = [], 0
    while at < len(text):
        sign = text[at]
        at += 1
        follower = text[at : at + 1]
        if sign != "%" or not (follower.isalpha() or follower == "%"):
            made.append(sign)
            continue
        at += 1
        if follower in _OF_HOST and follower not in names:
            raise UnreadableError(f"%{follower} differs between hosts: write what it stands for")
        if follower not in names and follower not in _FIXED:
            raise UnreadableError(f"%{follower} is no specifier; a % alone is written %%")
        made.append(names.get(follower) or _FIXED.get(follower, ""))
    return "".join(made)


def variables(word: str, known: Mapping[str, str]) -> str:
    """Return a word of a command with $$ and the service's variables replaced."""
    if "$" not in word:
        return word

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name is None:
            return "$"
        if name not in known:
            raise UnreadableError(
                f"{found[0]} is a variable of the service that nothing in the unit sets; "
                "write its value, or $$ for a dollar"
            )
        return known[name]

    return _VARIABLE.sub(value, word)
