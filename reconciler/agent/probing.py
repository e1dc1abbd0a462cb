"""Run the probes of all pods beside the agent's loop: a thread that sleeps until one is due.

Without probes it sleeps until the loop, which hears of pods that come and go, wakes it.
"""

from __future__ import annotations

import threading
import traceback

from reconciler.health.prober import AGENT, Prober

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.targets.host.base import Base

_REST_SECONDS = 10.0
"""How long a defect, which is told, may keep probes from being run."""


class Probing:
    """`base` makes what the prober works with; `say` is told what it puts up with."""

    def __init__(self, base: Callable[[], Base], say: Callable[[str], None]) -> None:
        self._base = base
        self._say = say
        self._prober: Prober | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="probing")

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """In any thread: pods may have come or gone."""
        prober = self._prober
        if prober is not None:
            prober.wake()

    def close(self) -> None:
        """End; what is under way is given up."""
        self._ending.set()
        self.wake()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            prober = Prober(self._base(), AGENT, say=self._say)
            self._prober = prober
            try:
                while not self._ending.is_set():
                    prober.turn(None)
            except Exception:  # noqa: BLE001 - pods that are not probed for a while run on
                self._say(f"probes are not run for {_REST_SECONDS:g} s: {traceback.format_exc()}")
                self._ending.wait(_REST_SECONDS)
            finally:
                self._prober = None
                prober.close()
