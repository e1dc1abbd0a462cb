"""Objects in the making: fields with the assignments that they come from, and documents of them."""

from __future__ import annotations

import re

from manifests import settings
from manifests.documents import Document, Origin
from manifests.problems import Problem, Severity, path_text
from manifests.value import EMPTY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from manifests.problems import FieldPath
    from manifests.quadlet.reader import Read
    from manifests.quadlet.syntax import Entry
    from manifests.yaml.marks import Place

_REFERENCE = re.compile(r"\$\$|\$(?=\([-._a-zA-Z0-9]+\))")
_LABEL = "abcdefghijklmnopqrstuvwxyz0123456789"


class UnitDocument(Document):
    """An object that units describe: its fields may stand in several files."""

    sources: Mapping[FieldPath, Entry] = EMPTY
    podman: bool = True

    def entry(self, path: FieldPath) -> Entry | None:
        """Return the assignment that a field comes from, or the nearest thing above it does."""
        for length in range(len(path), -1, -1):
            found = self.sources.get(tuple(path[:length]))
            if found is not None:
                return found
        return None

    def position(self, path: FieldPath) -> Place:
        entry = self.entry(path)
        return (entry.line if entry else self.first_line, 0)

    def problem(
        self, path: FieldPath, message: str, severity: Severity = Severity.ERROR
    ) -> Problem:
        entry = self.entry(path)
        key = f"[{entry.section}] {entry.key}".rstrip() if entry else path_text(path)
        return Problem(
            file=entry.file if entry else self.file,
            line=entry.line if entry else self.first_line,
            object=self.label,
            path=key,
            message=message,
            severity=severity,
        )


class Draft:
    """One object. `put` keeps the first value of a field, `add` appends to a list."""

    def __init__(self, api_version: str, kind: str, top: Entry) -> None:
        self.api_version = api_version
        self.kind = kind
        self.top = top
        self.raw: dict[str, Any] = {}
        self.sources: dict[FieldPath, Entry] = {(): top}

    def put(self, path: FieldPath, value: object, entry: Entry) -> None:
        """Set a field; the mappings on the way are made."""
        part: Any = self.raw
        for step, follower in zip(path, (*path[1:], None), strict=True):
            if follower is None:
                part[step] = value
            elif isinstance(part, list):
                part = part[step]  # type: ignore[index]
            else:
                part = part.setdefault(step, [] if isinstance(follower, int) else {})
        self.sources[path] = entry

    def add(self, path: FieldPath, value: object, entry: Entry) -> FieldPath:
        """Append to a list, which is made; return the path of the item."""
        listed = self.at(path)
        if listed is None:
            self.put(path, [], entry)
            listed = self.at(path)
        listed.append(value)
        item = (*path, len(listed) - 1)
        self.sources[item] = entry
        return item

    def at(self, path: FieldPath) -> Any:
        """Return what a path leads to, None where nothing is."""
        part: Any = self.raw
        for step in path:
            try:
                part = part[step]
            except (KeyError, IndexError):
                return None
        return part

    def annotate(self, key: str, read: Read) -> None:
        self.put(("metadata", "annotations", key), read.value, read.entry)

    @property
    def name(self) -> str:
        return str(self.at(("metadata", "name")) or "")

    def document(self, file: str, index: int) -> UnitDocument:
        raw = {"apiVersion": self.api_version, "kind": self.kind, **self.raw}
        return UnitDocument(
            file=file,
            index=index,
            raw=raw,
            api_version=self.api_version,
            kind=self.kind,
            namespace=str(self.at(("metadata", "namespace")) or ""),
            name=self.name,
            origin=Origin(file, ""),
            number=0,
            first_line=self.top.line,
            sources=self.sources,
        )


def templated(pod: Draft, api_version: str, kind: str) -> Draft:
    """Return the object of a workload whose template is a pod that was drafted by itself.

    What orders objects is the workload's own; the pod's draft is not to be used any more.
    """
    made = Draft(api_version, kind, pod.top)
    metadata = dict(pod.raw.get("metadata") or {})
    annotations = dict(metadata.pop("annotations", {}))
    own = {key: annotations.pop(key) for key in settings.ORDER if key in annotations}
    made.put(("metadata", "name"), metadata.pop("name"), pod.top)
    if own:
        made.put(("metadata", "annotations"), own, pod.top)
    if annotations:
        metadata["annotations"] = annotations
    if metadata:
        made.put(("spec", "template", "metadata"), metadata, pod.top)
    made.put(("spec", "template", "spec"), pod.raw["spec"], pod.top)
    for path, entry in pod.sources.items():
        if path[:1] == ("spec",) and len(path) > 1:
            made.sources["spec", "template", *path] = entry
        elif path[:1] == ("metadata",) and len(path) > 2:
            kept = path[-1] in settings.ORDER or path[1] == "name"
            made.sources[path if kept else ("spec", "template", *path)] = entry
    return made


def label(text: str, longest: int = 63) -> str:
    """Return the name nearest to `text` that is a part of a host name."""
    made = "".join(sign if sign in _LABEL else "-" for sign in text.lower())
    return made[:longest].strip("-")


def free(name: str, taken: Collection[str]) -> str:
    """Return the name, or where it is taken the name with the first number that is free."""
    made, number = name, 1
    while made in taken:
        number += 1
        made = f"{name}-{number}"
    return made


def literal(text: str) -> str:
    """Write a text so that Kubernetes finds no $(VARIABLE) in it."""
    return _REFERENCE.sub(lambda found: found[0] * 2, text) if "$" in text else text
