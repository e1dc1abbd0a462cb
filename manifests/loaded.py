"""What manifests.load takes and gives: options, objects with their places, problems.

These values are kept in the cache of manifests.cache, so this module imports little.
"""

from __future__ import annotations

from manifests import kinds
from manifests.kinds import Object
from manifests.problems import Problem, Severity, errors, path_text
from manifests.ref import Ref
from manifests.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.places import Text
    from manifests.problems import FieldPath


class Options(Value):
    """How bad is what, and which namespace objects are in that name none.

    `unsupported`: fields and kinds that Kubernetes knows and podpy does not honour (what cannot run
    without them is an error in any case). `unknown`: fields and kinds that nobody knows; None
    drops such fields without a word, kinds with a warning. `missing`: what a pod names and is
    neither given nor known. `namespace` is that of -n: another one in a manifest is an error.
    `podman`: what Podman takes beyond Kubernetes is read as it means it (manifests.podman), and
    claims that nobody declares are made. `rendered`: for files of other programs, which heed more
    annotations.
    """

    unsupported: Severity = Severity.ERROR
    unknown: Severity | None = Severity.ERROR
    missing: Severity = Severity.WARNING
    namespace: str = ""
    podman: bool = False
    rendered: bool = False


APPLY = Options()
KUBE_PLAY = Options(unsupported=Severity.WARNING, missing=Severity.ERROR, podman=True)


class Located(Value):
    """An object with its defaults, and where it is written.

    `index` counts the objects of the file from 0, and is -1 for one that has no document; `digest`
    is manifests.load.spec_digest.
    """

    object: Object
    digest: str
    file: str = ""
    line: int = 0
    index: int = 0

    @property
    def origin(self) -> str:
        """Where it is written and what it is, on one line whatever the name of the source is."""
        place = "".join(char if char.isprintable() else "?" for char in self.file)
        return f"{place}:{self.line}, {kinds.ref(self.object)}"


class Elsewhere(Value):
    """An object that is not for this host, and why (manifests.targeting)."""

    ref: Ref
    reason: str

    def __str__(self) -> str:
        return f"{self.ref} is not for this host: {self.reason}"


class FileReading(Value):
    """One file's objects and problems. `problems` holds all, `unsupported` repeats some of them.

    `broken` names objects that are written and could not be made; `partial` tells that the file
    could not be read to its end, so that nobody knows what else it declares.
    """

    objects: tuple[Located, ...] = ()
    problems: tuple[Problem, ...] = ()
    unsupported: tuple[Problem, ...] = ()
    broken: tuple[Ref, ...] = ()
    partial: bool = False


class Clashing(Value):
    """A problem of several objects. It is none where `missing` is known from earlier passes."""

    problem: Problem
    missing: Ref | None = None


class Loaded(Value):
    """What all sources hold together.

    `objects` are in the order of the sources; they are empty when there is an error, so that
    nobody takes half a source for the whole. `problems` holds everything to tell, in the order of
    places; `unsupported` are those of them that are about fields and kinds not honoured yet.
    `texts` are the files by name. `elsewhere` are objects left out of `objects`, being for others.
    """

    objects: tuple[Located, ...] = ()
    problems: tuple[Problem, ...] = ()
    unsupported: tuple[Problem, ...] = ()
    texts: Mapping[str, Text] = EMPTY
    elsewhere: tuple[Elsewhere, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that forbid to use what was loaded."""
        return errors(self.problems)

    def warning(self, located: Located, path: FieldPath, message: str) -> Problem:
        """Return a warning about a field of one of the objects, with its place."""
        text = self.texts.get(located.file)
        return Problem(
            message=message,
            file=located.file,
            line=(text.line(located.index, [path]) if text and path else 0) or located.line,
            object=str(kinds.ref(located.object)),
            path=path_text(path),
            severity=Severity.WARNING,
        )
