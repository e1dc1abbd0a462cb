"""Run the probes of pods: keep what they find in run_dir, stop containers that fail, tell of it.

Whoever has time to do it makes a Prober and gives it turns: the agent (reconciler.agent.probing)
for all pods, a command for those that it waits for (reconciler.health.readying). One at a time has
a pod; another one takes it over within a second after that one has gone. What results come to is
reconciler.health.machine's to decide. Attempts are made in threads, so many at most; all else
happens in the thread that gives the turns. Killed at any point, the next one begins with the
results that are kept.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback

from manifests import kinds
from manifests.faults import Fault
from manifests.observed import Stage
from manifests.pod import RestartPolicy
from manifests.probes import Kind
from reconciler.health import machine, readiness
from reconciler.health.machine import Attempt
from reconciler.state import events
from reconciler.state.events import Event, EventType
from reconciler.targets.host import handlers, stopping, sync
from runtime import locks
from runtime.observe import health, pods, records
from runtime.probing import attempt as attempts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from manifests.container import Container
    from manifests.observed import ContainerState, PodRecord, PodState
    from reconciler.health.machine import Watched
    from reconciler.targets.host.base import Base
    from runtime.observe.health import Claim

    Key = tuple[str, str, Kind]

ATTEMPTS_AT_ONCE = 16
LOOK_SECONDS = 0.5
"""How often a pod is looked at whose probed containers do not all run, or that another probes."""
AGENT, COMMAND = "agent", "command"
_LEAVING_SECONDS = 1.0


class _Pod:
    """A pod whose probes are this prober's: its record, and the runs of containers it watches."""

    def __init__(self, record: PodRecord, claim: Claim) -> None:
        self.record = record
        self.claim = claim
        self.watched: dict[str, Watched] = {}
        self.whole_at: tuple[int, ...] | None = None
        """The stamp of its containers at which all that is to be probed was seen to run."""


class _Done:
    """An attempt on one run that is over; without `attempt` it could not be made."""

    def __init__(self, key: Key, started_at: float, attempt: Attempt | None) -> None:
        self.key, self.started_at, self.attempt = key, started_at, attempt


class Prober:
    """`name` is what others show of who probes; all pods are probed unless `watch` says which.

    What podpy put up with goes to `say`.
    """

    def __init__(
        self,
        base: Base,
        name: str,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._base = base
        self._name = name
        self._uids: frozenset[str] | None = None
        self._say = say
        self._pods: dict[str, _Pod] = {}
        self._flying: dict[Key, threading.Thread] = {}
        self._told: queue.SimpleQueue[_Done | None] = queue.SimpleQueue()
        self._look_at = 0.0
        self._closed = False

    def wake(self) -> None:
        """In any thread: have the pods looked at, which may be others now."""
        self._told.put(None)

    def watch(self, uids: frozenset[str]) -> None:
        """Probe these pods and no others from now on."""
        if uids != self._uids:
            self._uids = uids
            self._look_at = 0.0

    def turn(self, seconds: float | None) -> None:
        """Do what is due, and sleep until more is, something is over, or `seconds` have passed.

        None is for ever: it sleeps until `wake` where no pod has probes.
        """
        now = time.monotonic()
        if self._look_at <= now:
            self._look(now)
        self._begin_due(now)
        at = min(self._next(), machine.NEVER if seconds is None else now + seconds)
        left = None if at == machine.NEVER else max(0.0, at - time.monotonic())
        try:
            self._settle(self._told.get(timeout=left))
            while True:
                self._settle(self._told.get_nowait())
        except queue.Empty:
            return

    def close(self) -> None:
        """Let go of all pods; what is under way is given up."""
        self._closed = True
        until = time.monotonic() + _LEAVING_SECONDS
        for thread in list(self._flying.values()):
            thread.join(max(0.0, until - time.monotonic()))
        for pod in self._pods.values():
            pod.claim.release()
        self._pods.clear()

    def _next(self) -> float:
        """When the next thing is due: a look, or a probe that is not under way."""
        if len(self._flying) >= ATTEMPTS_AT_ONCE:
            return self._look_at
        return min([self._look_at, *(due for _key, due in self._due())])

    def _due(self) -> Iterator[tuple[Key, float]]:
        for uid, pod in self._pods.items():
            for name, watched in pod.watched.items():
                for kind, due in machine.due(watched).items():
                    if (uid, name, kind) not in self._flying:
                        yield (uid, name, kind), due

    def _look(self, now: float) -> None:
        """See which pods there are to probe, and which of their containers run."""
        wanted = {record.uid: record for record in self._records()}
        for uid in self._pods.keys() - wanted.keys():
            self._pods.pop(uid).claim.release()
        whole = True
        for uid, record in wanted.items():
            pod = self._pods.get(uid)
            if pod is None:
                claim = health.claim(self._base.paths, uid, self._name)
                if claim is None:
                    whole = False
                    continue
                pod = self._pods[uid] = _Pod(record, claim)
            pod.record = record
            stamp = health.stamp(self._base.paths, record)
            if pod.whole_at == stamp:
                continue  # The kernel told of something; it was none of this pod's containers.
            pod.whole_at = stamp if self._see(pod, now) else None
            whole = whole and pod.whole_at is not None
        self._look_at = machine.NEVER if whole else now + LOOK_SECONDS

    def _records(self) -> Iterator[PodRecord]:
        paths = self._base.paths
        for uid in records.uids(paths) if self._uids is None else self._uids:
            record = records.read_pod(paths, uid)
            if record is None or record.finished or record.deleting or record.held:
                continue
            if health.has_probes(record.pod):
                yield record

    def _see(self, pod: _Pod, now: float) -> bool:
        """Begin with the runs that are new; tell whether all that is to be probed runs."""
        state = pods.state_of(self._base.paths, pod.record, self._base.cgroups)
        whole, news = True, False
        for container in _containers(pod.record):
            if not readiness.has_probes(container):
                continue
            current = state.containers[container.name]
            if current.stage is not Stage.RUNNING:
                pod.watched.pop(container.name, None)
                whole = whole and _is_over(state, container)
                continue
            started_at = current.record.started_at
            watched = pod.watched.get(container.name)
            if watched is None or watched.health.started_at != started_at:
                pod.watched[container.name] = machine.begin(
                    container, started_at, current.health, now=now, at=time.time()
                )
                news = news or current.health is None
        if news:
            self._keep(pod)
        return whole

    def _keep(self, pod: _Pod) -> None:
        found = {name: watched.health for name, watched in pod.watched.items()}
        health.write(self._base.paths, pod.record.uid, found)

    def _begin_due(self, now: float) -> None:
        for key, due in sorted(self._due(), key=lambda pair: pair[1]):
            if due > now or len(self._flying) >= ATTEMPTS_AT_ONCE:
                return
            pod = self._pods[key[0]]
            started_at = pod.watched[key[1]].health.started_at
            thread = threading.Thread(
                target=self._attempt, args=(key, pod.record, started_at), daemon=True
            )
            self._flying[key] = thread
            thread.start()

    def _attempt(self, key: Key, record: PodRecord, started_at: float) -> None:
        """In a thread of its own: ask once, and tell what came of it."""
        began, at = time.monotonic(), time.time()
        told: Attempt | None = None
        try:
            container = _container(record, key[1])
            probe = getattr(container, f"{key[2]}_probe")
            target = handlers.target_of(self._base, record, container)
            found = attempts.make(target, probe, probe.timeout_seconds, lambda: self._closed)
            told = Attempt(ok=found.ok, began=began, at=at, message=found.message)
        except attempts.Abandoned:
            pass
        except Fault as fault:
            self._errored(record, key, fault)
        except Exception:  # noqa: BLE001 - a defect in one attempt must not end the others
            self._say(f"{kinds.ref(record.pod)}: {traceback.format_exc()}")
        finally:
            self._told.put(_Done(key, started_at, told))

    def _errored(self, record: PodRecord, key: Key, fault: Fault) -> None:
        """Tell that a probe could not be made, unless it is because the pod has gone."""
        state = pods.state_of(self._base.paths, record, self._base.cgroups)
        if state.containers[key[1]].stage is Stage.RUNNING:
            self._event(record, "Unhealthy", f"{_title(key[2])} probe errored: {fault}")

    def _settle(self, done: _Done | None) -> None:
        """Take notice of an attempt, if the run that it was made on still lasts."""
        if done is None:
            self._look_at = 0.0
            return
        self._flying.pop(done.key, None)
        uid, name, kind = done.key
        pod = self._pods.get(uid)
        watched = pod.watched.get(name) if pod is not None else None
        if pod is None or watched is None or watched.health.started_at != done.started_at:
            return
        if done.attempt is None:
            pod.watched[name] = machine.again(watched, kind, time.monotonic())
            pod.whole_at, self._look_at = None, 0.0
            return
        if not _lasts(self._now(pod, name), done.started_at):
            pod.whole_at, self._look_at = None, 0.0
            return
        step = machine.after(watched, kind, done.attempt)
        pod.watched[name] = step.watched
        self._keep(pod)
        if step.unhealthy:
            message = f"{_title(kind)} probe failed: {done.attempt.message}"
            self._event(pod.record, "Unhealthy", message)
        if step.kill:
            self._aside(done.key, self._kill, pod.record, name, kind, done.started_at)
        elif step.passed and any(one.name == name for one in pod.record.pod.spec.init_containers):
            self._aside(done.key, self._go_on, pod.record)

    def _now(self, pod: _Pod, name: str) -> ContainerState:
        paths, seen = self._base.paths, self._base.cgroups
        return pods.container_state(paths, pod.record.uid, name, seen)

    def _aside(self, key: Key, action: Callable[..., None], *arguments: object) -> None:
        """Do in a thread what takes its time; where it fails, the probe is asked again."""

        def run() -> None:
            record = arguments[0]
            try:
                action(*arguments)
            except Fault as fault:
                self._say(f"{kinds.ref(record.pod)}: {fault}")  # type: ignore[attr-defined]
            except Exception:  # noqa: BLE001 - a defect in one stop must not end the others
                self._say(traceback.format_exc())
            else:
                self.wake()
                return
            self._told.put(_Done(key, started_at, None))

        started_at = self._pods[key[0]].watched[key[1]].health.started_at
        threading.Thread(target=run, daemon=True).start()

    def _kill(self, record: PodRecord, name: str, kind: Kind, started_at: float) -> None:
        """Stop the container that has failed, if it is still that run; its end decides the rest."""
        base = self._base
        with locks.held(base.paths, [sync.lock_name(record.uid)]):
            now = records.read_pod(base.paths, record.uid)
            if now is None or now.deleting or now.finished:
                return
            state = pods.state_of(base.paths, now, base.cgroups)
            if not _lasts(state.containers[name], started_at):
                return
            container = _container(now, name)
            again = ", will be restarted" if _restarts(now, container) else ""
            message = f"Container {name} failed {kind} probe{again}"
            self._event(now, "Killing", message, EventType.NORMAL)
            probe = getattr(container, f"{kind}_probe")
            grace = probe.termination_grace_period_seconds
            stopping.containers(base, state, (name,), grace)

    def _go_on(self, record: PodRecord) -> None:
        """Start what a sidecar's startup probe has held back."""
        sync.step(self._base, record.uid)

    def _event(
        self, record: PodRecord, reason: str, message: str, kind: EventType = EventType.WARNING
    ) -> None:
        event = Event(ref=kinds.ref(record.pod), reason=reason, message=message, type=kind)
        events.record(self._base.database, [event], time.time())


def _containers(record: PodRecord) -> tuple[Container, ...]:
    return (*record.pod.spec.init_containers, *record.pod.spec.containers)


def _container(record: PodRecord, name: str) -> Container:
    return next(one for one in _containers(record) if one.name == name)


def _lasts(current: ContainerState, started_at: float) -> bool:
    return current.stage is Stage.RUNNING and current.record.started_at == started_at


def _restarts(record: PodRecord, container: Container) -> bool:
    never = record.pod.spec.restart_policy is RestartPolicy.NEVER
    return not never or container.restart_policy is not None


def _is_over(state: PodState, container: Container) -> bool:
    """Tell whether a container that does not run has ended for good."""
    current = state.containers[container.name]
    if current.ended is None or container.restart_policy is not None:
        return False
    match state.pod.spec.restart_policy:
        case RestartPolicy.ALWAYS:
            return False
        case RestartPolicy.ON_FAILURE:
            return current.ended.exit_code == 0
        case RestartPolicy.NEVER:
            return True


def _title(kind: Kind) -> str:
    return kind.value.capitalize()
