"""Read field selectors as kubectl's --field-selector takes them: text in, a test of items out.

status.phase=Running,metadata.name!=web

As with Kubernetes' API server, only some fields of a kind can be selected by.
"""

from __future__ import annotations

import re

from manifests.faults import Invalid
from manifests.value import Value
from podpy import status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from podpy.inventory import Item

_TERM = re.compile(r"([\w.]+)\s*(==|=|!=)\s*(.*)")


class Term(Value):
    """One comparison of a field with a text."""

    field: str
    equal: bool
    value: str


def parse(text: str) -> tuple[Term, ...]:
    """Return the comparisons, all of which have to hold. Raises Invalid."""
    terms = []
    for part in text.split(",") if text.strip() else ():
        found = _TERM.fullmatch(part.strip())
        if found is None:
            raise Invalid(
                f'field selector "{text}": "{part}" is not understood',
                hint="write field=value or field!=value, with commas between",
            )
        terms.append(Term(field=found[1], equal=found[2] != "!=", value=found[3].strip()))
    return tuple(terms)


def matches(terms: tuple[Term, ...], item: Item, now: float) -> bool:
    """Tell whether an item is selected. Raises Invalid for a field that its kind cannot have."""
    return all((_value(term.field, item, now) == term.value) is term.equal for term in terms)


def check(terms: tuple[Term, ...], kind: str) -> None:
    """Raise Invalid where a field of that kind cannot be selected by."""
    known = [*_COMMON, *_OF_KIND.get(kind, {})]
    for term in terms:
        if term.field not in known:
            raise Invalid(
                f'a {kind} cannot be selected by the field "{term.field}"',
                hint=f"fields are: {', '.join(known)}",
            )


def _value(field: str, item: Item, now: float) -> str:
    read = _COMMON.get(field) or _OF_KIND[item.ref.kind][field]
    return read(item, now)


def _phase(item: Item, now: float) -> str:
    return status.summary(item.state, now).phase.value if item.state else ""


def _node(item: Item, _now: float) -> str:
    from runtime.observe import facts

    return facts.node_name() if item.state else ""


def _address(item: Item, _now: float) -> str:
    return item.state.record.address if item.state else ""


def _restart_policy(item: Item, _now: float) -> str:
    return item.state.pod.spec.restart_policy.value if item.state else ""


_COMMON: dict[str, Callable[[Item, float], str]] = {
    "metadata.name": lambda item, _now: item.ref.name,
    "metadata.namespace": lambda item, _now: item.ref.namespace,
}
_OF_KIND: dict[str, dict[str, Callable[[Item, float], str]]] = {
    "Pod": {
        "status.phase": _phase,
        "status.podIP": _address,
        "spec.nodeName": _node,
        "spec.restartPolicy": _restart_policy,
    },
    "Secret": {"type": lambda item, _now: str(getattr(item.thing, "type", ""))},
    "Namespace": {"status.phase": lambda _item, _now: "Active"},
}
