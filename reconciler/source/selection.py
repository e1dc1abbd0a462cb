"""Choose the manifests among a revision's files: suffixes, hidden names, include and exclude. Pure.

*         any part of one name        apps/*.yaml
**        any number of directories   apps/**, **/test/**
a name    with no slash in it: at any depth, a directory with all below it
"""

from __future__ import annotations

import functools
import re

from manifests.sources import VARIABLES, is_manifest
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Part(Value):
    """Which files of a source are a Sync's manifests: those below `path` that its globs choose."""

    path: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def has(self, path: str) -> bool:
        """Tell whether the file at `path`, from the source's root, is one of them."""
        within = path.removeprefix(f"{self.path}/") if self.path else path
        return chosen(within, self.include, self.exclude)


def chosen(path: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Tell whether the file at `path` (below the Sync's own path) is one of its manifests."""
    if any(part.startswith(".") for part in path.split("/")):
        return False
    if not (is_manifest(path) or path.endswith(VARIABLES)):
        return False
    if include and not any(matches(path, glob) for glob in include):
        return False
    return not any(matches(path, glob) for glob in exclude)


def matches(path: str, glob: str) -> bool:
    """Tell whether a glob means the file, or a directory that it is in."""
    if "/" not in glob.rstrip("/"):
        glob = f"**/{glob}"
    return _pattern(glob.strip("/")).fullmatch(path) is not None


@functools.cache
def _pattern(glob: str) -> re.Pattern[str]:
    *way, last = glob.split("/")
    lead = "".join("(?:[^/]+/)*" if part == "**" else f"{_part(part)}/" for part in way)
    return re.compile(lead + (".+" if last == "**" else f"{_part(last)}(?:/.*)?"))


def _part(part: str) -> str:
    return "".join(_sign(sign) for sign in part)


def _sign(sign: str) -> str:
    return {"*": "[^/]*", "?": "[^/]"}.get(sign, re.escape(sign))
