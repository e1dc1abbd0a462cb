"""Turn bytes into text, and the parser's complaints into sentences with a hint.

The parser speaks of tokens and indicators; who wrote the file thinks of tabs, quotes and columns.
"""

from __future__ import annotations

import re

from manifests.problems import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What YAML 1.2 calls printable, 5.1; everything else must be written as an escape in quotes.
_FORBIDDEN = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)

# The parser's words -> ours. The first that is found in the complaint holds.
_SENTENCES = (
    ("found a tab", "a tab is used as indentation; use spaces"),
    ("mapping values are not allowed", 'a second ": " in this place; quote the value, or check '
     "the indentation"),
    ("block sequence entries are not allowed", 'a list item "- " cannot start here; put it on a '
     "line of its own"),
    ("block mapping", "this does not continue the mapping that it stands in; check the "
     "indentation and the quotes"),
    ("block collection", 'this does not continue the list that it stands in; check the '
     'indentation and the "- "'),
    ("flow sequence", 'a list in brackets is not closed; a "," or "]" is missing'),
    ("flow mapping", 'a mapping in braces is not closed; a "," or "}" is missing'),
    ("found unexpected ':'", "a colon in brackets or braces; put the value in quotes"),
    ("could not find expected ':'", 'a ":" is missing after a key'),
    ("unknown escape character", "the backslash starts an escape that YAML does not know; use "
     "single quotes, or write two backslashes"),
    ("unexpected end of stream", "a quoted text is not closed"),
    ("node content", "a value is missing here; a bracket may not be closed"),
    ("unexpected document indicator", "a quoted text is not closed before the document ends"),
    ("undefined tag handle", "the tag starts with a handle that is not declared; quote the value"),
    ("incompatible YAML document", "the document asks for a YAML version that does not exist"),
    ("<document start>", 'something follows the end of the document; a "---" is missing, or the '
     "indentation is wrong"),
)  # fmt: skip


class UndecodableError(Exception):
    """Bytes that are no text: `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def decode(data: bytes, file: str) -> str:
    """Return the text of `data`: UTF-8, or UTF-16 and UTF-32 with a byte order mark.

    Raises UndecodableError with line, column and the offset of the first bad byte.
    """
    encoding, start = "utf-8", 0
    for mark, name in _MARKS:
        if data.startswith(mark):
            encoding, start = name, len(mark)
            break
    try:
        text = data[start:].decode(encoding)
    except UnicodeDecodeError as error:
        before = data[start : start + error.start].decode(encoding, "replace")
        line, column = _place(before, len(before))
        raise UndecodableError(
            Problem(
                file=file,
                line=line,
                column=column,
                message=f"is not {encoding.upper()} text: byte 0x{data[start + error.start]:02x} "
                f"at offset {start + error.start}; save the file as UTF-8",
            )
        ) from error
    if "\x00" in text:
        raise UndecodableError(_control_character(text, file) or Problem(message="", file=file))
    return text


def worded(complaint: Any, text: str, file: str) -> Problem:
    """Say what the parser's `complaint` about `text` means, with its place."""
    mark: Any = getattr(complaint, "problem_mark", None)
    if not hasattr(mark, "line"):
        forbidden = _control_character(text, file)
        return forbidden or Problem(file=file, message=f"is not YAML: {_one_line(complaint)}")
    line, column = mark.line + 1, mark.column + 1
    said = str(complaint.problem)
    context: Any = complaint.context_mark
    message = _sentence(said, str(complaint.context or ""), text, (mark.line, mark.column))
    if hasattr(context, "line") and context.line != mark.line:
        message += f" (it started at line {context.line + 1})"
    return Problem(file=file, line=line, column=column, message=message)


def _sentence(said: str, context: str, text: str, place: tuple[int, int]) -> str:
    if "cannot start any token" in said:
        return _bad_start(text, place)
    for words, sentence in _SENTENCES:
        if words in said:
            return sentence
    for words, sentence in _SENTENCES:
        if words in context:
            return sentence
    return f"is not YAML: {said}"


def _bad_start(text: str, place: tuple[int, int]) -> str:
    lines = text.splitlines()
    line = lines[place[0]] if place[0] < len(lines) else ""
    character = line[place[1]] if place[1] < len(line) else ""
    if character == "\t":
        return "a tab is used as indentation; use spaces"
    return f"a value cannot start with {character!r}; put it in quotes"


def _control_character(text: str, file: str) -> Problem | None:
    found = re.search(_FORBIDDEN, text)
    if found is None:
        return None
    line, column = _place(text, found.start())
    hint = "is the file binary, or UTF-16 without its mark?" if found[0] == "\x00" else "remove it"
    return Problem(
        file=file,
        line=line,
        column=column,
        message=f"holds the control character U+{ord(found[0]):04X}, which YAML forbids; {hint}",
    )


def _place(text: str, at: int) -> tuple[int, int]:
    """Return line and column, from 1, of the character at index `at`."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _one_line(complaint: object) -> str:
    return " ".join(str(complaint).split())
