"""Give a YAML scalar the value that kubectl gives it.

kubectl reads YAML with a fork of go-yaml 2, which is neither YAML 1.1 nor 1.2: `y`, `no` and `on`
are booleans, `0644` and `0o644` octal, `12:30:45` and `2001-12-14` text. The table of
tests/unit/manifests_yaml/scalars.tsv was taken from what kubectl 1.33 itself prints. What kubectl
sends on is JSON, where 1.0 and 1 are one number: whole floats become integers here.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    Plain = str | int | float | bool | None

_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_NULL = ("", "~", "null", "Null", "NULL")

WORDS: dict[str, bool | None] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(_NULL),
}
"""The plain scalars that are booleans or null."""

NUMERIC = frozenset("0123456789+-.")
"""The first characters of all numbers: any other plain scalar, not of WORDS, is text."""

_NOT_JSON = frozenset(
    sign + word
    for word in (".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN")
    for sign in ("", "+", "-")
    if not (sign and "n" in word[1:2].lower())
)
# Patterns stay text until a scalar needs them: compiling costs a start-up millisecond, and the
# numbers of most manifests are plain digits.
_DECIMAL = r"[-+]?(?:0|[1-9][0-9]*)"
_PREFIXED = r"(?P<sign>[-+]?)0(?:[xX](?P<x>[0-9a-fA-F]+)|[oO]?(?P<o>[0-7]+)|[bB](?P<b>[01]+))"
_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
_LAST = frozenset("0123456789abcdefABCDEF._")
_LARGEST = 2**64
_LONGEST_NUMBER = 400  # characters; int() of a long digit string costs quadratic time
_TAGS = "tag:yaml.org,2002:"


class NotAValueError(Exception):
    """A scalar that has no value: the text says what is wrong with it."""


def plain(text: str) -> Plain:
    """Return the value of an unquoted scalar. NotAValueError for infinity and not-a-number."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in NUMERIC:
        return text
    return _number(text)


def tagged(tag: str, text: str) -> Plain:
    """Return the value of a scalar with an explicit tag (`!!int "5"`), quoted or not.

    Tags that kubectl does not know (`!ref x`) leave the text as it is, as there. Raises
    NotAValueError where text and tag do not go together.
    """
    name = tag.removeprefix("!!").removeprefix(_TAGS)
    if name == "binary":
        return _binary(text)
    if name not in ("bool", "int", "float", "null"):
        return text
    value = plain(text)
    if _tag_of(value, text) not in (name, "int" if name == "float" else name):
        raise NotAValueError(f"{text!r} is no {name}, as its tag !!{name} says")
    return value


def _tag_of(value: Plain, text: str) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case str():
            return "str"
        case float():
            return "float"
        case int():
            digits = text.replace("_", "")
            integral = re.fullmatch(_DECIMAL, digits) or re.fullmatch(_PREFIXED, digits)
            return "int" if integral else "float"


def _number(text: str) -> Plain:
    if text in _NOT_JSON:
        raise NotAValueError(f"{text} is a number that JSON, and so Kubernetes, does not have")
    if text[-1] not in _LAST or len(text) > _LONGEST_NUMBER:
        return text
    if text.isdecimal() and text.isascii() and (text[0] != "0" or text == "0"):
        return _within_range(text)
    digits = text if text[0] == "." else text.replace("_", "")
    if re.fullmatch(_DECIMAL, digits):
        return _within_range(digits)
    prefixed = re.fullmatch(_PREFIXED, digits)
    if prefixed:
        base = {"x": 16, "o": 8, "b": 2}[prefixed.lastgroup or "o"]
        magnitude = int(prefixed[prefixed.lastgroup or "o"], base)
        return -magnitude if prefixed["sign"] == "-" else magnitude
    if re.fullmatch(_FLOAT, digits):
        return whole_as_int(float(digits), text)
    return text


def _within_range(digits: str) -> int | float:
    whole = int(digits)
    return whole if -_LARGEST < whole < _LARGEST else float(digits)


def whole_as_int(number: float, text: str) -> int | float | str:
    """Return what JSON makes of a float: 1.0 is 1; one out of range stays the text it was."""
    if number in (float("inf"), float("-inf")):
        return text
    return int(number) if number.is_integer() and abs(number) < _LARGEST else number


def _binary(text: str) -> str:
    import base64

    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except ValueError as error:
        raise NotAValueError(f"!!binary is not base64 of UTF-8 text: {error}") from error
