"""Text of a unit file in, its assignments with their lines out; and the words of a value. Pure.

systemd.syntax(7), as Podman's generator reads it: lines are trimmed, a backslash at the end of one
joins the next to it, comments and empty lines within are left out. A value is read whole, as a
list of words, or as words with escapes, as each key has it.
"""

from __future__ import annotations

from manifests.problems import Problem
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANKS = " \t\n\r"
_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "s": " ",
    "\\": "\\",
    '"': '"',
    "'": "'",
}
_HEX = {"x": 2, "u": 4, "U": 8}


class Entry(Value):
    """One assignment. `value` has its lines joined; `line` is where it begins, from 1."""

    section: str
    key: str
    value: str
    file: str
    line: int


class UnreadableError(ValueError):
    """A value that systemd and Podman cannot read either."""


def parse(text: str, file: str) -> tuple[tuple[Entry, ...], tuple[Problem, ...]]:
    """Return the assignments in their order, and the lines that are none.

    A section without any has an entry with no key, so that it is known to be there.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    section = ""
    for number, line in _joined(text):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            entries.append(Entry(section=section, key="", value="", file=file, line=number))
            continue
        key, equals, value = line.partition("=")
        key = key.rstrip()
        if not equals or not key:
            message = "is no [Section], no comment and no KEY=VALUE"
            problems.append(Problem(file=file, line=number, message=message))
        elif not section:
            message = f"{key} stands before the first [Section]"
            problems.append(Problem(file=file, line=number, message=message))
        else:
            entries.append(
                Entry(section=section, key=key, value=value.strip(), file=file, line=number)
            )
    return tuple(entries), tuple(problems)


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Give the lines that say something, with where each begins."""
    begun, start = "", 0
    lines = text.removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line[0] in "#;":
            continue
        start = start if begun else number
        if line.endswith("\\") and number < len(lines):
            # Podman joins as it stands; whoever wants a blank writes it before the backslash.
            begun += line[:-1]
            continue
        line, begun = begun + line.removesuffix("\\"), ""
        yield start, line.strip()


def unquoted(value: str) -> str:
    """Return a value that is taken whole, less the double quotes around it."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def truth(value: str) -> bool:
    return unquoted(value).lower() in ("1", "yes", "true", "on")


def words(value: str, *, escapes: bool = True) -> list[str]:
    """Return the words of a value, less their quotes; `escapes` as \\n are read, or left alone.

    Raises UnreadableError for an escape that systemd does not know.
    """
    found: list[str] = []
    reading = _Reading(value, escapes)
    while (word := reading.word()) is not None:
        found.append(word)
    return found


class _Reading:
    """A value that is read from left to right."""

    def __init__(self, text: str, escapes: bool) -> None:
        self._text = text
        self._at = 0
        self._escapes = escapes

    def word(self) -> str | None:
        """Return the next word, None behind the last one."""
        text = self._text
        while self._at < len(text) and text[self._at] in _BLANKS:
            self._at += 1
        if self._at >= len(text):
            return None
        made = bytearray()
        quote = ""
        while self._at < len(text):
            sign = text[self._at]
            self._at += 1
            if self._escapes and sign == "\\":
                made += self._escape()
            elif quote:
                if sign == quote:
                    quote = ""
                else:
                    made += sign.encode()
            elif sign in "\"'":
                quote = sign
            elif sign in _BLANKS:
                break
            else:
                made += sign.encode()
        # As bytes, because two \\x may make one character.
        return made.decode(errors="replace")

    def _escape(self) -> bytes:
        """Return what stands for the escape behind the backslash just read."""
        kind = self._text[self._at : self._at + 1]
        self._at += 1
        if kind in _ESCAPES:
            return _ESCAPES[kind].encode()
        if not kind:
            return b""
        if kind in _HEX:
            return self._number(kind, _HEX[kind], 16)
        if kind in "01234567":
            self._at -= 1
            return self._number(kind, 3, 8)
        raise UnreadableError(f"\\{kind} is no escape that systemd knows; write \\\\{kind}")

    def _number(self, kind: str, digits: int, radix: int) -> bytes:
        text = self._text[self._at : self._at + digits]
        self._at += digits
        try:
            number = int(text, radix) if len(text) == digits else 0
            if number and (kind in "uU" or number < 256):
                return chr(number).encode() if kind in "uU" else bytes([number])
        except (ValueError, OverflowError):
            pass
        raise UnreadableError(f"\\{kind} needs {digits} digits of a character behind it")
