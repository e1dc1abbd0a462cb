"""Turn a container whose every question is answered into its OCI config.json. Pure.

The reconciler makes the ContainerSpec (images, mounts, users and limits resolved on the host);
runtime.oci.container writes the text into the bundle. The container is started from a thread that
is inside the pod's namespaces, so only what a container has for itself is listed: a PID and a
mount namespace, on cgroup v2 a cgroup namespace. Network, IPC and host name are inherited.
"""

from __future__ import annotations

from manifests.strenum import StrEnum
from manifests.value import EMPTY, Value
from renderers import seccomp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# What containerd and Docker hide of /proc and /sys, and what they only let be read.
MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
CGROUP_ROOT = "/sys/fs/cgroup"


class ProcMount(StrEnum):
    DEFAULT = "Default"
    UNMASKED = "Unmasked"


class SeccompType(StrEnum):
    UNCONFINED = "Unconfined"
    RUNTIME_DEFAULT = "RuntimeDefault"
    LOCALHOST = "Localhost"


class Mount(Value):
    """One mount, made by the runtime in the container: a bind unless `kind` says otherwise."""

    destination: str
    source: str
    kind: str = "bind"
    options: tuple[str, ...] = ("rbind", "rprivate")


class Rlimit(Value):
    """`kind` as in setrlimit(2): RLIMIT_NOFILE. The host's hard limit must allow it."""

    kind: str
    soft: int
    hard: int


class Device(Value):
    """A device node, made in the container and allowed by its cgroup. `kind` is c or b."""

    path: str
    kind: str
    major: int
    minor: int
    mode: int = 0o666
    uid: int = 0
    gid: int = 0
    access: str = "rwm"


class Resources(Value):
    """Limits; None is no limit. Memory in bytes, cpu_quota in microseconds for each cpu_period.

    cpu_shares is cgroup v1's number (2-262144, 1024 to a core); the runtime converts it on v2.
    `cpus` and `memory_nodes` are lists such as 0-3,7.
    memory_swap is memory and swap together: memory_limit there means no swap, as in the kubelet.
    """

    cpu_shares: int | None = None
    cpu_quota: int | None = None
    cpu_period: int = 100_000
    memory_limit: int | None = None
    memory_reservation: int | None = None
    memory_swap: int | None = None
    pids_limit: int | None = None
    cpus: str | None = None
    memory_nodes: str | None = None


class ContainerSpec(Value):
    """A container with everything resolved.

    `rootfs` is absolute or relative to the bundle; `cgroup` is the path below each controller's
    (v1) or the one (v2) hierarchy, "" where there is none for containers; `machine` is uname -m;
    `mounts` go on top of the standard ones (/proc, /dev, /sys...), or in place of those at the same
    path. The pod's /dev/shm is among them: without it the container has none. Without
    `device_rules` the cgroup keeps no device closed: in a user's namespaces the kernel does.
    """

    argv: tuple[str, ...]
    env: tuple[str, ...] = ()
    cwd: str = "/"
    uid: int = 0
    gid: int = 0
    additional_gids: tuple[int, ...] = ()
    umask: int | None = None
    terminal: bool = False
    rootfs: str = "rootfs"
    readonly_rootfs: bool = False
    mounts: tuple[Mount, ...] = ()
    privileged: bool = False
    capabilities: tuple[str, ...] = ()
    no_new_privileges: bool = False
    proc_mount: ProcMount = ProcMount.DEFAULT
    seccomp: SeccompType = SeccompType.RUNTIME_DEFAULT
    seccomp_profile: str = ""
    apparmor: str = ""
    selinux_label: str = ""
    selinux_mount_label: str = ""
    rlimits: tuple[Rlimit, ...] = ()
    resources: Resources = Resources()
    devices: tuple[Device, ...] = ()
    device_rules: bool = True
    oom_score_adj: int | None = None
    host_pid: bool = False
    cgroup: str
    cgroup_v2: bool
    machine: str = "x86_64"
    annotations: Mapping[str, str] = EMPTY


def render(spec: ContainerSpec) -> dict[str, Any]:
    """Return what config.json holds. Raises Invalid where a Localhost seccomp profile is wrong."""
    config: dict[str, Any] = {
        "ociVersion": "1.0.2",
        "process": _process(spec),
        "root": {"path": spec.rootfs, "readonly": spec.readonly_rootfs},
        "mounts": _mounts(spec),
        "linux": _linux(spec),
    }
    if spec.annotations:
        config["annotations"] = dict(spec.annotations)
    return config


def _process(spec: ContainerSpec) -> dict[str, Any]:
    user: dict[str, Any] = {"uid": spec.uid, "gid": spec.gid}
    if spec.additional_gids:
        user["additionalGids"] = list(spec.additional_gids)
    if spec.umask is not None:
        user["umask"] = spec.umask
    held = list(spec.capabilities)
    process: dict[str, Any] = {
        "terminal": spec.terminal,
        "user": user,
        "args": list(spec.argv),
        "env": list(spec.env),
        "cwd": spec.cwd,
        # As containerd does, for any user: nothing inheritable, nothing ambient. The kernel empties
        # effective and permitted itself when a user other than root executes the program.
        "capabilities": {"bounding": held, "effective": held, "permitted": held},
        "noNewPrivileges": spec.no_new_privileges,
    }
    if spec.rlimits:
        process["rlimits"] = [
            {"type": limit.kind, "soft": limit.soft, "hard": limit.hard} for limit in spec.rlimits
        ]
    if spec.apparmor and not spec.privileged:
        process["apparmorProfile"] = spec.apparmor
    if spec.selinux_label:
        process["selinuxLabel"] = spec.selinux_label
    if spec.oom_score_adj is not None:
        process["oomScoreAdj"] = spec.oom_score_adj
    return process


def _mounts(spec: ContainerSpec) -> list[dict[str, Any]]:
    """Standard mounts, but for those that the spec's own replace, and then the spec's, outer first.

    A mount of the spec on /dev takes the place of all of /dev/..., as in Docker.
    """
    taken = tuple(mount.destination.rstrip("/") for mount in spec.mounts)
    standard = [
        mount
        for mount in _standard_mounts(spec)
        if not any(
            mount.destination == path or mount.destination.startswith(f"{path}/") for path in taken
        )
    ]
    outer_first = sorted(spec.mounts, key=lambda mount: mount.destination.rstrip("/").count("/"))
    return [
        {
            "destination": mount.destination,
            "type": mount.kind,
            "source": mount.source,
            "options": list(mount.options),
        }
        for mount in (*standard, *outer_first)
    ]


def _standard_mounts(spec: ContainerSpec) -> tuple[Mount, ...]:
    access = "rw" if spec.privileged else "ro"
    quiet = ("nosuid", "noexec", "nodev")
    return (
        Mount(destination="/proc", source="proc", kind="proc", options=quiet),
        Mount(
            destination="/dev",
            source="tmpfs",
            kind="tmpfs",
            options=("nosuid", "strictatime", "mode=755", "size=65536k"),
        ),
        Mount(
            destination="/dev/pts",
            source="devpts",
            kind="devpts",
            options=("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        ),
        Mount(destination="/dev/mqueue", source="mqueue", kind="mqueue", options=quiet),
        Mount(destination="/sys", source="sysfs", kind="sysfs", options=(*quiet, access)),
        *((_cgroup_mount(spec, access),) if spec.cgroup else ()),
    )


def _cgroup_mount(spec: ContainerSpec, access: str) -> Mount:
    """What the container sees of its cgroup.

    On v2 a bind of its own directory, which podpy makes before the runtime runs: with the cgroup
    namespace it looks the same from inside as a cgroup2 mount ("/" in mountinfo and in
    /proc/self/cgroup), and a mount of its own costs 8-11 ms.
    """
    options = ("nosuid", "noexec", "nodev", "relatime", access)
    if not spec.cgroup_v2:
        return Mount(destination=CGROUP_ROOT, source="cgroup", kind="cgroup", options=options)
    return Mount(
        destination=CGROUP_ROOT,
        source=f"{CGROUP_ROOT}{spec.cgroup}",
        options=("bind", "rprivate", *options),
    )


def _linux(spec: ContainerSpec) -> dict[str, Any]:
    own_pid = () if spec.host_pid else ("pid",)
    namespaces = [*own_pid, "mount", *(["cgroup"] if spec.cgroup_v2 else [])]
    linux: dict[str, Any] = {"namespaces": [{"type": kind} for kind in namespaces]}
    if spec.cgroup:
        linux |= {"cgroupsPath": spec.cgroup, "resources": _resources(spec)}
    if spec.devices:
        linux["devices"] = [
            {
                "path": device.path,
                "type": device.kind,
                "major": device.major,
                "minor": device.minor,
                "fileMode": device.mode,
                "uid": device.uid,
                "gid": device.gid,
            }
            for device in spec.devices
        ]
    if not spec.privileged and spec.proc_mount is ProcMount.DEFAULT:
        linux["maskedPaths"] = list(MASKED_PATHS)
        linux["readonlyPaths"] = list(READONLY_PATHS)
    # Else the runtime makes every mount private in the container, whatever its options say.
    for propagation in ("rshared", "rslave"):
        if any(propagation in mount.options for mount in spec.mounts):
            linux["rootfsPropagation"] = propagation
            break
    if spec.selinux_mount_label:
        linux["mountLabel"] = spec.selinux_mount_label
    profile = None if spec.privileged else _seccomp(spec)
    if profile:
        linux["seccomp"] = profile
    return linux


def _seccomp(spec: ContainerSpec) -> dict[str, Any] | None:
    match spec.seccomp:
        case SeccompType.UNCONFINED:
            return None
        case SeccompType.RUNTIME_DEFAULT:
            return seccomp.render(spec.capabilities, spec.machine)
        case SeccompType.LOCALHOST:
            return seccomp.translate(spec.seccomp_profile, spec.capabilities, spec.machine)


def _resources(spec: ContainerSpec) -> dict[str, Any]:
    limits = spec.resources
    resources: dict[str, Any] = {"devices": _device_rules(spec)} if spec.device_rules else {}
    cpu: dict[str, Any] = {
        "shares": limits.cpu_shares,
        "cpus": limits.cpus,
        "mems": limits.memory_nodes,
    }
    if limits.cpu_quota is not None:
        cpu |= {"quota": limits.cpu_quota, "period": limits.cpu_period}
    memory = {
        "limit": limits.memory_limit,
        "reservation": limits.memory_reservation,
        "swap": limits.memory_swap,
    }
    for name, group in (("cpu", cpu), ("memory", memory), ("pids", {"limit": limits.pids_limit})):
        given = {key: value for key, value in group.items() if value is not None}
        if given:
            resources[name] = given
    return resources


def _device_rules(spec: ContainerSpec) -> list[dict[str, Any]]:
    """Deny all, then what was asked for; the runtime adds /dev/null and its like by itself.

    CAP_MKNOD is among the default capabilities, so these rules are what keeps a container from
    the host's disks.
    """
    if spec.privileged:
        return [{"allow": True, "access": "rwm"}]
    return [
        {"allow": False, "access": "rwm"},
        *(
            {
                "allow": True,
                "type": device.kind,
                "major": device.major,
                "minor": device.minor,
                "access": device.access,
            }
            for device in spec.devices
        ),
    ]
