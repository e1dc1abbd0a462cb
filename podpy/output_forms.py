"""Print objects in the forms that programs read: yaml, json, jsonpath, custom columns; sort them.

What goes in are objects in Kubernetes' shape (inventory.wire). Pure.
"""

from __future__ import annotations

from manifests.faults import Invalid
from podpy import tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from podpy import jsonpath

PLAIN = ("", "wide", "name", "yaml", "json")
"""Forms without a detail; "" and the first two are tables and names, which get prints itself."""

DETAILED = {
    "jsonpath": "-o jsonpath='{.items[*].metadata.name}'",
    "custom-columns": "-o custom-columns=NAME:.metadata.name,IP:.status.podIP",
}
REFUSED = ("go-template", "go-template-file", "template", "templatefile", "jsonpath-as-json")


def split(output: str) -> tuple[str, str]:
    """Return a form and its detail: `jsonpath={...}` in two. Raises Invalid for no form."""
    form, equals, detail = output.partition("=")
    if form in REFUSED:
        raise Invalid(f"-o {form} is not supported", hint="use -o jsonpath={...} or -o json")
    if form in DETAILED:
        if not detail:
            raise Invalid(f"-o {form} wants to be told what", hint=DETAILED[form])
        return form, detail
    if form not in PLAIN or equals:
        from podpy import unknown

        raise unknown.choice("output form", output, (*PLAIN[1:], *DETAILED))
    return form, ""


def listed(shown: list[dict[str, Any]], *, single: bool) -> dict[str, Any]:
    """Return the one object that was asked for, or a List of several."""
    return shown[0] if single else {"apiVersion": "v1", "kind": "List", "items": shown}


def text(value: dict[str, Any], form: str, detail: str = "") -> str:
    """Return a value in a form: YAML, JSON, or what a JSONPath template makes of it."""
    if form == "yaml":
        from renderers import yaml_text

        return yaml_text.dumps(value)
    if form == "jsonpath":
        from podpy import jsonpath

        return jsonpath.parse(detail).text(value)
    import json

    return json.dumps(value, indent=4, ensure_ascii=False) + "\n"


def custom_columns(detail: str) -> tuple[tuple[str, ...], tuple[jsonpath.Path, ...]]:
    """Read HEAD:PATH,HEAD:PATH. A head may be empty: scripts that want none leave it out."""
    from podpy import jsonpath

    heads, paths = [], []
    for part in _parts(detail):
        head, colon, where = part.partition(":")
        if not colon or not where:
            raise Invalid(
                f'-o custom-columns: "{part}" is not HEAD:PATH', hint=DETAILED["custom-columns"]
            )
        heads.append(head)
        paths.append(jsonpath.path(where))
    return tuple(heads), tuple(paths)


def cells(paths: Iterable[jsonpath.Path], value: dict[str, Any]) -> tuple[str, ...]:
    """Return what stands at each path: several values with commas between, <none> for nothing."""
    from podpy import jsonpath

    return tuple(
        ",".join(jsonpath.worded(one) for one in path.find(value)) or tables.NONE for path in paths
    )


def order(path: str, values: Sequence[dict[str, Any]]) -> list[int]:
    """Return the positions of `values` in the order of what stands at `path`: missing ones first.

    Raises Invalid where none has anything there, which is a misspelt path.
    """
    from podpy import jsonpath

    where = jsonpath.path(path)
    found = [where.find(value) for value in values]
    if values and not any(found):
        raise Invalid(f'--sort-by: no object has "{path}"', hint="podpy get -o yaml shows fields")
    return sorted(range(len(values)), key=lambda position: _rank(found[position]))


def _rank(found: list[Any]) -> tuple[int, float, str]:
    """Nothing before numbers before texts."""
    if not found or found[0] is None:
        return 0, 0.0, ""
    if isinstance(found[0], (bool, int, float)):
        return 1, float(found[0]), ""
    return 2, 0.0, str(found[0])


def _parts(detail: str) -> list[str]:
    """Split at the commas that stand outside of brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for sign in detail:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        else:
            depth += (sign in "[(") - (sign in "])")
        if sign == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += sign
    return parts
