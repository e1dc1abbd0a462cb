"""reconciler.health.readiness: who is ready, and in what words who is not."""

from __future__ import annotations

import pytest

from manifests.container import Container
from manifests.observed import ContainerState, Health, PodState, ProbeResult
from manifests.pod import PodSpec
from manifests.probes import Probe, TCPSocketAction
from reconciler.health import readiness
from reconciler.workloads import lifecycle
from reconciler.workloads.expand import expand
from tests.unit.reconciler import builders
from tests.unit.reconciler.builders import NOW, exited, running, sidecar

PROBE = Probe(tcp_socket=TCPSocketAction(port=80))
PLAIN = builders.container()
GATED = PLAIN.replace(startup_probe=PROBE)
PROBED = PLAIN.replace(readiness_probe=PROBE)
STARTED_AT = NOW - 5


def found(*, started: bool = True, ready: bool = False, **results: ProbeResult) -> Health:
    return Health(
        started_at=STARTED_AT, started=started, ready=ready, turned_at=NOW - 1, results=results
    )


def seen(health: Health | None) -> ContainerState:
    return running().replace(health=health)


@pytest.mark.parametrize(
    ("container", "state", "started", "ready"),
    [
        (PLAIN, running(), True, True),
        (PLAIN, exited(), False, False),
        (PLAIN, None, False, False),
        (PROBED, running(), True, False),
        (PROBED, seen(found()), True, False),
        (PROBED, seen(found(ready=True)), True, True),
        (PROBED, exited().replace(health=found(ready=True)), False, False),
        (GATED, running(), False, False),
        (GATED, seen(found(started=False)), False, False),
        (GATED, seen(found()), True, True),
        (
            GATED.replace(readiness_probe=PROBE),
            seen(found(started=False, ready=True)),
            False,
            False,
        ),
    ],
)
def test_a_container_is_ready(
    container: Container, state: ContainerState | None, started: bool, ready: bool
) -> None:
    assert readiness.started(container, state) is started
    assert readiness.ready(container, state) is ready


def of_pod(spec: PodSpec, *states: ContainerState, prober: str = "agent") -> PodState:
    (wanted,) = expand([builders.pod(of=spec)], (), NOW).pods
    return builders.on_host(wanted, "u", *states).replace(prober=prober)


def test_a_pod_is_ready_with_all_of_its_containers() -> None:
    both = builders.spec(PROBED, builders.container("b"))
    ready = of_pod(both, seen(found(ready=True)), running("b"))

    assert readiness.pod_ready(ready)
    assert readiness.ready_since(ready) == NOW - 1
    assert not readiness.pod_ready(of_pod(both, seen(found()), running("b")))
    assert not readiness.pod_ready(of_pod(both, seen(found(ready=True)), exited("b")))
    leaving = ready.replace(record=ready.record.replace(deleting=True))
    assert not readiness.pod_ready(leaving)


def test_a_sidecar_counts_and_an_init_container_does_not() -> None:
    spec = builders.spec(
        PLAIN, init=(builders.container("i"), sidecar().replace(readiness_probe=PROBE))
    )

    assert not readiness.pod_ready(of_pod(spec, exited("i"), running("proxy"), running()))
    ready = running("proxy").replace(health=found(ready=True))
    assert readiness.pod_ready(of_pod(spec, exited("i"), ready, running()))


@pytest.mark.parametrize(
    ("health", "prober", "said"),
    [
        (None, "agent", "container app: its readiness probe has not been tried yet"),
        (
            None,
            "",
            f"container app: its readiness probe has not been tried yet; {readiness.NOBODY}",
        ),
        (
            found(readiness=ProbeResult(ok=False, at=NOW, message="refused")),
            "agent",
            "container app: its readiness probe failed: refused",
        ),
        (
            found(readiness=ProbeResult(ok=True, at=NOW)),
            "agent",
            "container app: its readiness probe has to succeed more often",
        ),
        (found(ready=True), "", ""),
    ],
)
def test_why_a_pod_is_not_ready(health: Health | None, prober: str, said: str) -> None:
    assert readiness.why_not(of_pod(builders.spec(PROBED), seen(health), prober=prober)) == said


def test_a_pod_that_nobody_probes_is_told_from_one_without_probes() -> None:
    assert readiness.unattended(of_pod(builders.spec(PROBED), seen(found(ready=True)), prober=""))
    assert not readiness.unattended(of_pod(builders.spec(PROBED), exited(), prober=""))
    assert not readiness.unattended(of_pod(builders.spec(PROBED), running()))
    assert not readiness.unattended(of_pod(builders.spec(), running(), prober=""))


def test_a_sidecars_startup_probe_holds_the_next_ones_back() -> None:
    spec = builders.spec(PLAIN, init=(sidecar().replace(startup_probe=PROBE),))
    waiting = lifecycle.decide(spec, builders.states(running("proxy")), NOW)
    passed = running("proxy").replace(health=found())

    assert (waiting.start, waiting.unstarted, waiting.wake_at) == ((), ("proxy",), None)
    assert lifecycle.decide(spec, builders.states(passed), NOW).start == ("app",)
