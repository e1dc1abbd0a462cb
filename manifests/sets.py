"""Files that are one manifest together: a set in, its documents and what is said of it out."""

from __future__ import annotations

from manifests.sources import ComposeSet, UnitSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.quadlet.reading import Reading
    from manifests.sources import FileSet


def read(given: FileSet) -> Reading:
    """Return what a set holds, by the reader of its form."""
    if isinstance(given, ComposeSet):
        from manifests.compose import reading as compose

        return compose.read(given)
    if isinstance(given, UnitSet):
        from manifests.quadlet import reading as quadlet

        return quadlet.read(given)
    raise TypeError(f"{given.name}: a set without a reader")
