"""Decide what probes' results come to: an attempt's result in, the container's health out. Pure.

The rules are the kubelet's: thresholds count results in a row; the startup probe holds the others
back until it has passed, and then never runs again; where it or the liveness probe fails, the
container is to be stopped, and nothing more is asked of this run of it.

`due` and `now` are seconds on one monotonic clock; times that are kept are seconds since the epoch.
"""

from __future__ import annotations

from manifests import probes
from manifests.observed import Health, ProbeResult
from manifests.probes import Kind
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.container import Container
    from manifests.probes import Probe

NEVER = float("inf")
FIRST_HASTE = 0.1
"""Seconds before the second try for readiness. The next spans double up to the period, until the
container has been ready once: Kubernetes allows it, and so it is in use soon after its start."""


class Asked(Value):
    """One probe of a run: when it is due, what it found last, how often in a row.

    `haste` is the span before the next try, where that is not the probe's period; 0 for none.
    """

    probe: Probe
    due: float
    ok: bool = False
    times: int = 0
    haste: float = 0.0


class Watched(Value):
    """One run of a container: what is known of it, and its probes."""

    health: Health
    asked: Mapping[Kind, Asked]


class Attempt(Value):
    """What one attempt found; `began` on the monotonic clock, `at` since the epoch."""

    ok: bool
    began: float
    at: float
    message: str = ""


class Step(Value):
    """What an attempt came to. `unhealthy`: it is to be told. `kill`: the container is to stop.

    `passed`: its startup probe has just passed.
    """

    watched: Watched
    unhealthy: bool = False
    kill: bool = False
    passed: bool = False


def begin(
    container: Container, started_at: float, known: Health | None, *, now: float, at: float
) -> Watched:
    """Return a run that nobody watches yet. `known` is what was found of it before, if anything.

    Then it counts on: what was ready stays so until its probe has failed often enough.
    """
    wanted = dict(probes.of_container(container))
    started = Kind.STARTUP not in wanted
    fresh = Health(
        started_at=started_at,
        started=started,
        ready=started and Kind.READINESS not in wanted,
        turned_at=started_at,
    )
    health = known or fresh
    asked = {
        kind: Asked(
            probe=probe,
            due=_first_due(probe, kind, health, now, at),
            haste=FIRST_HASTE if kind is Kind.READINESS and not health.ready else 0.0,
        )
        for kind, probe in wanted.items()
    }
    return Watched(health=health, asked=asked)


def _first_due(probe: Probe, kind: Kind, health: Health, now: float, at: float) -> float:
    """After the delay of its start, and a period after what was found before."""
    since = health.started_at if health.started_at <= at else at
    due = since + probe.initial_delay_seconds
    last = health.results.get(kind)
    if last is not None and last.at <= at:
        due = max(due, last.at + probe.period_seconds)
    return now + max(0.0, due - at)


def due(watched: Watched) -> dict[Kind, float]:
    """Return when each probe that is to be tried is due."""
    started = watched.health.started
    return {
        kind: one.due
        for kind, one in watched.asked.items()
        if one.due != NEVER and (kind is Kind.STARTUP) is not started
    }


def after(watched: Watched, kind: Kind, attempt: Attempt) -> Step:
    """Return what the attempt changes."""
    before, health = watched.asked[kind], watched.health
    times = before.times + 1 if before.times and before.ok is attempt.ok else 1
    result = ProbeResult(ok=attempt.ok, at=attempt.at, times=times, message=attempt.message)
    health = health.replace(results={**health.results, kind.value: result})
    haste = before.haste if not attempt.ok and not health.ready else 0.0
    probe = before.probe
    one = before.replace(
        ok=attempt.ok,
        times=times,
        due=attempt.began + min(haste or probe.period_seconds, probe.period_seconds),
        haste=haste * 2 if haste * 2 < probe.period_seconds else 0.0,
    )
    asked = {**watched.asked, kind: one}
    if attempt.ok:
        enough = times >= probe.success_threshold
        return _succeeded(Watched(health=health, asked=asked), kind, attempt, enough=enough)
    if times >= probe.failure_threshold:
        return _failed(Watched(health=health, asked=asked), kind, attempt, hasty=bool(haste))
    return Step(watched=Watched(health=health, asked=asked), unhealthy=not haste)


def _succeeded(watched: Watched, kind: Kind, attempt: Attempt, *, enough: bool) -> Step:
    health = watched.health
    if not enough or kind is Kind.LIVENESS:
        return Step(watched=watched)
    if kind is Kind.READINESS:
        return Step(watched=watched.replace(health=_turned(health, attempt, ready=True)))
    ready = Kind.READINESS not in watched.asked
    health = _turned(health, attempt, ready=ready).replace(started=True)
    # The others need not wait any longer than their own delay.
    return Step(watched=watched.replace(health=health), passed=True)


def _failed(watched: Watched, kind: Kind, attempt: Attempt, *, hasty: bool) -> Step:
    if kind is Kind.READINESS:
        health = _turned(watched.health, attempt, ready=False)
        return Step(watched=watched.replace(health=health), unhealthy=not hasty)
    held = {one: each.replace(due=NEVER) for one, each in watched.asked.items()}
    return Step(watched=watched.replace(asked=held), unhealthy=True, kill=True)


def _turned(health: Health, attempt: Attempt, *, ready: bool) -> Health:
    if health.ready is ready:
        return health
    return health.replace(ready=ready, turned_at=attempt.at)


def again(watched: Watched, kind: Kind, now: float) -> Watched:
    """Ask again a period from now: the attempt was not made, or its failure stopped nothing."""
    one = watched.asked[kind]
    held = {
        each: other.replace(due=now + other.probe.period_seconds)
        for each, other in watched.asked.items()
        if other.due == NEVER
    }
    asked = {**watched.asked, **held, kind: one.replace(due=now + one.probe.period_seconds)}
    return watched.replace(asked=asked)
