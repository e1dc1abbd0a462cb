"""Say what is wrong with a manifest, and where: one line a problem.

    web.yaml:12:9: Pod/web .spec.containers[0].imagee: unknown field; did you mean "image"?

The reader of YAML, the schema check, the decoding of objects and the semantic checks all report
`Problem`s; the command line prints them sorted, all at once. Faults that end a command at once
are manifests.faults.
"""

from __future__ import annotations

from manifests.strenum import StrEnum
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    FieldPath = tuple[str | int, ...]
    """Keys and list indexes from the top of an object down."""


class Severity(StrEnum):
    """Whether a problem stops the command, or is only told."""

    ERROR = "error"
    WARNING = "warning"


class Problem(Value):
    """What is wrong, in which field of which object, at which place of which file.

    `line` and `column` count from 1, 0 is unknown. `object` is `Pod/web`, or `Pod/ns/web` where
    the namespace is written; `path` is text as `path_text` makes it. Any place may be empty.
    """

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    object: str = ""
    path: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return self._line()

    @property
    def shown(self) -> str:
        """The line for people: a warning is called one, since only errors stop a command."""
        return self._line("warning" if self.severity is Severity.WARNING else "")

    def _line(self, sign: str = "") -> str:
        place = self.file
        if place and self.line:
            place += f":{self.line}:{self.column}" if self.column else f":{self.line}"
        field = f"{self.object} {self.path}".strip()
        return printable(": ".join(part for part in (place, sign, field, self.message) if part))


def printable(text: str) -> str:
    """Spell out what would steer a terminal, or begin a line of its own: names are of anybody's."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort by file, line and column; problems of one place keep a stable order by path and text."""
    return tuple(
        sorted(
            problems,
            key=lambda one: (one.file, one.line, one.column, one.object, one.path, one.message),
        )
    )


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Only the problems that stop a command."""
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)


def object_name(kind: str, name: str, namespace: str = "") -> str:
    """Name an object as problems do: `Pod/web`, or `Pod/ns/web` with a namespace."""
    return "/".join(part for part in (kind, namespace, name) if part)


def path_text(path: FieldPath) -> str:
    """Write `("spec", "containers", 0)` as `.spec.containers[0]`, odd keys as `["a.b/c"]`."""
    steps = []
    for step in path:
        if isinstance(step, int):
            steps.append(f"[{step}]")
        elif _is_plain(step):
            steps.append(f".{step}")
        else:
            escaped = step.replace("\\", "\\\\").replace('"', '\\"')
            steps.append(f'["{escaped}"]')
    return "".join(steps)


def _is_plain(key: str) -> bool:
    """Whether a key reads well after a dot: `hostPath`, `x-y`, `$ref`."""
    word = key.replace("$", "_").replace("-", "_")
    return word.isidentifier() and word.isascii() and key[0] != "-"
