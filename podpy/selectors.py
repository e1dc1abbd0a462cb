"""Read label selectors as kubectl's -l takes them: text in, a LabelSelector out. Pure.

app=web,tier!=db      env in (a, b),env notin (c)      canary,!legacy
"""

from __future__ import annotations

import re

from manifests.faults import Invalid
from manifests.meta import LabelSelector, Operator, Requirement

_SET = re.compile(r"([\w./-]+)\s+(in|notin)\s*\(([^()]*)\)")
_EQUALITY = re.compile(r"([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)")
_KEY = re.compile(r"(!?)\s*([\w./-]+)")


def parse(text: str) -> LabelSelector:
    """Return the selector; with no text it selects everything. Raises Invalid."""
    return LabelSelector(
        match_expressions=tuple(_requirement(part.strip(), text) for part in _parts(text))
    )


def _parts(text: str) -> list[str]:
    """Split at the commas that stand outside of brackets."""
    parts = re.split(r",(?![^(]*\))", text)
    return parts if text.strip() else []


def _requirement(part: str, whole: str) -> Requirement:
    if found := _SET.fullmatch(part):
        key, word, values = found.groups()
        operator = Operator.IN if word == "in" else Operator.NOT_IN
        listed = tuple(value.strip() for value in values.split(","))
        return Requirement(key=key, operator=operator, values=listed)
    if found := _EQUALITY.fullmatch(part):
        key, sign, value = found.groups()
        operator = Operator.NOT_IN if sign == "!=" else Operator.IN
        return Requirement(key=key, operator=operator, values=(value,))
    if found := _KEY.fullmatch(part):
        operator = Operator.DOES_NOT_EXIST if found[1] else Operator.EXISTS
        return Requirement(key=found[2], operator=operator)
    raise Invalid(
        f'selector "{whole}": "{part}" is not understood',
        hint="write key=value, key!=value, key in (a,b), key or !key, with commas between",
    )
