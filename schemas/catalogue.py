"""Answer what kinds there are, what their schemas are, and whether a field exists.

The files of schemas/kubernetes and schemas/podpy are read when they are first needed, one for
each API group and version: 70 kB, 1 ms, for a Pod.
"""

from __future__ import annotations

import functools
import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Schema = dict[str, Any]
    FieldPath = tuple[str | int, ...]

_FOLDER = os.path.dirname(__file__)
_DEFINITIONS = "#/$defs/"
_SAME_GROUP = 0.9  # how alike two names are that differ in a slip of the pen
_OWN_KINDS = {
    "podpy.dev/v1": {
        "Network": ["podpy.network.json#/$defs/Network", False],
        "Sync": ["podpy.sync.json#/$defs/Sync", False],
    }
}


KUSTOMIZATION = (
    "is for kustomize, which podpy does not run: give podpy what `kubectl kustomize DIR` prints"
)


def known(api_version: str, kind: str) -> bool:
    """Whether there is a schema of this kind."""
    return kind in _kinds().get(api_version, {})


def namespaced(api_version: str, kind: str) -> bool:
    """Whether objects of this kind live in a namespace. True for a kind that is not known."""
    entry = _kinds().get(api_version, {}).get(kind)
    return bool(entry[1]) if entry else True


def api_versions(kind: str) -> tuple[str, ...]:
    """The apiVersions that have a kind of this name, stable ones first."""
    found = [version for version, kinds in _kinds().items() if kind in kinds]
    return tuple(sorted(found, key=lambda version: "alpha" in version or "beta" in version))


def like_group(group: str) -> str:
    """Return the API group that this one is or is likely meant to be, "" for somebody's own."""
    groups = sorted({version.partition("/")[0] for version in _kinds() if "." in version})
    if group in groups:
        return group
    from difflib import get_close_matches

    return next(iter(get_close_matches(group, groups, n=1, cutoff=_SAME_GROUP)), "")


def unknown_kind(api_version: str, kind: str) -> str:
    """Say that a kind is not known, with what was likely meant."""
    if kind == "Kustomization":
        return KUSTOMIZATION
    versions = api_versions(kind)
    if versions:
        meant = " or ".join(f'"{version}"' for version in versions)
        return f"there is no {kind} in apiVersion {api_version}; did you mean {meant}?"
    kinds = sorted({name for entry in _kinds().values() for name in entry})
    same = [name for name in kinds if name.lower() == kind.lower()]
    if not same:
        from difflib import get_close_matches

        same = get_close_matches(kind, kinds, n=1, cutoff=0.75)
    if same:
        return f'the kind {kind} is not known; did you mean "{same[0]}"?'
    return f"the kind {kind} of {api_version} is not known"


def reference(api_version: str, kind: str) -> str:
    """Where the schema of a known kind is: a file of this room and a definition in it."""
    return str(_kinds()[api_version][kind][0])


def below(schema: Schema, step: str | int) -> Schema | None:
    """Return the schema of a field or item of what `schema` describes, None where there is none."""
    schema = resolved(schema)
    if not schema:
        return schema
    if isinstance(step, int):
        return schema.get("items")
    found: Schema | None = schema.get("properties", {}).get(step)
    if found is not None:
        return found
    more = schema.get("additionalProperties")
    if more is None or more is True:
        # Only where nothing is said about fields is any field allowed.
        return {} if schema.get("type") == "object" and "properties" not in schema else None
    return more or None


def resolved(schema: Schema) -> Schema:
    """Follow `$ref` to the definition that it means."""
    while "$ref" in schema:
        schema = definition(schema["$ref"])
    return schema


@functools.cache
def definition(where: str) -> Schema:
    """Return the definition that a reference such as `core.v1.json#/$defs/PodSpec` means."""
    file, _, name = where.partition(_DEFINITIONS)
    found: Schema = contents(file)["$defs"][name]
    return found


@functools.cache
def contents(file: str) -> Schema:
    """Return a whole file of schemas."""
    own = file.startswith("podpy.")
    path = f"podpy/{file.removeprefix('podpy.')}" if own else f"kubernetes/{file}"
    with open(f"{_FOLDER}/{path}", "rb") as opened:
        read: Schema = json.loads(opened.read())
    return read


def files(where: str) -> tuple[str, ...]:
    """The files that the definition `where` needs: its own, and all that are referred to."""
    found: dict[str, None] = {}
    pending = [where.partition(_DEFINITIONS)[0]]
    while pending:
        file = pending.pop()
        if file not in found:
            found[file] = None
            pending.extend(_referred(contents(file)))
    return tuple(found)


def _referred(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set()
    here = schema.get("$ref")
    referred = {here.partition(_DEFINITIONS)[0]} if isinstance(here, str) else set()
    for below_it in schema.values():
        if isinstance(below_it, dict):
            referred |= _referred(below_it)
    return referred


@functools.cache
def _kinds() -> dict[str, dict[str, list[Any]]]:
    return {**contents("index.json")["kinds"], **_OWN_KINDS}
