"""Read text that is JSON as JSON: documents out, or None where YAML has to look at it.

JSON is not quite YAML: tabs indent, "\\ud83d\\ude00" is one character, keys may be long. kubectl
reads a file that starts with a brace as JSON first, one or several documents in a row; so does
podpy. Whatever JSON does not take, or takes silently (a key twice), YAML reads and reports.
"""

from __future__ import annotations

import json
import re

from manifests.yaml.reader import Raw, Reading
from manifests.yaml.scalars import whole_as_int

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.yaml.limits import Limits

_SPACE = " \t\r\n"


def read(text: str, limit: Limits) -> Reading | None:
    """Return the documents of `text`, or None when it is not plain JSON within the limits."""
    if len(text) > limit.bytes:
        return None
    decoder = json.JSONDecoder(
        object_pairs_hook=_unique, parse_float=_number, parse_constant=_no_constant
    )
    documents: list[Raw] = []
    at = _skip_space(text, 0)
    try:
        while at < len(text):
            value, end = decoder.raw_decode(text, at)
            if not isinstance(value, dict) or _deeper_than(value, limit.depth):
                return None
            line = text.count("\n", 0, at) + 1
            documents.append(Raw(index=len(documents), value=value, line=line))
            at = _skip_space(text, end)
    except (ValueError, RecursionError):
        return None
    return Reading(documents=tuple(documents), problems=())


def as_yaml(text: str) -> str:
    """Return JSON in which YAML finds each field at the same line and column.

    A tab in JSON is always white space, and the halves of a character beyond 16 bits, which YAML
    refuses one by one, do not matter for places.
    """
    text = text.replace("\t", " ")
    return re.sub(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", r"\\u0020", text)


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key is there twice")
    return values


def _number(text: str) -> int | float:
    number = whole_as_int(float(text), text)
    if isinstance(number, str):
        raise ValueError(f"{text} is out of range")
    return number


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _deeper_than(value: Any, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    if levels == 0:
        return True
    below = value.values() if isinstance(value, dict) else value
    return any(_deeper_than(one, levels - 1) for one in below)
