"""What systemd and Podman say of services in, how their object is, and why not, out. Pure."""

from __future__ import annotations

from reconciler.health.assess import HEALTHY, Assessment, Health
from reconciler.targets.quadlet.units import Role

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from reconciler.targets.quadlet.units import Service
    from runtime.systemd_bus import Unit

SETTLED_MICROSECONDS = 1_000_000
"""How long a service must have run: one that ends as soon as it has begun is no good."""
AGAIN_MICROSECONDS = 30_000_000
"""The same for one that has ended before: longer than it takes systemd to try it again."""
ATTEMPTS = 3
"""Starts after which a container that ends each time is given up."""

_UNHEALTHY, _STARTING = "unhealthy", "starting"


def assess(
    services: Iterable[Service],
    units: Mapping[str, Unit],
    now: int,
    *,
    done: Collection[str] = (),
    running: Mapping[str, str] | None,
) -> Assessment:
    """Return how the object of these services is.

    `now` is in microseconds of CLOCK_MONOTONIC; `running` are the containers that Podman has
    running, each with what it says of its health, None where it was not asked: a service is active
    for seconds after its container has ended. A Job that runs is well.
    """
    worst = HEALTHY
    for one in services:
        found = _begins(one, units) or _service(one, units[one.name], now, done, running)
        if found.final:
            return found
        if worst.healthy or found.health is Health.DEGRADED:
            worst = worst if found.healthy else found
    return worst


def _begins(one: Service, units: Mapping[str, Unit]) -> Assessment | None:
    """Say that a service, or its pod, is about to begin or end: how it ended before that, killed
    with its pod, say, tells nothing. None of one that is not."""
    for unit in (units[name] for name in (one.pod, one.name) if name in units):
        if unit.load == "loaded" and one.role is not Role.JOB:
            if unit.job and unit.sub != "auto-restart":
                return _waits(f"{unit.name} is about to begin")
            if unit.active == "deactivating":
                return _waits(f"{unit.name} is about to end")
    return None


def _service(
    one: Service, unit: Unit, now: int, done: Collection[str], running: Mapping[str, str] | None
) -> Assessment:
    if unit.load != "loaded":
        why = f"systemd has no {one.name} ({unit.load}): Quadlet may have refused {one.file}"
        return _ill(f"{why}; see journalctl -b -t quadlet-generator", final=True)
    if unit.active == "failed":
        return _ill(f"{one.name} has failed: {_how(unit)}", final=True)
    if unit.sub == "auto-restart" and one.role is not Role.JOB:
        given_up = one.role is Role.LASTING and unit.restarts >= ATTEMPTS
        return _ill(f"{one.name} ends each time it is started: {_how(unit)}", final=given_up)
    match one.role:
        case Role.INIT:
            return HEALTHY
        case Role.JOB:
            return _job(one, unit, done)
        case Role.ONCE if unit.active == "inactive" and unit.tried and not unit.job:
            return HEALTHY
        case Role.POD | Role.LASTING | Role.ONCE:
            return _running(one, unit, now, running)


def _job(one: Service, unit: Unit, done: Collection[str]) -> Assessment:
    if unit.active == "inactive" and not (unit.job or unit.tried or one.pod or one.mark in done):
        return _waits(f"{one.name} has not begun")
    return HEALTHY


def _running(one: Service, unit: Unit, now: int, running: Mapping[str, str] | None) -> Assessment:
    if unit.active != "active":
        return _waits(f"{one.name} is {unit.active} ({unit.sub})")
    if now - unit.entered < (AGAIN_MICROSECONDS if unit.restarts else SETTLED_MICROSECONDS):
        again = f" again: it has ended {unit.restarts} times" if unit.restarts else ""
        return _waits(f"{one.name} has just begun{again}")
    if running is None or not one.container:
        return HEALTHY
    if one.container not in running and one.role is Role.LASTING:
        return _waits(f"{one.container} has ended, as Podman says")
    said = running.get(one.container, "") if one.probed else ""
    if said == _UNHEALTHY:
        return _ill(f"Podman finds {one.container} unhealthy", final=False)
    if said == _STARTING:
        return _waits(f"the probe of {one.container} has not succeeded yet")
    return HEALTHY


def _how(unit: Unit) -> str:
    """Say how a service ended, in systemd's words."""
    return f"{unit.result}, exit status {unit.status}" if unit.status else unit.result


def _ill(why: str, *, final: bool) -> Assessment:
    return Assessment(health=Health.DEGRADED, why=why, final=final)


def _waits(why: str) -> Assessment:
    return Assessment(health=Health.PROGRESSING, why=why)
