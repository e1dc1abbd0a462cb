"""What there is to say about the keys of unit files, and how bad it is.

`manifests.decoding` gives remarks the severity that a command has for them.
"""

from __future__ import annotations

from manifests.problems import Problem
from manifests.strenum import StrEnum
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.quadlet.syntax import Entry


class Grade(StrEnum):
    """WRONG and FATAL stop every command; TOLD stops none; the others as for fields of YAML.

    MISSING is a file that a unit names: nothing can be made without it, but it can be looked at.
    """

    WRONG = "wrong"
    UNKNOWN = "unknown"
    UNSUPPORTED = "unsupported"
    FATAL = "fatal"
    MISSING = "missing"
    TOLD = "told"


class Remark(Value):
    """`problem.severity` means nothing yet."""

    problem: Problem
    grade: Grade


def about(entry: Entry, message: str, grade: Grade) -> Remark:
    """Say something about one assignment, or about a section where the entry has no key."""
    problem = Problem(
        file=entry.file,
        line=entry.line,
        object=f"[{entry.section}]",
        path=entry.key,
        message=message,
    )
    return Remark(problem=problem, grade=grade)
