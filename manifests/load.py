"""Load manifests: files in, typed objects with defaults out, or everything that is wrong.

    loaded = load(["app/"], KUBE_PLAY, cache_dir=paths.cache)

This is the one door of the room. Files are read, documents decoded and checked one by one
(manifests.decoding), then all objects together (manifests.checks.sets). What a file was decoded to
is kept by its content, so that the same bytes are not parsed twice.
"""

from __future__ import annotations

import os

from manifests import cache, digests, garbage, kinds, sources
from manifests.loaded import (
    APPLY,
    KUBE_PLAY,
    Clashing,
    Elsewhere,
    FileReading,
    Loaded,
    Located,
    Options,
)
from manifests.meta import DEFAULT_NAMESPACE
from manifests.places import Text
from manifests.problems import Problem, Severity, errors, ordered
from manifests.ref import Ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from typing import Any, BinaryIO

    from manifests.checks.sets import Clash
    from manifests.documents import Document
    from manifests.kinds import Object
    from manifests.quadlet.remarks import Remark
    from manifests.sources import Bundle, File, Source

    _Parsed = tuple[tuple[Document, ...], tuple[Problem, ...]]

__all__ = [
    "APPLY",
    "KUBE_PLAY",
    "Elsewhere",
    "Loaded",
    "Located",
    "Options",
    "load",
    "refs",
    "spec_digest",
]

_PODPYS = ("uid", "ownerReferences", "creationTimestamp")


def load(
    given: Iterable[str | Source | Bundle],
    options: Options = APPLY,
    *,
    known: Collection[Ref] = frozenset(),
    cache_dir: str | None = None,
    keep: bool = True,
    stdin: BinaryIO | None = None,
) -> Loaded:
    """Load the objects of all sources, and everything that is wrong with them.

    `known` are objects that pods may name though no source holds them: those of earlier passes.
    `cache_dir` is a private directory for what was decoded, None keeps nothing; with `keep` false
    it is only looked at. For the forms of a source, for `stdin` and for what is raised see
    manifests.sources.gather.
    """
    with garbage.Uncollected():
        listed = tuple(given)
        gathered, problems = sources.gather(listed, stdin=stdin)
        # A file may be named twice, by itself and by its directory.
        files = tuple({file.name: file for file in gathered}.values())
        book = _Book(cache_dir, listed, options)
        readings = book.readings(files)
        objects = [located for reading in readings for located in reading.objects]
        found = list(problems)
        for reading in readings:
            found.extend(reading.problems)
        declared = {*known, *(ref for reading in readings for ref in reading.broken)}
        everything = not errors(problems) and not any(reading.partial for reading in readings)
        made: dict[Ref, Located] = {}
        for clashing in book.together(files, objects):
            missing = clashing.missing
            if missing is not None and (not everything or missing in declared):
                continue
            if missing is not None and _is_made(missing, clashing.problem, options):
                if missing not in made:
                    made[missing] = _claim(missing, clashing.problem)
                    found.append(_made(missing, clashing.problem))
                continue
            found.append(clashing.problem)
        objects = [*made.values(), *objects]
        if keep:
            book.close()
        return Loaded(
            objects=() if errors(found) else tuple(objects),
            problems=ordered(found),
            unsupported=ordered(one for reading in readings for one in reading.unsupported),
            texts=_texts(files, book.parsed),
        )


def _texts(
    files: Sequence[File], parsed: Callable[[File], tuple[Document, ...] | None]
) -> dict[str, Text]:
    """Return what tells the places of fields, by the names of files."""
    texts: dict[str, Text] = {}
    for file in files:
        members = file.members if isinstance(file, sources.FileSet) else ()
        texts.update((one.name, Text(file, one.name)) for one in members)
        texts[file.name] = Text(file, parsed=None if members else parsed(file))
    return texts


def _is_made(missing: Ref, problem: Problem, options: Options) -> bool:
    """Tell whether Podman would make what a pod names and nobody declares: a volume."""
    podman = options.podman or problem.file.endswith(sources.UNIT_SUFFIXES)
    return podman and missing.kind == "PersistentVolumeClaim"


def _claim(missing: Ref, problem: Problem) -> Located:
    """The claim that a pod names and nobody declares: Podman makes a volume of that name."""
    from manifests.config import PersistentVolumeClaim
    from manifests.meta import ObjectMeta

    metadata = ObjectMeta(name=missing.name, namespace=missing.namespace)
    claim = PersistentVolumeClaim(metadata=metadata)
    return Located(
        object=claim,
        digest=spec_digest(claim),
        file=problem.file,
        line=problem.line,
        index=-1,
    )


def _made(missing: Ref, problem: Problem) -> Problem:
    message = f'claim "{missing.name}" is not declared; it is made, and keeps its data'
    return problem.replace(message=message, severity=Severity.WARNING)


def refs(
    given: Iterable[str | Source],
    options: Options = APPLY,
    *,
    cache_dir: str | None = None,
    stdin: BinaryIO | None = None,
) -> tuple[tuple[Ref, ...], tuple[Problem, ...]]:
    """Name the objects of all sources, of the kinds that podpy runs, without looking into them.

    For commands that delete: a manifest that is not valid (any more) still names its objects.
    Problems are those of reading the files and names. What `load` has kept in `cache_dir` of the
    same sources with the same `options` is not read again.
    """
    listed = tuple(given)
    files, problems = sources.gather(listed, stdin=stdin)
    book = _Book(cache_dir, listed, options)
    found: list[Ref] = []
    nameless = list(problems)
    for file in files:
        reading = book.kept(file)
        if reading is not None:
            found.extend(kinds.ref(located.object) for located in reading.objects)
        else:
            found.extend(_named(file, options.namespace, nameless))
    return tuple(dict.fromkeys(found)), ordered(nameless)


def _named(file: File, namespace: str, problems: list[Problem]) -> Iterator[Ref]:
    from manifests import documents

    read, unreadable = documents.parse([file])
    problems.extend(unreadable)
    for document in read:
        if not kinds.supported(document.api_version, document.kind):
            continue
        if document.name:
            yield _ref(document, namespace)
        else:
            problems.append(document.problem(("metadata", "name"), "must be a name"))


def spec_digest(thing: Object) -> str:
    """Return the digest of what the user asks for: the object less what podpy sets."""
    import json

    raw = kinds.dump(thing)
    raw["metadata"] = {key: raw["metadata"][key] for key in raw["metadata"] if key not in _PODPYS}
    text = json.dumps(raw, sort_keys=True, separators=(",", ":"))
    return digests.of(text)


class _Book:
    """The readings of files: from the cache where the bytes are the same, else made and kept."""

    def __init__(
        self, directory: str | None, given: Sequence[str | Source | Bundle], options: Options
    ) -> None:
        self._directory = directory
        self._options = options
        places = [one.name if isinstance(one, sources.Bundle) else one for one in given]
        self._slot = cache.slot(_here(), places, options)
        self._old = cache.read(directory, self._slot) if directory else {}
        self._new: dict[Any, Any] = {}
        self._parsed: dict[str, _Parsed] = {}
        self._remarks: dict[str, tuple[Remark, ...]] = {}
        self._whole = True

    def readings(self, files: Sequence[File]) -> list[FileReading]:
        """What each file holds."""
        return [
            self._reading(key, file) for key, file in zip(self._keys(files), files, strict=True)
        ]

    def kept(self, file: File) -> FileReading | None:
        """What is known of the file since an earlier pass."""
        return self._old.get(self._keys([file])[0]) if self._old else None

    def _reading(self, key: Any, file: File) -> FileReading:
        reading: FileReading | None = self._old.get(key)
        if reading is None:
            reading = _decoded(self._parse(file), self._options)
            if file.name in self._remarks:
                reading = _with_remarks(reading, self._remarks[file.name], self._options)
            if not _may_be_kept(reading):
                self._whole = False
                return reading
        self._new[key] = reading
        return reading

    def together(self, files: Sequence[File], objects: list[Located]) -> tuple[Clashing, ...]:
        """The problems of all objects together. To be asked for after the readings."""
        key = tuple(self._new) if self._whole else ()
        found: tuple[Clashing, ...] | None = self._old.get(key)
        if found is None:
            found = self._clashes(files, objects)
        if self._whole:
            self._new[key] = found
        return found

    def _clashes(self, files: Sequence[File], objects: list[Located]) -> tuple[Clashing, ...]:
        """Check all objects together; the text of a file gives the places in it."""
        from manifests.checks import sets

        found = sets.check([located.object for located in objects])
        wanted = {objects[clash.index].file for clash in found}
        read = [
            one
            for file in files
            if file.name in wanted or isinstance(file, sources.FileSet)
            for one in self._parse(file)[0]
        ]
        at = {(document.file, document.index): document for document in read}
        return tuple(_placed(clash, objects, at, self._options.missing) for clash in found)

    def parsed(self, file: File) -> tuple[Document, ...] | None:
        """The documents of a file, where it had to be parsed."""
        known = self._parsed.get(file.name)
        return known[0] if known is not None else None

    def _parse(self, file: File) -> _Parsed:
        """The documents of a file, parsed once."""
        from manifests import documents

        if file.name in self._parsed:
            return self._parsed[file.name]
        if isinstance(file, sources.FileSet):
            from manifests import sets

            read = sets.read(file)
            self._remarks[file.name] = read.remarks
            self._parsed[file.name] = read.documents, read.problems
        else:
            self._parsed[file.name] = documents.parse([file])
        return self._parsed[file.name]

    def close(self) -> None:
        """Write what is new; what belongs to no file any more is forgotten with it."""
        if self._directory and self._new.keys() != self._old.keys():
            cache.write(self._directory, self._slot, self._new)

    def _keys(self, files: Sequence[File]) -> Sequence[tuple[str, str]]:
        return [(file.name, file.digest if self._directory else "") for file in files]


def _here() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def _may_be_kept(reading: FileReading) -> bool:
    """Secrets are never written to a disk, nor is what somebody is about to correct."""
    secret = any(located.object.kind == "Secret" for located in reading.objects)
    return not secret and not errors(reading.problems)


def _decoded(parsed: _Parsed, options: Options) -> FileReading:
    """Decode and check the documents of one file, each by itself."""
    from manifests import decoding

    read, problems = parsed
    objects: list[Located] = []
    found: list[Problem] = list(problems)
    unsupported: list[Problem] = []
    broken: list[Ref] = []
    for document in read:
        decoded = decoding.decode(document, options)
        found.extend(decoded.problems)
        unsupported.extend(decoded.unsupported)
        if decoded.object is not None:
            objects.append(_located(document, decoded.object))
        else:
            broken.append(_ref(document, options.namespace))
    return FileReading(
        objects=tuple(objects),
        problems=tuple(found),
        unsupported=tuple(unsupported),
        broken=tuple(broken),
        partial=bool(errors(problems)),
    )


def _with_remarks(reading: FileReading, remarks: Iterable[Remark], options: Options) -> FileReading:
    """Add what there is to say about the keys of units."""
    from manifests.quadlet import severity

    judged = severity.judge(remarks, options)
    return reading.replace(
        problems=(*reading.problems, *judged.problems),
        unsupported=(*reading.unsupported, *judged.unsupported),
    )


def _ref(document: Document, namespace: str) -> Ref:
    """Name what a document declares; `namespace` is for one that names none."""
    info = kinds.BY_KIND.get(document.kind)
    within = document.namespace or namespace or DEFAULT_NAMESPACE
    namespaced = info is None or info.namespaced
    return Ref(kind=document.kind, name=document.name, namespace=within if namespaced else "")


def _located(document: Document, thing: Object) -> Located:
    return Located(
        object=thing,
        digest=spec_digest(thing),
        file=document.file,
        line=document.line,
        index=document.index,
    )


def _placed(
    clash: Clash,
    objects: Sequence[Located],
    at: Mapping[tuple[str, int], Document],
    missing: Severity,
) -> Clashing:
    here = objects[clash.index]
    message = clash.message
    if clash.other >= 0:
        other = objects[clash.other]
        message += f" (see {kinds.ref(other.object)} at {other.file}:{other.line})"
    severity = missing if clash.lenient else Severity.ERROR
    problem = at[here.file, here.index].problem(clash.path, message, severity)
    return Clashing(problem=problem, missing=clash.missing)
