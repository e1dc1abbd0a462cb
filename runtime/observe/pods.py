"""Read every pod of this host: its record and its containers as they are.

Reads files and /proc only: no process is started, no lock taken, nothing changed. What of a pod
is broken is reconciler.targets.host.observing's to say.
"""

from __future__ import annotations

import os

from manifests.observed import (
    ContainerRecord,
    ContainerState,
    PodState,
    Stage,
    Termination,
)
from runtime import files
from runtime.kernel import cgroups
from runtime.observe import health, records
from runtime.oci import container as oci
from runtime.oci.container import Container as OciContainer
from runtime.oci.container import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from manifests.container import Container
    from manifests.observed import Health, PodRecord
    from manifests.pod import Pod
    from runtime.paths import Paths

_STAGES = {
    State.GONE: Stage.ABSENT,
    State.CREATED: Stage.CREATED,
    State.RUNNING: Stage.RUNNING,
    State.STOPPED: Stage.EXITED,
}
SIGNAL_BASE = 128
UNKNOWN_EXIT = 255
"""The exit code of a container whose end nobody saw, as containerd reports it."""


def read(paths: Paths, seen: cgroups.View) -> tuple[PodState, ...]:
    """Return the state of every pod that has a record."""
    return tuple(state_of(paths, record, seen) for record in records.read_pods(paths))


def state_of(paths: Paths, record: PodRecord, seen: cgroups.View) -> PodState:
    """Return the state of one pod."""
    names = [container.name for container in _containers(record.pod)]
    states = {name: container_state(paths, record.uid, name, seen) for name in names}
    if not health.has_probes(record.pod):
        return PodState(record=record, containers=states)
    found = health.read(paths, record.uid)
    return PodState(
        record=record,
        containers={name: _with_health(one, found.get(name)) for name, one in states.items()},
        prober=health.prober(paths, record.uid),
    )


def _with_health(state: ContainerState, found: Health | None) -> ContainerState:
    """What was found of an earlier run tells nothing of this one."""
    if found is None or found.started_at != state.record.started_at:
        return state
    return state.replace(health=found)


def container_state(paths: Paths, uid: str, name: str, seen: cgroups.View) -> ContainerState:
    """Return the state of one container of a pod."""
    container = OciContainer.of(paths, uid, name)
    record = records.read_container(paths, uid, name) or ContainerRecord()
    found, pid = oci.look(container)
    stage = _STAGES[found]
    ended = _termination(container, record, seen) if stage is Stage.EXITED else None
    if stage is Stage.EXITED and ended is None:
        stage = Stage.ABSENT
    if stage is Stage.ABSENT and record.last is not None:
        # Its files were cleaned up, after a reboot of the pod or by hand: the record still tells.
        stage, ended = Stage.EXITED, record.last
    return ContainerState(
        name=name,
        stage=stage,
        record=record,
        pid=(pid or 0) if stage in (Stage.RUNNING, Stage.CREATED) else 0,
        ended=ended,
    )


def _termination(
    container: OciContainer, record: ContainerRecord, seen: cgroups.View
) -> Termination | None:
    end = oci.ended(container, seen)
    if end is None:
        return None
    code = UNKNOWN_EXIT if end.code is None else end.code
    if end.oom_killed and code != 0:
        reason = "OOMKilled"
    elif code == 0:
        reason = "Completed"
    else:
        reason = "Error" if end.code is not None else "ContainerStatusUnknown"
    return Termination(
        exit_code=code,
        reason=reason,
        started_at=record.started_at,
        finished_at=end.at,
        signal=code - SIGNAL_BASE if SIGNAL_BASE < code < UNKNOWN_EXIT else 0,
        message=_message(container),
    )


def message_file(bundle: str) -> str:
    """Return where the message about a container's end is kept, until it is started again."""
    return f"{bundle}/exit/message"


def _message(container: OciContainer) -> str:
    try:
        return files.read(message_file(container.bundle)).decode(errors="replace")
    except FileNotFoundError:
        return ""


def missing_mounts(pid: int, targets: Sequence[str]) -> tuple[str, ...]:
    """Return those of `targets` (paths in the container) that process `pid` has no mount at."""
    try:
        table = os.fsdecode(files.read(f"/proc/{pid}/mountinfo")) if targets else ""
    except OSError:
        return ()
    absent = [target for target in targets if f" {_escaped(target)} " not in table]
    return _unreached(pid, absent) if absent else ()


def _unreached(pid: int, targets: Iterable[str]) -> tuple[str, ...]:
    """Those of `targets` that lead to no mount over links either: /var/run may be /run."""
    try:
        root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return ()
    try:
        return tuple(target for target in targets if not _leads_to_mount(root, target))
    except OSError:
        # The container changes while we look, or goes: the next pass sees what came of it.
        return ()
    finally:
        os.close(root)


def _leads_to_mount(root: int, target: str) -> bool:
    from runtime.kernel import syscalls

    try:
        found = syscalls.open_in_root(root, target, os.O_PATH)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        return syscalls.is_mount_root(found)
    finally:
        os.close(found)


def _escaped(path: str) -> str:
    """`path` as proc_pid_mountinfo(5) writes it."""
    for sign in "\\ \t\n":
        path = path.replace(sign, f"\\{ord(sign):03o}")
    return path


def _containers(pod: Pod) -> tuple[Container, ...]:
    return (*pod.spec.init_containers, *pod.spec.containers)
