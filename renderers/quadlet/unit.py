"""Keys and values in, the text of a unit file out; a value without a form is a loss. Pure.

Keys that the target does not read go through PodmanArgs=. Quoting is renderers.systemd_text's.
"""

from __future__ import annotations

from manifests.value import Value
from renderers import environment, systemd_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from manifests.problems import FieldPath
    from renderers.quadlet_keys import Target

    Lines = list[tuple[str, str]]


class Loss(Value):
    """What a Quadlet file cannot express; `path` is below the pod's specification, or metadata."""

    path: FieldPath
    message: str
    of_metadata: bool = False


class File(Value):
    """A file, or where the name ends in / a directory; `name` may have directories.

    `content` is bytes of a unit, or of what Secrets hold: no repr shows them. The first directory
    of a `private` one is for its owner alone.
    """

    name: str
    content: bytes = b""
    mode: int = 0o644
    private: bool = False

    def __repr__(self) -> str:
        return f"File(name={self.name!r})"


class Section:
    """A section of a Quadlet file as it comes together."""

    def __init__(self, name: str, target: Target, losses: list[Loss]) -> None:
        self.name = name
        self.lines: Lines = []
        self._target = target
        self._losses = losses

    def knows(self, key: str) -> bool:
        """Tell whether the target reads `key` in this section."""
        return self._target.knows(self.name, key)

    def plain(self, key: str, value: str) -> None:
        """Add a key whose value is podpy's own and needs no quoting."""
        self.lines.append((key, value))

    def text(self, path: FieldPath, key: str, value: str) -> None:
        """Add a key that Quadlet takes to its end."""
        self._put(path, key, value, word=False)

    def word(self, path: FieldPath, key: str, value: str) -> None:
        """Add a key that Quadlet splits into words, with one word."""
        self._put(path, key, value, word=True)

    def words(self, path: FieldPath, key: str, values: Iterable[str]) -> None:
        """Add a key that Quadlet splits into words, with several."""
        try:
            self.plain(key, systemd_text.words(list(values)))
        except systemd_text.UnwritableError as error:
            self._losses.append(Loss(path=path, message=str(error)))

    def flag(self, path: FieldPath, text: str) -> None:
        """Add a flag of Podman's, which has no key: --name=value."""
        if self.knows("PodmanArgs"):
            self._put(path, "PodmanArgs", text, word=True)
        else:
            message = f"{text.partition('=')[0]} has no form in files of this Podman"
            self._losses.append(Loss(path=path, message=message))

    def either(
        self, path: FieldPath, key: str, flag: str, value: str, *, word: bool = False
    ) -> None:
        """Add `key`, or where the target does not read it, the flag of Podman's that does it."""
        if self.knows(key):
            self._put(path, key, value, word=word)
        else:
            self.flag(path, f"{flag}={value}")

    def _put(self, path: FieldPath, key: str, value: str, *, word: bool) -> None:
        try:
            self.plain(key, (systemd_text.word if word else systemd_text.literal)(value))
        except systemd_text.UnwritableError as error:
            self._losses.append(Loss(path=path, message=str(error)))


def write(name: str, origin: str, sections: Mapping[str, Lines]) -> File:
    """Return the file; `origin` is the comment on its first line, empty sections are left out."""
    given = [(section, lines) for section, lines in sections.items() if lines]
    text = environment.packaged("unit.j2", origin=origin, sections=given)
    return File(name=name, content=text.encode())
