"""Write JSON-shaped data as YAML that podpy and kubectl read back as the same data. Pure.

ruamel's emitter follows YAML 1.2 and leaves "yes" and "0644" unquoted, which kubectl reads as a
boolean and an octal number; and importing it takes longer than the rest of `get -o yaml`.
"""

from __future__ import annotations

import json
import re

from manifests.yaml import scalars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_/.@%+=~-]*(?:[ :][A-Za-z0-9_/.@%+=~()-]+)*")
_DATE = re.compile(r"\d\d\d\d-\d\d?-\d\d?.*")
_BLOCK = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff]*")
"""What a literal block can hold: no tabs and no control characters but newlines."""

_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""What JSON leaves as it is in quotes and YAML wants escaped."""


def dumps(value: Any) -> str:
    """Return the YAML of `value`: mappings, lists, text, numbers, booleans and None."""
    return "\n".join(_node(value, 0)) + "\n"


def _node(value: Any, indent: int) -> Iterator[str]:
    pad = " " * indent
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _entry(f"{pad}{_text(str(key))}:", item, indent)
    elif isinstance(value, list) and value:
        for item in value:
            yield from _item(item, indent)
    else:
        yield pad + _scalar(value)


def _entry(head: str, item: Any, indent: int) -> Iterator[str]:
    """A key with its value: beside it, or below it. Lists stand below at the same depth."""
    if isinstance(item, dict) and item:
        yield head
        yield from _node(item, indent + 2)
    elif isinstance(item, list) and item:
        yield head
        yield from _node(item, indent)
    elif isinstance(item, str) and _is_block(item):
        yield f"{head} |{_chomping(item)}"
        for line in item.rstrip("\n").split("\n") + [""] * _extra_ends(item):
            yield " " * (indent + 2) + line if line else ""
    else:
        yield f"{head} {_scalar(item)}"


def _item(item: Any, indent: int) -> Iterator[str]:
    pad = " " * indent
    if isinstance(item, (dict, list)) and item:
        first, *rest = _node(item, indent + 2)
        yield f"{pad}- {first[indent + 2 :]}"
        yield from rest
    else:
        yield from _entry(f"{pad}-", item, indent)


def _is_block(text: str) -> bool:
    """Tell whether a text of several lines can be a literal block.

    One that begins with a blank would need an indentation mark: it is quoted.
    """
    body = text.rstrip("\n")
    return (
        "\n" in text
        and bool(body)
        and body[0] not in " \n"
        and _BLOCK.fullmatch(text) is not None
        and not any(line.endswith(" ") for line in body.split("\n"))
    )


def _chomping(text: str) -> str:
    if not text.endswith("\n"):
        return "-"
    return "+" if text.endswith("\n\n") else ""


def _extra_ends(text: str) -> int:
    return max(0, len(text) - len(text.rstrip("\n")) - 1)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)


def _text(text: str) -> str:
    """Return text plain where it stays text, else in JSON's quotes, which are YAML's as well."""
    if _PLAIN.fullmatch(text) and not _DATE.fullmatch(text) and ": " not in text:
        try:
            if scalars.plain(text) == text:
                return text
        except scalars.NotAValueError:
            pass
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
