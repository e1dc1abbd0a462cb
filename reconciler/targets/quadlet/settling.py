"""Wait until services are as they should be: services in, objects that are ill, and why, out."""

from __future__ import annotations

import time

from manifests.faults import TimedOut
from reconciler.targets.quadlet import disk, health
from runtime import interrupts, proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from manifests.ref import Ref
    from reconciler.health.assess import Assessment
    from reconciler.targets.quadlet.units import Service
    from runtime.systemd_bus import Manager

POLL_SECONDS = 0.5
STOP_SECONDS = 900.0
"""The longest that a stop is waited for: systemd kills what exceeds its own time long before."""
_PODMAN_SECONDS = 60.0


def unsettled(
    manager: Manager,
    services: Sequence[Service],
    refs: Collection[Ref],
    seconds: float,
    overtaken: Callable[[], None],
) -> list[tuple[Ref, Assessment]]:
    """Wait until these objects are healthy; return at once, with those that are not, when one of
    them never will be. `overtaken` raises where another revision is to be followed."""
    deadline = time.monotonic() + seconds
    known = [one for one in services if one.of in refs]
    while True:
        ill = _ill(manager, known)
        over = not ill or any(one.final for _, one in ill) or time.monotonic() >= deadline
        if over:
            return ill
        overtaken()
        interrupts.sleep(POLL_SECONDS, "services that start")


def _ill(manager: Manager, services: Sequence[Service]) -> list[tuple[Ref, Assessment]]:
    """Return the objects that are not healthy; Podman is asked where systemd finds all well."""
    seen = manager.units(one.name for one in services)
    now, done = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000, disk.done()

    def found(running: Mapping[str, str] | None) -> list[tuple[Ref, Assessment]]:
        ill = []
        for ref in dict.fromkeys(one.of for one in services):
            own = [one for one in services if one.of == ref]
            assessed = health.assess(own, seen, now, done=done, running=running)
            if not assessed.healthy:
                ill.append((ref, assessed))
        return ill

    return found(None) or found(_running())


def _running() -> dict[str, str]:
    """Return the containers that run, with what Podman says of their health: `Up 3 s (healthy)`."""
    form = "{{.Names}}\t{{.Status}}"
    said = proc.check("podman", "ps", "--format", form, timeout=_PODMAN_SECONDS).text
    rows = (line.partition("\t") for line in said.splitlines())
    return {name: status.rpartition("(")[2].rstrip(")") for name, _, status in rows}


def stopped(manager: Manager, names: Iterable[str]) -> None:
    """Stop services, one after the other, and wait until each has."""
    for name in names:
        manager.stop(name)
        deadline = time.monotonic() + STOP_SECONDS
        while manager.units([name])[name].active not in ("inactive", "failed"):
            if time.monotonic() > deadline:
                raise TimedOut(f"{name}: has not stopped within {STOP_SECONDS:g} s")
            interrupts.sleep(POLL_SECONDS, name)
        manager.forgive(name)  # else one that failed would be listed though its file is gone
