"""Guess which field somebody meant who wrote one that does not exist.

In this order: the same name in another spelling of case; the same name further up (`volumes` in a
container belongs to the pod); a name that is much like it; the same name further down
(`containers` in a Deployment's spec belongs to `.spec.template.spec`); a name somewhat like it.
"""

from __future__ import annotations

from schemas import catalogue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.catalogue import FieldPath, Schema

_MUCH_ALIKE = 0.8
_SOMEWHAT_ALIKE = 0.65
_LEVELS_DOWN = 3


def field(root: Schema, path: FieldPath, name: str) -> str:
    """Return what `name`, an unknown field of `path`, was meant to be: a field, a place or "".

    A place starts with a dot (`.spec`) and is where the field of that very name belongs.
    """
    chain = _schemas_on(root, path)
    siblings = _fields(chain[-1])
    return (
        next((one for one in siblings if one.lower() == name.lower()), "")
        or _above(chain, path, name)
        or closest(name, siblings, _MUCH_ALIKE)
        or _below(chain[-1], path, name)
        or closest(name, siblings, _SOMEWHAT_ALIKE)
    )


def closest(name: str, names: Iterable[str], least: float = _SOMEWHAT_ALIKE) -> str:
    """Return the one of `names` that is most like `name`, or "" when none is like it."""
    from difflib import get_close_matches

    by_lower = {one.lower(): one for one in names if one}
    found = get_close_matches(name.lower(), by_lower, n=1, cutoff=least)
    return by_lower[found[0]] if found else ""


def _schemas_on(root: Schema, path: FieldPath) -> list[Schema]:
    """Return the schemas of everything on the way: the object itself first, `path`'s last."""
    chain = [catalogue.resolved(root)]
    for step in path:
        chain.append(catalogue.resolved(catalogue.below(chain[-1], step) or {}))
    return chain


def _fields(schema: Schema) -> dict[str, Schema]:
    fields: dict[str, Schema] = schema.get("properties", {})
    return fields


def _above(chain: list[Schema], path: FieldPath, name: str) -> str:
    for depth in range(len(path) - 1, 0, -1):
        if name in _fields(chain[depth]):
            return _text(path[:depth])
    return ""


def _below(schema: Schema, path: FieldPath, name: str) -> str:
    """Look for `name` in what lies below, level by level; the first found is the nearest."""
    level = [(schema, _text(path))]
    for _ in range(_LEVELS_DOWN):
        following = []
        for one, place in level:
            for step, child in _fields(one).items():
                target = catalogue.resolved(child)
                where = f"{place}.{step}"
                if target.get("type") == "array":
                    target, where = catalogue.resolved(target.get("items", {})), f"{where}[]"
                if step == "status":
                    continue
                if name in _fields(target):
                    return where
                following.append((target, where))
        level = following
    return ""


def _text(path: FieldPath) -> str:
    """Write a place without the numbers of items: it is meant as a kind of place."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in path)
