"""Count what a pull has done, for whoever shows it: bytes from any thread in, reports out."""

from __future__ import annotations

import threading
import time

from manifests.strenum import StrEnum
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from runtime.image.manifest import Platform

REPORT_SECONDS = 0.1


class Stage(StrEnum):
    """What a pull is doing."""

    FETCHING = "fetching"
    UNPACKING = "unpacking"
    READY = "ready"
    UNCHANGED = "up to date"
    FAILED = "failed"
    KEPT = "cannot be pulled; the image at hand is used"
    FOREIGN = "foreign"
    """It is for another architecture; the pull goes on."""


class Progress(Value):
    """How far the pull of `image` is: bytes `done` of `total` (0: not known), and for how long."""

    stage: Stage
    image: str
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    note: str = ""


def silent(_progress: Progress) -> None:
    """Show nothing."""


class Meter:
    """The count of one pull; `listener` hears of stages, and some ten times a second of bytes.

    A context manager that tells of a failure, whose reason is its exception's to say.
    """

    def __init__(
        self, image: str, platform: Platform, listener: Callable[[Progress], None]
    ) -> None:
        self._image = image
        self._platform = platform
        self._listener = listener
        self._lock = threading.Lock()
        self._began = self._told = time.monotonic()
        self._done = self._total = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_exception: object) -> None:
        if kind is not None:
            self.stage(Stage.FAILED)

    def expect(self, total: int) -> None:
        """Say how many bytes there are to come."""
        self._total = total

    def stage(self, stage: Stage, note: str = "") -> None:
        self._listener(self._progress(stage, note))

    def check_platform(self, architecture: str) -> None:
        """Tell of an image that is for one architecture only, and not for the wanted one."""
        wanted = self._platform.architecture
        if architecture not in ("", wanted):
            self.stage(Stage.FOREIGN, f"is for {architecture}, not for {wanted}")

    def come(self, count: int) -> None:
        """Count bytes that have come; what has to come again is taken off."""
        with self._lock:
            self._done += count
            now = time.monotonic()
            if now - self._told < REPORT_SECONDS:
                return
            self._told = now
        self._listener(self._progress(Stage.FETCHING, ""))

    def _progress(self, stage: Stage, note: str) -> Progress:
        return Progress(
            stage=stage,
            image=self._image,
            done=self._done,
            total=self._total,
            seconds=time.monotonic() - self._began,
            note=note,
        )
