"""Observe this host: pods with what of them is broken, networks, claims. Reads only."""

from __future__ import annotations

import os
import time
from posixpath import normpath

from manifests.observed import Drift, Mend, Observed, Phase, Stage
from reconciler.targets.host import etc_files, networking
from reconciler.workloads import lifecycle
from runtime.kernel import namespaces
from runtime.observe import pods, records
from runtime.oci import container as oci
from runtime.oci.container import Container as OciContainer
from runtime.volume import claims

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from manifests.observed import PodRecord, PodState
    from reconciler.targets.host.base import Base


def observe(base: Base) -> Observed:
    """Return the host as it is now."""
    now = time.time()
    states = pods.read(base.paths, base.cgroups)
    network = networking.observe(base, states)
    return Observed(
        pods=tuple(
            state.replace(drift=_drift(base, state, network.of_pods.get(state.uid, ()), now))
            if _should_run(state)
            else state
            for state in states
        ),
        networks=network.networks,
        claims=frozenset(claims.names(base.paths)),
    )


def state_of(base: Base, record: PodRecord) -> PodState:
    """Return one pod as it is now, without its drift."""
    return pods.state_of(base.paths, record, base.cgroups)


def _should_run(state: PodState) -> bool:
    return not state.record.finished and not state.record.deleting


def _drift(base: Base, state: PodState, network: Iterable[Drift], now: float) -> tuple[Drift, ...]:
    """What is broken of the pod, its place in the network included."""
    if not state.record.complete:
        text = "it was left half made"
    elif namespaces.pinned(base.paths.pod(state.uid)):
        return (*_own(base, state, now), *network)
    elif living_conmon(base, state) is not None:
        unpinned = Drift(mend=Mend.NETWORK, text="its namespaces are no longer pinned")
        return (unpinned, *_own(base, state, now), *network)
    elif _has_ended(base, state.uid, now):
        return ()
    else:
        text = "its namespaces are gone"
    return (Drift(mend=Mend.RECREATE, text=text), *network)


def _has_ended(base: Base, uid: str, now: float) -> bool:
    """Tell whether the pod has come to its end, or goes, by now: what has ended is not made again.

    Who sees a pod's end lets go of its namespaces before the record says that it has finished, and
    may be on the way, or have been killed there.
    """
    record = records.read_pod(base.paths, uid)
    if record is None or not _should_run(state := state_of(base, record)):
        return True
    return lifecycle.of_pod(state, now).phase in (Phase.SUCCEEDED, Phase.FAILED)


def _own(base: Base, state: PodState, now: float) -> Iterator[Drift]:
    """What is broken of the pod itself, where its namespaces are there."""
    if not networking.own_masters(state.pod):
        for name in etc_files.changed(base.paths, state.uid):
            yield Drift(mend=Mend.NETWORK, text=f"its /etc/{name} was changed")
    if state.record.held:
        if base.start:
            yield Drift(mend=Mend.START, text="it was made with --start=false and starts now")
        return
    if state.record.supervised:
        return  # What its containers lack is seen by who started them.
    decision = lifecycle.of_pod(state, now)
    for name in decision.start:
        yield Drift(mend=Mend.CONTAINERS, text=_why_due(state, name))
    for name, lost in deprived(base, state):
        yield Drift(mend=Mend.CONTAINERS, text=f"container {name} has lost its {lost}")


def deprived(base: Base, state: PodState) -> Iterator[tuple[str, str]]:
    """Yield (container, what) for what a running container was made with and no longer has."""
    for container in (*state.pod.spec.init_containers, *state.pod.spec.containers):
        current = state.containers[container.name]
        if current.stage is Stage.RUNNING and current.pid:
            here = OciContainer.of(base.paths, state.uid, container.name)
            if not os.path.exists(here.config):
                yield container.name, "bundle"
            if not os.path.exists(here.state_dir):
                yield container.name, "state in the OCI runtime"
            if not oci.watched(here):
                # Nobody reads what it writes, and nobody would tell when it ends.
                yield container.name, "conmon"
            # The kernel writes "/" paths without a second slash, however the manifest puts them.
            paths = [
                normpath(f"/{mount.mount_path.lstrip('/')}") for mount in container.volume_mounts
            ]
            for path in pods.missing_mounts(current.pid, paths):
                yield container.name, f"mount at {path}"


def living_conmon(base: Base, state: PodState) -> int | None:
    """Return the pid of one of the pod's conmons: it sits in the pod's namespaces."""
    for name in state.containers:
        pid = oci.conmon_pid(OciContainer.of(base.paths, state.uid, name))
        if pid is not None:
            return pid
    return None


def _why_due(state: PodState, name: str) -> str:
    current = state.containers[name]
    if current.ended is None:
        return f"container {name} is not running"
    return f"container {name} ended with exit code {current.ended.exit_code} and is due again"
