"""Remember a change-over that is under way, so that one that was killed goes on or goes back.

    Paths.adopting/GROUP.json      there from before the first stop until the end

It holds all that is needed, manifests included: what Podman tells changes on the way.
"""

from __future__ import annotations

import os

from manifests import codec
from manifests.value import Value
from runtime import files
from runtime.podman.steering import Running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.paths import Paths


class Moved(Value):
    """A volume of Podman's whose data, at `path`, is or was to become the claim."""

    volume: str
    claim: str
    path: str
    copy: bool = False


class Manifest(Value):
    """One object, as YAML: the file that it is in, and its text."""

    file: str
    text: str

    def __repr__(self) -> str:
        return f"Manifest(file={self.file!r})"


class Journal(Value):
    """One group. `back`: it goes back, whatever was under way. `kept` are objects, as Refs are
    written, that were there before: they stay.

    Of `secrets` it has the names alone: Podman is asked for them again, as no disk is to have them.
    """

    group: str
    namespace: str
    applyset: str
    running: tuple[Running, ...]
    volumes: tuple[Moved, ...]
    manifests: tuple[Manifest, ...]
    secrets: tuple[str, ...] = ()
    seconds: float
    back: bool = False
    kept: tuple[str, ...] = ()


def write(paths: Paths, journal: Journal) -> None:
    """Save it, through a power cut."""
    os.makedirs(paths.adopting, mode=0o700, exist_ok=True)
    files.write_json(_path(paths, journal.group), codec.encode(journal), durable=True)


def erase(paths: Paths, journal: Journal) -> None:
    files.unlink(_path(paths, journal.group))


def every(paths: Paths) -> tuple[Journal, ...]:
    """Return what is under way, or was when podpy was killed."""
    try:
        names = sorted(os.listdir(paths.adopting))
    except FileNotFoundError:
        return ()
    raws = [files.read_json(f"{paths.adopting}/{n}") for n in names if n.endswith(".json")]
    return tuple(codec.restore(Journal, raw) for raw in raws if raw is not None)


def _path(paths: Paths, group: str) -> str:
    return f"{paths.adopting}/{group}.json"
