"""Compare podpy's nft table with nft's JSON list of it, and word what differs. Pure.

`read` sorts the list into elements, which come and go with pods, and parts (chains, rules, sets),
which never change. What the parts should be is what nft listed when podpy had just loaded them:
so a rule that somebody edits is seen, however this version of nft writes it.
"""

from __future__ import annotations

import json

from manifests.value import EMPTY, Value
from renderers import nft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_CHANGING = ("handle", "index", "elem")


class Listed(Value):
    """A table as nft lists it: `parts` maps "chain forward" or "rules of forward" to their text."""

    parts: Mapping[str, str] = EMPTY
    elements: nft.Elements = EMPTY


def read(listed: Mapping[str, Any]) -> Listed:
    """Sort nft's list of the table."""
    parts: dict[str, list[Any]] = {}
    elements: dict[str, dict[str, str]] = {}
    for entry in listed.get("nftables", ()):
        for kind, body in entry.items():
            if kind == "metainfo":
                continue
            if kind in ("set", "map"):
                elements[body["name"]] = dict(_elements(kind, body.get("elem", ())))
            fixed = {key: value for key, value in body.items() if key not in _CHANGING}
            parts.setdefault(_title(kind, body), []).append(fixed)
    texts = {title: json.dumps(held, sort_keys=True) for title, held in parts.items()}
    return Listed(parts=texts, elements=elements)


def parts_changed(wanted: Mapping[str, str], found: Mapping[str, str]) -> tuple[str, ...]:
    """Say which chains, rules and sets are not as they were loaded."""
    return tuple(
        f"nft {title} {_verb(wanted, found, title)}"
        for title in sorted({*wanted, *found})
        if wanted.get(title) != found.get(title)
    )


def elements_changed(wanted: nft.Elements, found: nft.Elements) -> tuple[str, ...]:
    """Say which networks and ports the sets and maps have wrong."""
    wrong: list[str] = []
    for name in sorted({*wanted, *found} & {*nft.SETS}):
        here, there = wanted.get(name, {}), found.get(name, {})
        for key in sorted({*here, *there}):
            if here.get(key) != there.get(key):
                words = _port if nft.SETS[name].data else _member
                wrong.append(words(name, key, here.get(key), there.get(key)))
    return tuple(wrong)


def _verb(wanted: Mapping[str, str], found: Mapping[str, str], title: str) -> str:
    verb = "were" if title.startswith("rules ") else "was"
    if title not in found:
        return f"{verb} missing"
    return f"{verb} changed" if title in wanted else f"{verb} added by somebody"


def _member(name: str, key: str, wanted: str | None, _found: str | None) -> str:
    if wanted is None:
        return f"nft set {name} had {key}, without a network that wants it"
    return f"nft set {name} lacked {key}"


def _port(_name: str, key: str, wanted: str | None, found: str | None) -> str:
    said = f"port {nft.port_text(key)}"
    if wanted is None:
        return f"{said} led to {nft.target_text(found or '')}, without a pod that wants it"
    if found is None:
        return f"{said} did not lead to {nft.target_text(wanted)}"
    return f"{said} led to {nft.target_text(found)}, not {nft.target_text(wanted)}"


def _title(kind: str, body: Mapping[str, Any]) -> str:
    return f"rules of {body['chain']}" if kind == "rule" else f"{kind} {body['name']}"


def _elements(kind: str, items: Any) -> Iterator[tuple[str, str]]:
    for item in items:
        key, data = item if kind == "map" else (item, "")
        yield _text(key), _text(data)


def _text(item: Any) -> str:
    """Return an element's words, whatever nft has wrapped around them."""
    if isinstance(item, dict):
        if "elem" in item:
            return _text(item["elem"]["val"])
        if "prefix" in item:
            return f"{item['prefix']['addr']}/{item['prefix']['len']}"
        if "concat" in item:
            return " . ".join(str(word) for word in item["concat"])
    return str(item)
