"""Words in, text of systemd unit files out, so that systemd reads the same words. Pure.

systemd.syntax(7) for quotes and escapes, systemd.unit(5) for specifiers (%), systemd.service(5)
for variables ($) and separators (;) of command lines. Quadlet takes words out of its keys and puts
them into ExecStart= again, with quotes of its own; what it leaves as it is, systemd expands there.
"""

from __future__ import annotations

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./_-$")
_NOTHING = "%i"
"""The instance's name: nothing, in a unit that is no instance."""


class UnwritableError(ValueError):
    """A value that the syntax has no form for."""


def line(text: str) -> str:
    """Return a value that is text to its end, as Description=; specifiers are not expanded."""
    _check(text)
    return text.replace("%", "%%")


def literal(text: str) -> str:
    """Return a value that Quadlet takes to its end and puts into a command line as one word."""
    _check(text)
    if not text:
        raise UnwritableError("is empty")
    return _inert(text)


def word(text: str) -> str:
    """Return one word of a key that is split into words which end in a command line."""
    if "\0" in text:
        raise UnwritableError("has a NUL byte")
    # Quadlet writes an empty word, and a ; that systemd takes for the end of the command, bare.
    if text in ("", ";"):
        return text + _NOTHING
    inert = _inert(text)
    if _PLAIN.issuperset(inert):
        return inert
    return f'"{"".join(_escaped(char) for char in inert)}"'


def words(texts: tuple[str, ...] | list[str]) -> str:
    """Return several words."""
    return " ".join(word(text) for text in texts)


def _inert(text: str) -> str:
    return text.replace("%", "%%").replace("$", "$$")


def _check(text: str) -> None:
    if any(ord(char) < ord(" ") or char == "\x7f" for char in text):
        raise UnwritableError("has a control character, for which there is no form here")
    if text != text.strip() or text.endswith("\\"):
        raise UnwritableError("begins or ends with a blank or ends with a backslash")


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return f"\\x{ord(char):02x}" if ord(char) < ord(" ") or char == "\x7f" else char
