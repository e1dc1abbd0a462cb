"""Give the events of a text some of whose documents the C parser refuses though they are YAML.

It is older than the rule that a colon may stand inside a plain scalar in brackets and braces,
`{image: busybox:1}`, which kubectl's parser takes. The pure parser knows it, and takes seconds for
a megabyte: it reads the documents that the other refuses, and those alone.
"""

from __future__ import annotations

import itertools
import re
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Parser = Callable[[str], Any]
    Complaints = tuple[type[BaseException], ...]

LONGEST = 1024 * 1024
"""How much text the pure parser is given."""
_MOST = 500
"""How many documents, as the other one is started anew behind each."""
# Wherever it stands in a document, this begins the next one (YAML 1.2, 9.1.2), unless directives
# stand before it.
_START = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


def is_misread(complaint: BaseException) -> bool:
    """Tell whether this is what the C parser says of such a colon."""
    return getattr(complaint, "problem", None) == "found unexpected ':'"


def events(text: str, parser: Parser, end: type, complaints: Complaints) -> Iterator[Any]:
    """Yield the events of `text`, and one `end` at last. `parser` makes a C parser, which raises
    `complaints`.

    Raises what the parsers say of a text that is no YAML; the C parser's word where too much would
    be for the pure one.
    """
    last = None
    line = 0
    for part, refused in _runs(text, parser, end, complaints):
        found = _pure(part, line) if refused else _quick("\n" * line + part, parser, end)
        for event in found:
            if type(event) is end:
                last = event
            else:
                yield event
        line += len(_BREAK.findall(part))
    if last is not None:
        yield last


def _runs(text: str, parser: Parser, end: type, complaints: Complaints) -> list[tuple[str, bool]]:
    """Part the text into documents that the C parser refuses, and what is between them."""
    if _DIRECTIVE.search(text):
        documents = [text]
    else:
        starts = [
            0,
            *(found.start() for found in _START.finditer(text) if found.start()),
            len(text),
        ]
        documents = [text[at:to] for at, to in itertools.pairwise(starts)]
    runs: list[tuple[str, bool]] = []
    good: list[str] = []
    count = size = 0
    for document in documents:
        complaint = _refusal(document, parser, end, complaints)
        if complaint is None:
            good.append(document)
            continue
        count, size = count + 1, size + len(document)
        if count > _MOST or size > LONGEST:
            raise complaint
        if good:
            runs.append(("".join(good), False))
        good = []
        runs.append((document, True))
    if good or not runs:
        runs.append(("".join(good), False))
    return runs


def _refusal(
    document: str, parser: Parser, end: type, complaints: Complaints
) -> BaseException | None:
    """Return why the C parser refuses the document, where that is a colon."""
    try:
        deque(_quick(document, parser, end), maxlen=0)
    except complaints as complaint:
        return complaint if is_misread(complaint) else None
    return None


def _quick(text: str, parser: Parser, end: type) -> Iterator[Any]:
    following = parser(text).get_event
    while True:
        event = following()
        yield event
        if type(event) is end:
            return


def _pure(text: str, line: int) -> Iterator[Any]:
    from ruamel.yaml import YAML

    loader = YAML(typ="safe", pure=True)
    _, parsing = loader.get_constructor_parser(text)
    loader.reader.line = line
    while parsing.check_event():
        yield parsing.get_event()
