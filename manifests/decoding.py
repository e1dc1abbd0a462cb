"""Turn one document into its object with defaults, or say everything that is wrong with it.

Called by manifests.load. The common case costs one decoding and the checks; only a document with
flaws meets the schemas, which word what is wrong and tell what Kubernetes knows from what nobody
does.
"""

from __future__ import annotations

from manifests import codec, defaults, kinds, settings, support
from manifests.checks import objects as object_checks
from manifests.meta import DEFAULT_NAMESPACE
from manifests.problems import Severity
from manifests.value import Value
from schemas import catalogue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from manifests.codec import Flaw, Path
    from manifests.documents import Document
    from manifests.kinds import KindInfo, Object
    from manifests.loaded import Options
    from manifests.problems import Problem
    from schemas.validator import Violation

    Raw = dict[str, Any]

_UNKNOWN = "unknown field"  # how the validator's message about one starts
_REQUESTS = "pod.containers[].resources.requests."
# What such a flaw hides is too much to check the object without it.
_SHAPES = frozenset({"must be a list", "must be a mapping"})


class Decoded(Value):
    """`problems` holds all, `unsupported` repeats some of them."""

    object: Object | None = None
    problems: tuple[Problem, ...] = ()
    unsupported: tuple[Problem, ...] = ()


def decode(document: Document, options: Options) -> Decoded:
    """Return the object of a document, as far as it can be made, and all its problems."""
    if document.podman and not options.podman:
        options = options.replace(podman=True)
    report = _Report(document, options)
    info = kinds.supported(document.api_version, document.kind)
    if info is None:
        _judge_foreign(document, report)
        return report.result(None)
    return report.result(_object(document, info, report))


class _Report:
    """Collects the problems of one document, with the severity that the options give them.

    `told` are fields about which there is no more to say: what a check finds there follows from
    what was found before.
    """

    def __init__(self, document: Document, options: Options) -> None:
        self.options = options
        self.told: set[Path] = set()
        self._document = document
        self._problems: list[Problem] = []
        self._unsupported: list[Problem] = []

    def wrong(self, path: Path, message: str, severity: Severity = Severity.ERROR) -> None:
        self._problems.append(self._document.problem(path, message, severity))

    def unknown(self, path: Path, message: str) -> None:
        if self.options.unknown is not None:
            self.wrong(path, message, self.options.unknown)

    def annotation(self, path: Path, message: str) -> None:
        """An unknown one of podpy's: Podman takes any, so that a play goes on."""
        play = self.options.podman and self.options.unknown is not None
        if play:
            self.wrong(path, message, Severity.WARNING)
        else:
            self.unknown(path, message)

    def unsupported(self, path: Path, message: str, *, fatal: bool = False) -> None:
        severity = Severity.ERROR if fatal else self.options.unsupported
        self._part(path, message, severity)

    def unkept(self, path: Path, message: str) -> None:
        """A limit that nothing keeps here: told, never refused."""
        self._part(path, message, Severity.WARNING)

    def _part(self, path: Path, message: str, severity: Severity) -> None:
        problem = self._document.problem(path, message, severity)
        self._problems.append(problem)
        self._unsupported.append(problem)

    def violation(self, violation: Violation) -> None:
        if violation.suggestion:
            self.told.add((*violation.path[:-1], violation.suggestion))
        if violation.message.startswith(_UNKNOWN):
            self.unknown(violation.path, violation.message)
        else:
            quotes = "; put it in quotes" if violation.quote else ""
            self.wrong(violation.path, violation.message + quotes)

    def result(self, thing: Object | None) -> Decoded:
        return Decoded(
            object=thing, problems=tuple(self._problems), unsupported=tuple(self._unsupported)
        )


def _object(document: Document, info: KindInfo, report: _Report) -> Object | None:
    raw = support.without_server_fields(document.raw)
    if report.options.podman:
        raw = _from_podman(document, raw, report)
    thing, flaws = codec.decode(info.type, raw)
    report.told.update(_dispensable(raw, flaw.path) for flaw in flaws)
    if flaws:
        raw = _without_flaws(document, raw, flaws, report)
        thing, left = codec.decode(info.type, raw)
        for flaw in left:
            # A mapping that lost all its fields is missing only because of their flaws.
            if not any(one.path[: len(flaw.path)] == flaw.path for one in flaws):
                report.wrong(flaw.path, flaw.message)
    if thing is None:
        return None
    _judge_namespace(document, info, report)
    _judge_annotations(thing, report)
    made = _completed(thing, info, report)
    wrong = set()
    for flaw in object_checks.check(made):
        known = any(flaw.path[: len(path)] == path for path in report.told)
        if not (known or _copied(document.kind, raw, flaw.path)):
            report.wrong(flaw.path, flaw.message)
            wrong.add(flaw.path)
    for part in support.of_object(thing):
        if part.path not in wrong:
            report.unsupported(part.path, part.message, fatal=part.fatal)
    for part in support.unkept(thing):
        report.unkept(part.path, part.message)
    return made


def _completed(thing: Object, info: KindInfo, report: _Report) -> Object:
    """The object as it is wished: with defaults, without what has no meaning here."""
    if thing.metadata.owner_references:
        thing = thing.replace(metadata=thing.metadata.replace(owner_references=()))
    if thing.metadata.namespace and not info.namespaced:
        thing = thing.replace(metadata=thing.metadata.replace(namespace=""))
    made: Object = defaults.complete(thing, report.options.namespace or DEFAULT_NAMESPACE)
    return made


def _copied(kind: str, raw: Raw, path: Path) -> bool:
    """Whether it is a request that nobody wrote: it is the limit, whose flaw is told."""
    return support.place(kind, path).startswith(_REQUESTS) and support.at(raw, path) is None


def _judge_annotations(thing: Object, report: _Report) -> None:
    annotated: list[tuple[Mapping[str, str], Path]] = [
        (thing.metadata.annotations, ("metadata", "annotations"))
    ]
    part = kinds.pod_part(thing)
    if part is not None and part[0] is not thing.metadata:
        annotated.append((part[0].annotations, (*part[2][:-1], "metadata", "annotations")))
    for given, path in annotated:
        for key, message in settings.unknown(given):
            report.annotation((*path, key), message)
        for key in () if report.options.rendered else settings.OF_UNITS:
            if key in given:
                report.unsupported((*path, key), "is heeded by podpy render systemd alone")


def _from_podman(document: Document, raw: Raw, report: _Report) -> Raw:
    """Return the object without Podman's own notations, and report them."""
    from manifests import podman

    raw, notes = podman.translate(document.kind, raw, document.file)
    for note in notes:
        if note.unsupported or note.fatal:
            report.unsupported(note.path, note.message, fatal=note.fatal)
        else:
            report.wrong(note.path, note.message, Severity.WARNING)
    report.told.update(note.path for note in notes if note.fatal)
    return raw


def _judge_namespace(document: Document, info: KindInfo, report: _Report) -> None:
    wanted = report.options.namespace
    if document.namespace and not info.namespaced:
        # As the API server has it, which drops it without a word.
        message = f"is left out: a {info.kind} is in no namespace"
        report.wrong(("metadata", "namespace"), message, Severity.WARNING)
    if info.namespaced and wanted and document.namespace not in ("", wanted):
        message = f'is "{document.namespace}", but the command is for namespace "{wanted}"'
        report.wrong(("metadata", "namespace"), message)


def _without_flaws(document: Document, raw: Raw, flaws: tuple[Flaw, ...], report: _Report) -> Raw:
    """Report the flaws of an object; return it without the fields that have them.

    So the rest can be checked, even of an object that is not going to be used.
    """
    dropped = [flaw.path for flaw in flaws if _changes_nothing(document.kind, raw, flaw)]
    rest = [flaw for flaw in flaws if flaw.path not in dropped]
    violations = _violations(document, raw)
    for violation in violations:
        report.violation(violation)
    refused = {violation.path: violation.message for violation in violations}
    for flaw in rest:
        if flaw.message not in _SHAPES:
            dropped.append(_dispensable(raw, flaw.path))
        if flaw.path in refused:
            continue
        part = _unsupported(document.kind, raw, flaw)
        if part is None:
            report.wrong(flaw.path, flaw.message)
        else:
            report.unsupported(part.path, part.message, fatal=part.fatal)
    return support.strip(raw, dropped)


def _dispensable(raw: Raw, path: Path) -> Path:
    """Return the field to leave out: the one of the flaw, or what it is missing from.

    Of a list, all: a shorter one would move the places of the others.
    """
    if path and isinstance(path[-1], int):
        return path[:-1]
    return path if support.at(raw, path) is not None else path[:-1]


def _violations(document: Document, raw: Raw) -> tuple[Violation, ...]:
    from schemas import validator

    return validator.violations(raw, document.api_version, document.kind)


def _changes_nothing(kind: str, raw: Raw, flaw: Flaw) -> bool:
    """Whether a field may be dropped without a word. An empty text is a choice left out."""
    if flaw.unknown:
        return support.harmless(kind, raw, flaw.path)
    return support.at(raw, flaw.path) == "" and flaw.message.startswith("must be one of")


def _unsupported(kind: str, raw: Raw, flaw: Flaw) -> support.Unsupported | None:
    if flaw.unknown:
        return support.unsupported_field(kind, flaw.path)
    return support.unsupported_value(kind, raw, flaw.path)


def _judge_foreign(document: Document, report: _Report) -> None:
    """Tell a kind that podpy does not run from one that nobody knows."""
    version, kind = document.api_version, document.kind
    if catalogue.known(version, kind):
        for violation in _violations(document, document.raw):
            report.violation(violation)
        report.unsupported(("kind",), support.unsupported_kind(kind))
    elif support.is_custom(version):
        report.unsupported(("kind",), support.custom_kind(version, kind))
    else:
        # The object is left out, so even --validate=ignore has a word for it.
        severity = report.options.unknown or Severity.WARNING
        field = "apiVersion" if catalogue.api_versions(kind) else "kind"
        report.wrong((field,), catalogue.unknown_kind(version, kind), severity)
