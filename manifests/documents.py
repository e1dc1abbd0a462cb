"""Turn files into documents: one Kubernetes object each, still untyped, with places at hand.

    read(["app/"]) -> documents, problems

Lists are opened, empty documents left out, and every problem of all files is collected. Whether
an object's fields are right is schemas.validator; what they mean, the decoding of each kind.
"""

from __future__ import annotations

import os

from manifests import sources as manifest_sources
from manifests.problems import Problem, Severity, object_name, path_text
from manifests.value import Value
from manifests.yaml import limits, reader, syntax
from schemas import catalogue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, BinaryIO

    from manifests.problems import FieldPath
    from manifests.sources import File, Source
    from manifests.yaml.limits import Limits
    from manifests.yaml.marks import Marks, Place
    from manifests.yaml.reader import Raw, Reading

_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml")
# The last two are the server's, from before a List had metadata of its own.
_LIST_FIELDS = frozenset({"apiVersion", "kind", "metadata", "items", "resourceVersion", "selfLink"})


class Origin:
    """The text that documents come from. Its marks are made when the first place is asked for."""

    __slots__ = ("_marks", "file", "text")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._marks: Marks | None = None

    @property
    def marks(self) -> Marks:
        if self._marks is None:
            from manifests.yaml.marks import Marks

            self._marks = Marks(self.text)
        return self._marks


class Document(Value):
    """One object as it is written. `raw` is shared between aliases: nobody may change it.

    `index` counts the objects of the file from 0. `origin`, `number` and `prefix` say where the
    object stands: in which document of which text, and at which path in it (an item of a List).
    `podman`: what Podman takes beyond Kubernetes is read in any case.
    """

    file: str
    index: int
    raw: dict[str, Any]
    api_version: str
    kind: str
    namespace: str
    name: str
    origin: Origin
    number: int
    first_line: int
    prefix: FieldPath = ()
    podman: bool = False

    @property
    def line(self) -> int:
        """The line that the object starts in."""
        return self.position(())[0] if self.prefix else self.first_line

    @property
    def label(self) -> str:
        """`Pod/web`, or `Pod/ns/web`: as problems name it."""
        return object_name(self.kind, self.name, self.namespace)

    def position(self, path: FieldPath) -> Place:
        """Return line and column of a field, or of the nearest one above it that is written.

        A field's place is that of its key. The first call for a file costs about what reading the
        file did.
        """
        place = self.origin.marks.position(self.number, (*self.prefix, *path))
        return place if place != (0, 0) else (self.first_line, 0)

    def problem(
        self, path: FieldPath, message: str, severity: Severity = Severity.ERROR
    ) -> Problem:
        """Say that something is wrong with a field, with its place and the object's name."""
        line, column = self.position(path)
        return Problem(
            file=self.file,
            line=line,
            column=column,
            object=self.label,
            path=path_text(path),
            message=message,
            severity=severity,
        )


def read(
    sources: Iterable[str | Source],
    *,
    stdin: BinaryIO | None = None,
    limit: Limits = limits.DEFAULT,
) -> tuple[tuple[Document, ...], tuple[Problem, ...]]:
    """Read the documents of all `sources`, and everything that is wrong with their texts.

    For the forms of a source, for `stdin` and for what is raised, see manifests.sources.gather.
    """
    files, problems = manifest_sources.gather(sources, stdin=stdin, limit=limit)
    documents, more = parse(files, limit=limit)
    return documents, problems + more


def parse(
    files: Iterable[File], *, limit: Limits = limits.DEFAULT
) -> tuple[tuple[Document, ...], tuple[Problem, ...]]:
    """Read the documents of `files`: no disk, no network, the same bytes give the same result."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for file in files:
        if isinstance(file, manifest_sources.FileSet):
            from manifests import sets

            held = sets.read(file)
            documents.extend(held.documents)
            problems.extend(held.problems)
            continue
        try:
            text = syntax.decode(file.data, file.name)
        except syntax.UndecodableError as error:
            problems.append(error.problem)
            continue
        reading, text = _reading(text, file.name, limit)
        problems.extend(reading.problems)
        origin = Origin(file.name, text)
        index = 0
        for raw in reading.documents:
            for document in _objects(raw, origin, problems):
                documents.append(document.replace(index=index) if index else document)
                index += 1
    return tuple(documents), tuple(problems)


def _reading(text: str, file: str, limit: Limits) -> tuple[Reading, str]:
    """Read JSON as JSON and all else as YAML; with it comes the text to look for places in."""
    if text.lstrip()[:1] == "{":
        from manifests.yaml import json_text

        reading = json_text.read(text, limit)
        if reading is not None:
            return reading, json_text.as_yaml(text)
    return reader.read(text, file, limit), text


def _objects(raw: Raw, origin: Origin, problems: list[Problem]) -> Iterator[Document]:
    """Give the objects of one YAML document: itself, or those of a List."""
    pending: list[tuple[Any, FieldPath]] = [(raw.value, ())]
    while pending:
        value, prefix = pending.pop()
        if value is None and prefix:
            continue
        document = _document(value, prefix, raw, origin, problems)
        if document is None:
            continue
        if _is_list(document):
            pending.extend(reversed(_items(document, problems)))
        else:
            yield document


def _is_list(document: Document) -> bool:
    """As kubectl tells them: a custom resource may be called AllowList and hold no items."""
    held = document.raw.get("items", () if document.kind == "List" else "")
    return document.kind.endswith("List") and isinstance(held, (list, tuple, type(None)))


def _document(
    value: Any, prefix: FieldPath, raw: Raw, origin: Origin, problems: list[Problem]
) -> Document | None:
    """Make the document of one object, or say why it is none."""
    fields = value if isinstance(value, dict) else {}
    metadata = fields.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    document = Document(
        file=origin.file,
        index=0,
        raw=fields,
        api_version=_text(fields.get("apiVersion")),
        kind=_text(fields.get("kind")),
        namespace=_text(named.get("namespace")),
        name=_text(named.get("name")),
        origin=origin,
        number=raw.index,
        first_line=raw.line,
        prefix=prefix,
    )
    if not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else "a single value"
        problems.append(document.problem((), f"is {kind}, not an object with apiVersion and kind"))
        return None
    if not document.kind and os.path.basename(origin.file) in _KUSTOMIZATIONS:
        problems.append(document.problem((), catalogue.KUSTOMIZATION))
        return None
    if isinstance(fields.get("services"), dict) and not (document.kind or document.api_version):
        message = f"is a Compose file: podpy convert -f {origin.file} --to kubernetes -o DIR"
        problems.append(document.problem((), message))
        return None
    missing = [name for name in ("apiVersion", "kind") if not _text(fields.get(name))]
    for name in missing:
        given = fields.get(name)
        message = "is required" if given in (None, "") else "must be a string"
        other = next((key for key in fields if key != name and key.lower() == name.lower()), "")
        if other and given is None:
            message += f'; "{other}" is not the same'
        problems.append(document.problem((name,), message))
    return None if missing else document


def _items(document: Document, problems: list[Problem]) -> list[tuple[Any, FieldPath]]:
    """The items of a List with their paths; in a PodList they may leave apiVersion and kind out."""
    problems.extend(
        document.problem((field,), "unknown field of a List")
        for field in document.raw
        if field not in _LIST_FIELDS
    )
    of_one_kind = document.kind.removesuffix("List")
    items = []
    for number, item in enumerate(document.raw.get("items") or ()):
        if of_one_kind and isinstance(item, dict):
            item = {"apiVersion": document.api_version, "kind": of_one_kind, **item}
        items.append((item, (*document.prefix, "items", number)))
    return items


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
