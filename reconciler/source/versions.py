"""Choose among tags that are versions: a range and tags in, the newest in it out. Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def newest(range_: str, tags: Iterable[str]) -> str:
    """Return the tag of the highest version in a range of npm's notation; "" where none is.

    A "v" before a version is no part of it; a tag that is no version is left out.
    """
    from semantic_version import NpmSpec, Version

    allowed = NpmSpec(range_)
    best: tuple[Version, str] | None = None
    for tag in tags:
        try:
            version = Version(tag.removeprefix("v"))
        except ValueError:
            continue
        if version in allowed and (best is None or (version, tag) > best):
            best = (version, tag)
    return best[1] if best else ""
