"""Collect flaws while an object is checked: every check reports here, none stops the others."""

from __future__ import annotations

from manifests.codec import Flaw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable

    from manifests.codec import Path


class Findings:
    """The flaws of one object, in the order in which they are found."""

    __slots__ = ("flaws",)

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []

    def add(self, path: Path, message: str) -> None:
        self.flaws.append(Flaw(path=path, message=message))

    def unless(self, fault: str, path: Path) -> None:
        """Report `fault`, a sentence as manifests.checks.names makes them, unless it is empty."""
        if fault:
            self.add(path, fault)


class Once:
    """Report what is there a second time: `once.see("web", path)`."""

    __slots__ = ("_findings", "_seen", "_what")

    def __init__(self, findings: Findings, what: str) -> None:
        self._findings = findings
        self._what = what
        self._seen: set[Hashable] = set()

    def see(self, key: Hashable, path: Path, shown: str = "") -> None:
        """Note `key`; if it was noted before, say that `shown` (or the key) is used twice."""
        if key in self._seen:
            self._findings.add(path, f'the {self._what} "{shown or key}" is used twice')
        self._seen.add(key)
