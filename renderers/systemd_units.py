"""A pod in, the units out that have systemd run it by podpy's own runtime. Pure.

    a slice             the pod's cgroup, with its limits
    a oneshot service   what the containers share: `podpy internal unit start` and `remove`
    a service each      a container: `run` and `stop`, or `complete` for one that is to end
    a socket            for one that is to start with the first connection

They name the pod's manifest by %Y, the directory of the unit, so they can be moved together.
Directives are systemd.unit(5)'s, systemd.service(5)'s, systemd.exec(5)'s and
systemd.resource-control(5)'s, and no younger than Debian 12's systemd 252.
"""

from __future__ import annotations

import signal

from manifests import podman_limits
from manifests.container import ContainerRestart, Protocol
from manifests.faults import Invalid
from manifests.pod import RestartPolicy
from manifests.value import Value
from renderers import systemd_text, unit_annotations, unit_names
from renderers.quadlet.unit import write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container
    from manifests.pod import Pod
    from renderers.quadlet.unit import File

    Lines = list[tuple[str, str]]

MEMORY_ROOM = 64 << 20
CPU_ROOM = 20
TASKS_ROOM = 32
"""What a service may have beside its container, whose own limits are exact: for podpy, which starts
and stops it there, and conmon."""
SIGNALLED = 128
RESTART_SECONDS = 10
STOP_ROOM = 20
"""Seconds beside the grace period in which podpy must have stopped a container."""

_HELPER_HARDENING: Lines = [
    # Nothing that needs a mount namespace: what podpy mounts is for the host's. Nothing of a
    # container descends from this unit, as it does from a container's service.
    (
        "CapabilityBoundingSet",
        "~CAP_SYS_BOOT CAP_SYS_TIME CAP_SYS_RAWIO CAP_SYS_MODULE CAP_SYSLOG CAP_WAKE_ALARM "
        "CAP_BLOCK_SUSPEND CAP_AUDIT_CONTROL CAP_AUDIT_READ",
    ),
    ("KeyringMode", "private"),
    ("LockPersonality", "yes"),
    ("RestrictRealtime", "yes"),
    ("SystemCallArchitectures", "native"),
]
_RESTARTS = {
    RestartPolicy.ALWAYS: "always",
    RestartPolicy.ON_FAILURE: "on-failure",
    RestartPolicy.NEVER: "no",
}


class Source(Value):
    """A pod to render, annotations and all. `origin` is the first line of its files, a comment.

    `podpy` is the command's absolute path. `retries` is None but for a Job's pod: how often each of
    its containers, which are to end, is run again where it fails.
    """

    pod: Pod
    origin: str
    podpy: str
    aliases: tuple[str, ...] = ()
    retries: int | None = None


class _Room(Value):
    """What a cgroup may use: bytes, percent of a processor, tasks; None is no limit."""

    memory: int | None
    cpu: int | None
    tasks: int | None

    def lines(self) -> Lines:
        return [
            *([] if self.memory is None else [("MemoryMax", str(self.memory))]),
            *([] if self.cpu is None else [("CPUQuota", f"{self.cpu}%")]),
            # Else it would be systemd's default, a part of what the host can have.
            ("TasksMax", "infinity" if self.tasks is None else str(self.tasks)),
        ]


def manifest_name(pod: Pod) -> str:
    """Return the name of the file with the pod's objects."""
    return f"{unit_names.stem(pod.metadata.namespace, pod.metadata.name)}.yaml"


def render(source: Source) -> tuple[File, ...]:
    """Return the units of one pod. Raises Invalid where systemd takes no unit of a needed name."""
    made = _Units(source)
    spec = source.pod.spec
    if source.retries is not None and made.wishes != unit_annotations.NOTHING:
        raise Invalid(f"Job/{made.label}: what runs to its end has neither sockets nor watchdogs")
    containers = (*spec.init_containers, *spec.containers)
    files = (
        made.slice(),
        made.shared(),
        *(made.container(one) for one in containers),
        *(made.socket(one) for one in containers if one.name in made.wishes.sockets),
    )
    for file in files:
        if unit_names.too_long(file.name):
            raise Invalid(
                f"Pod/{made.label}: systemd takes no unit with so long a name: {file.name}",
                hint="shorten namespace, pod or container",
            )
    return files


class _Units:
    def __init__(self, source: Source) -> None:
        metadata = source.pod.metadata
        self._source, self._spec = source, source.pod.spec
        self._place = (metadata.namespace, metadata.name)
        self.label = "/".join(self._place)
        self.wishes = unit_annotations.read(source.pod)

    def slice(self) -> File:
        spec = self._spec
        once = [self._room(one) for one in spec.init_containers if not _is_sidecar(one)]
        lasting = [
            self._room(one)
            for one in (*spec.init_containers, *spec.containers)
            if one in spec.containers or _is_sidecar(one)
        ]
        together = _Room(
            memory=_most([one.memory for one in once], [one.memory for one in lasting]),
            cpu=_most([one.cpu for one in once], [one.cpu for one in lasting]),
            tasks=_most([one.tasks for one in once], [one.tasks for one in lasting]),
        )
        return write(
            unit_names.pod_slice(*self._place),
            self._source.origin,
            {
                "Unit": [
                    ("Description", systemd_text.line(f"Pod {self.label}")),
                    ("StopWhenUnneeded", "yes"),
                ],
                "Slice": together.lines(),
            },
        )

    def shared(self) -> File:
        """The service that makes the pod, and takes it down when its containers have stopped."""
        started = [
            self._starter(one)
            for one in (*self._spec.init_containers, *self._spec.containers)
            if not self._serves_a_job(one)
        ]
        return write(
            unit_names.pod_service(*self._place),
            self._source.origin,
            {
                "Unit": [
                    ("Description", systemd_text.line(f"Pod {self.label}: network and volumes")),
                    # Not network-online.target: without a network what needs none comes up, too.
                    ("After", "network.target local-fs.target"),
                    ("Wants", " ".join(started)),
                ],
                "Service": [
                    ("Type", "oneshot"),
                    ("RemainAfterExit", "yes"),
                    ("NotifyAccess", "main"),
                    ("ExecStart", self._command("start", *self._source.aliases)),
                    # After a failed start, too, and after one that was killed.
                    ("ExecStopPost", self._command("remove")),
                    ("TimeoutStartSec", "infinity"),
                    ("TimeoutStopSec", "150"),
                    ("SuccessExitStatus", str(SIGNALLED + signal.SIGTERM)),
                    *_HELPER_HARDENING,
                ],
                "Install": [("WantedBy", "multi-user.target")],
            },
        )

    def _starter(self, container: Container) -> str:
        """Return the unit by which a container begins."""
        if container.name in self.wishes.sockets:
            return unit_names.container_socket(*self._place, container.name)
        return unit_names.container_service(*self._place, container.name)

    def socket(self, container: Container) -> File:
        lines: Lines = [("FileDescriptorName", container.name)]
        for port in container.ports:
            if port.host_port:
                host = f"[{port.host_ip}]:" if ":" in port.host_ip else f"{port.host_ip}:"
                key = "ListenDatagram" if port.protocol is Protocol.UDP else "ListenStream"
                lines.append((key, f"{host if port.host_ip else ''}{port.host_port}"))
        about = f"Sockets of container {container.name} of pod {self.label}"
        return write(
            unit_names.container_socket(*self._place, container.name),
            self._source.origin,
            {
                "Unit": [
                    ("Description", systemd_text.line(about)),
                    ("PartOf", unit_names.pod_service(*self._place)),
                ],
                "Socket": lines,
                "Install": [("WantedBy", "sockets.target")],
            },
        )

    def container(self, container: Container) -> File:
        once = self._runs_once(container)
        return write(
            unit_names.container_service(*self._place, container.name),
            self._source.origin,
            {
                "Unit": self._order(container),
                "Service": [
                    *(self._to_the_end(container) if once else self._kept_up(container)),
                    ("Slice", unit_names.pod_slice(*self._place)),
                    ("Delegate", "yes"),
                    ("KillMode", "mixed"),
                    *self._stop(container),
                    *self._room(container).lines(),
                    *([] if container.security_context.privileged else [_DEVICES]),
                ],
            },
        )

    def _runs_once(self, container: Container) -> bool:
        """Tell whether the container is to end before, or as all that, its pod is for."""
        if container in self._spec.init_containers:
            return not _is_sidecar(container)
        return self._source.retries is not None

    def _serves_a_job(self, container: Container) -> bool:
        """Tell whether it is a sidecar that is to end when the others have."""
        return self._source.retries is not None and _is_sidecar(container)

    def _order(self, container: Container) -> Lines:
        """What is started before the container, and what must have gone well."""
        before = list(self._spec.init_containers)
        if container in before:
            before = before[: before.index(container)]
        service = unit_names.pod_service(*self._place)
        first = [unit_names.container_service(*self._place, one.name) for one in before]
        needed = [name for name, one in zip(first, before, strict=True) if not _is_sidecar(one)]
        serving = [name for name, one in zip(first, before, strict=True) if self._serves_a_job(one)]
        if container.name in self.wishes.sockets:
            # Else one that is started by hand would have none.
            first.append(self._starter(container))
            needed.append(self._starter(container))
        about = f"Container {container.name} of pod {self.label}"
        return [
            ("Description", systemd_text.line(about)),
            ("BindsTo", service),
            *([("Requires", " ".join(needed))] if needed else []),
            *([("Wants", " ".join(serving))] if serving else []),
            *([("StopWhenUnneeded", "yes")] if self._serves_a_job(container) else []),
            ("After", " ".join((service, *first))),
            ("StartLimitIntervalSec", "0"),
        ]

    def _kept_up(self, container: Container) -> Lines:
        policy = RestartPolicy.ALWAYS if _is_sidecar(container) else self._spec.restart_policy
        forced = policy is RestartPolicy.ON_FAILURE
        ends = self._asked_for(container)
        watchdog = self.wishes.watchdogs.get(container.name)
        return [
            ("Type", "notify"),
            ("NotifyAccess", "main" if watchdog is None else "all"),
            *([] if watchdog is None else [("WatchdogSec", f"{watchdog}us")]),
            ("ExecStart", self._command("run", container.name)),
            ("ExecStop", self._command("stop", container.name)),
            ("Restart", _RESTARTS[policy]),
            ("RestartSec", str(RESTART_SECONDS)),
            # What is no failure of a stop is one of a container that ended by itself.
            *([("RestartForceExitStatus", ends)] if forced else []),
            ("TimeoutStartSec", "infinity" if container.startup_probe else "300"),
            *self._deadline("RuntimeMaxSec"),
        ]

    def _to_the_end(self, container: Container) -> Lines:
        retries = self._source.retries
        if retries is None or container in self._spec.init_containers:
            # Without a number it is run until it goes well.
            retries = 0 if self._spec.restart_policy is RestartPolicy.NEVER else None
        limit = () if retries is None else (str(retries),)
        # Not Restart=: a unit that waits for this one would be given up at the first failure.
        return [
            ("Type", "oneshot"),
            # Else it would be run again with each restart of a container that needs it.
            *([("RemainAfterExit", "yes")] if container in self._spec.init_containers else []),
            ("NotifyAccess", "main"),
            ("ExecStart", self._command("complete", container.name, *limit)),
            *(self._deadline("TimeoutStartSec") or [("TimeoutStartSec", "infinity")]),
        ]

    def _deadline(self, key: str) -> Lines:
        seconds = self._spec.active_deadline_seconds
        return [] if seconds is None else [(key, str(seconds))]

    def _stop(self, container: Container) -> Lines:
        grace = self._spec.termination_grace_period_seconds
        return [
            ("TimeoutStopSec", str(grace + STOP_ROOM)),
            ("SuccessExitStatus", self._asked_for(container)),
        ]

    def _asked_for(self, container: Container) -> str:
        """The exit codes of a container that has done what its stop signal asks for."""
        name = container.lifecycle.stop_signal
        numbers = {signal.SIGTERM, signal.Signals[name] if name else signal.SIGTERM}
        return " ".join(str(SIGNALLED + number) for number in sorted(numbers))

    def _room(self, container: Container) -> _Room:
        limits = container.resources.limits
        annotations = self._source.pod.metadata.annotations
        tasks = podman_limits.of_container(annotations, container.name).pids
        memory = limits["memory"].whole() if "memory" in limits else 0
        cpu = limits["cpu"].milli() if "cpu" in limits else 0
        return _Room(
            memory=memory + MEMORY_ROOM if memory else None,
            cpu=-(-cpu // 10) + CPU_ROOM if cpu else None,
            tasks=tasks + TASKS_ROOM if tasks and tasks > 0 else None,
        )

    def _command(self, verb: str, *words: str) -> str:
        command = systemd_text.word(self._source.podpy)
        file = manifest_name(self._source.pod)
        return " ".join((command, "internal", "unit", verb, f"%Y/{file}", *words))


_DEVICES = ("DevicePolicy", "closed")
"""What a container may use is podpy's to say; this is a second lock before the host's disks."""


def _is_sidecar(container: Container) -> bool:
    return container.restart_policy is ContainerRestart.ALWAYS


def _most(once: list[int | None], lasting: list[int | None]) -> int | None:
    """Return what the containers of a pod come to: one of `once` at a time, then all `lasting`."""
    known = [one for one in (*once, *lasting) if one is not None]
    if len(known) < len(once) + len(lasting):
        return None
    return max(sum(known[len(once) :]), *known[: len(once)], 0)
