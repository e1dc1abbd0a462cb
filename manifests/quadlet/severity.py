"""Give remarks about units the severity that a command has for such things. Pure."""

from __future__ import annotations

from manifests.problems import Problem, Severity
from manifests.quadlet.remarks import Grade
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.loaded import Options
    from manifests.quadlet.remarks import Remark


class Judged(Value):
    """`problems` holds all, `unsupported` repeats some of them."""

    problems: tuple[Problem, ...]
    unsupported: tuple[Problem, ...]


def judge(remarks: Iterable[Remark], options: Options) -> Judged:
    """Return the remarks as problems; those that the options have no word for are left out."""
    problems: list[Problem] = []
    unsupported: list[Problem] = []
    for remark in remarks:
        severity = _severity(remark.grade, options)
        if severity is None:
            continue
        problem = remark.problem.replace(severity=severity)
        problems.append(problem)
        if remark.grade in (Grade.UNSUPPORTED, Grade.FATAL):
            unsupported.append(problem)
    return Judged(problems=tuple(problems), unsupported=tuple(unsupported))


def _severity(grade: Grade, options: Options) -> Severity | None:
    match grade:
        case Grade.WRONG | Grade.FATAL:
            return Severity.ERROR
        case Grade.UNKNOWN:
            return options.unknown
        case Grade.UNSUPPORTED:
            return options.unsupported
        case Grade.MISSING:
            return options.missing if options.podman else Severity.ERROR
        case Grade.TOLD:
            return Severity.WARNING
