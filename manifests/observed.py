"""What runs on the host, as values: read by runtime.observe, compared by reconciler.plan.

Times are seconds since the epoch (float); words and reasons are the kubelet's.
"""

from __future__ import annotations

from collections.abc import Mapping

from manifests import settings
from manifests.pod import Pod
from manifests.strenum import StrEnum
from manifests.value import EMPTY, Value


class Phase(StrEnum):
    """A pod's phase: Kubernetes' PodPhase."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


class Stage(StrEnum):
    """Where one container is, as its files and the kernel tell."""

    ABSENT = "absent"
    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"


class Termination(Value):
    """How a container ended. `signal` is 0 unless one killed it; reasons are the kubelet's."""

    exit_code: int
    reason: str
    finished_at: float
    started_at: float = 0.0
    signal: int = 0
    message: str = ""


class ContainerRecord(Value):
    """status.json of a container: what its files cannot tell. Written before each start.

    `attempt` counts starts from 0 (its log is ATTEMPT.log); `backoff` is the delay in seconds that
    the next restart must keep after the end of this attempt.
    """

    attempt: int = 0
    container_id: str = ""
    image_id: str = ""
    started_at: float = 0.0
    backoff: float = 0.0
    problem: str = ""
    problem_reason: str = ""
    last: Termination | None = None


class ProbeResult(Value):
    """What a probe found at its last attempt, and at how many in a row up to that one."""

    ok: bool
    at: float
    times: int = 1
    message: str = ""


class Health(Value):
    """What probes have found of one run of a container: the one whose record has `started_at`.

    `started`: its startup probe has passed, or it has none. `ready`: so has its readiness probe,
    since `turned_at`. `results` are the last ones by kind of probe (manifests.probes.Kind).
    """

    started_at: float
    started: bool = False
    ready: bool = False
    turned_at: float = 0.0
    results: Mapping[str, ProbeResult] = EMPTY


class ContainerState(Value):
    """One container as it is now. `ended` is set when `stage` is EXITED.

    `health` is that of the present run, None where no probe has found anything of it yet.
    """

    name: str
    stage: Stage
    record: ContainerRecord = ContainerRecord()
    pid: int = 0
    ended: Termination | None = None
    health: Health | None = None


class PodRecord(Value):
    """pod.json: the pod as it was asked for and what it was given. Written before anything else.

    `pod` is complete: named, in its namespace, with labels and defaults; `spec_hash` is the hash of
    what was asked for. `images` maps containers, and volumes as "volume/name", to image ids;
    `configs` maps "ConfigMap/name" and "Secret/name" to the digest of the content that the pod's
    volumes show. `complete` turns true when the pod's namespaces, network and mounts have all been
    made, `finished` when it has ended for good and only its record and logs are left. `held`: made
    with --start=false, nothing of it runs before a pass without that flag. `deleting`: it is being
    removed, and what of it still runs at `kill_at` (seconds of 1970) is killed. `deadline` is when
    the pod is to have ended, 0 for never; `reason` tells why podpy ended it, which makes it Failed
    whatever its containers say.
    """

    uid: str
    pod: Pod
    spec_hash: str
    network: str = ""
    address: str = ""
    created_at: float = 0.0
    aliases: tuple[str, ...] = ()
    images: Mapping[str, str] = EMPTY
    configs: Mapping[str, str] = EMPTY
    applyset: str = ""
    complete: bool = False
    finished: bool = False
    deleting: bool = False
    kill_at: float = 0.0
    held: bool = False
    deadline: float = 0.0
    reason: str = ""

    @property
    def supervised(self) -> bool:
        """Whether units of systemd's start and stop its containers, so that podpy leaves them."""
        return self.pod.metadata.annotations.get(settings.SUPERVISOR) == settings.SYSTEMD


class Mend(StrEnum):
    """What it takes to repair a drift."""

    START = "start"
    NETWORK = "network"
    CONTAINERS = "containers"
    RECREATE = "recreate"


class Drift(Value):
    """Something of a pod that the host no longer has as it was made; `text` tells what."""

    mend: Mend
    text: str


class PodState(Value):
    """A pod as it is now: its record, its containers, and what of it is broken.

    `prober` names who runs its probes at the moment, "" where nobody does.
    """

    record: PodRecord
    containers: Mapping[str, ContainerState] = EMPTY
    drift: tuple[Drift, ...] = ()
    prober: str = ""

    @property
    def uid(self) -> str:
        return self.record.uid

    @property
    def pod(self) -> Pod:
        return self.record.pod


class NetworkState(Value):
    """A podpy network on the host. `drift` tells what of it is broken."""

    name: str
    driver: str
    subnet: str = ""
    gateway: str = ""
    mtu: int = 0
    internal: bool = False
    drift: tuple[str, ...] = ()


class Observed(Value):
    """The host as it is now."""

    pods: tuple[PodState, ...] = ()
    networks: Mapping[str, NetworkState] = EMPTY
    claims: frozenset[tuple[str, str]] = frozenset()
