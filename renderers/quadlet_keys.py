"""Which keys of Quadlet files a Podman release reads: a version in, answers out. Pure.

The table beside this file names its source.
"""

from __future__ import annotations

import os

from manifests.faults import Invalid

_TABLE = os.path.join(os.path.dirname(__file__), "quadlet_keys.tsv")
OLDEST, PODS = (4, 4), (5, 0)
"""The first release that has Quadlet, and the first that has .pod files."""


class Target:
    """The Podman release that files are rendered for."""

    def __init__(self, version: str, *, pods: bool = True) -> None:
        """`version` is as 5.4 or 5.4.2. Invalid if it is none, or has not the files wanted.

        `pods` tells whether .pod files are; .kube files are all older.
        """
        parts = version.split(".")
        if len(parts) not in (2, 3) or not all(p.isascii() and p.isdigit() for p in parts):
            raise Invalid(f'"{version}" is no version of Podman', hint="--podman-version 5.4")
        self.version = (int(parts[0]), int(parts[1]))
        if self.version < OLDEST:
            raise Invalid(f"Podman {version} has no Quadlet", hint="4.4 is the first that has")
        if pods and self.version < PODS:
            hint = "5.0 is the first that has; --as kube writes others"
            raise Invalid(f"Podman {version} has no .pod files", hint=hint)
        self._keys = _known(self.version)

    def knows(self, section: str, key: str) -> bool:
        """Tell whether the release reads `key` in [section]."""
        return (section, key) in self._keys


def _known(version: tuple[int, int]) -> frozenset[tuple[str, str]]:
    with open(_TABLE, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    return frozenset((section, key) for section, key, first in rows if _number(first) <= version)


def _number(release: str) -> tuple[int, int]:
    major, _, minor = release.partition(".")
    return int(major), int(minor)
