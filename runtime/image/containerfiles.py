"""Read which images a Containerfile begins with: its text and the build's ARGs in, names out. Pure.

Only for handing buildah what podpy has (runtime.image.build): what this does not understand, such
as a name made by a shell's expansion, buildah looks for by itself.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})")
_FROM_FLAG = re.compile(r"--from=(\S+)")


def images(text: str, arguments: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names after FROM and in --from=, without the file's own stages; each once."""
    known: dict[str, str] = {}
    stages: set[str] = {"scratch"}
    found: dict[str, None] = {}
    count = 0
    for line in _instructions(text):
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        match word.upper():
            case "ARG" if not count:
                key, _, default = rest.partition("=")
                known[key] = arguments.get(key, default.strip("\"'"))
            case "FROM":
                words = [part for part in rest.split() if not part.startswith("--")]
                name = _expanded(words[0], known) if words else ""
                if name and name.lower() not in stages:
                    found[name] = None
                if len(words) == 3 and words[1].upper() == "AS":
                    stages.add(words[2].lower())
                stages.add(str(count))
                count += 1
            case "COPY" | "ADD" | "RUN":
                for match in _FROM_FLAG.finditer(rest):
                    if match[1].lower() not in stages:
                        found[match[1]] = None
    return tuple(found)


def _instructions(text: str) -> Iterator[str]:
    """Lines joined where they end in a backslash, without comments."""
    held = ""
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("#") or not bare:
            continue
        if bare.endswith("\\"):
            held += bare[:-1] + " "
            continue
        yield held + bare
        held = ""
    if held:
        yield held


def _expanded(name: str, known: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return known.get(match[1] or match[2] or "", "") or match[3] or ""

    return _VARIABLE.sub(value, name)
