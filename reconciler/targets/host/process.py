"""Decide what a container's process is: its words, its user, its rights and its limits. Pure.

Tables and formulas are Kubernetes' and the kubelet's. Where the container's securityContext says
nothing the pod's holds. The image's user name is looked up in the image by the caller:
`user_to_resolve` says which name, `identity` judges what was found.
"""

from __future__ import annotations

from manifests import expansion, podman_limits
from manifests.container import ContainerRestart, SeccompProfile, SeccompType
from manifests.pod import GroupsPolicy
from manifests.strenum import StrEnum
from manifests.value import Value
from reconciler.targets.host import blocked
from renderers import oci_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from manifests.container import Container, Resources, SecurityContext
    from manifests.pod import PodSecurityContext, PodSpec
    from manifests.quantity import Quantity

_SHARES_PER_CPU = 1024
_SHARES = (2, 262_144)
_PERIOD = 100_000
_MIN_QUOTA = 1000
_MAX_QUOTA = (1 << 44) - 1
"""The largest that the kernel takes, MAX_BW of kernel/sched/sched.h, in microseconds."""
_MAX_BYTES = (1 << 63) - 1

_GUARANTEED_ADJUSTMENT = -997
_BEST_EFFORT_ADJUSTMENT = 1000


class QoS(StrEnum):
    """Kubernetes' quality of service classes: who is killed first when memory runs out."""

    GUARANTEED = "Guaranteed"
    BURSTABLE = "Burstable"
    BEST_EFFORT = "BestEffort"


class Identity(Value):
    """Whom a process runs as; `groups` are the supplementary ones."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()


def argv(
    container: Container,
    entrypoint: Sequence[str],
    cmd: Sequence[str],
    variables: Mapping[str, str],
    *,
    label: str,
) -> tuple[str, ...]:
    """Return the words to execute: command replaces both of the image's, args only its Cmd.

    `$(NAME)` stands for one of `variables`, those that the manifest declares. Raises
    blocked.Blocked, naming `label`, when neither manifest nor image says what to run.
    """
    command = [expansion.expand(word, variables) for word in container.command]
    args = [expansion.expand(word, variables) for word in container.args]
    if not command:
        command = list(entrypoint)
        args = args or list(cmd)
    words = (*command, *args)
    if not words:
        raise blocked.Blocked(
            f"{label}: no command: neither the manifest nor the image says what to run",
            reason=blocked.CONFIG,
            hint="set command, or give the image an ENTRYPOINT or CMD",
        )
    return words


def working_dir(container: Container, image: str) -> str:
    """Return the directory that the process starts in; the runtime makes it where it is missing."""
    return container.working_dir or image or "/"


def user_to_resolve(spec: PodSpec, container: Container, image_user: str) -> str:
    """Return what is to be looked up in the image's passwd and group files: USER or USER:GROUP."""
    uid = _first(container.security_context.run_as_user, spec.security_context.run_as_user)
    return image_user or "0" if uid is None else str(uid)


def identity(spec: PodSpec, container: Container, resolved: Identity, *, label: str) -> Identity:
    """Return whom the process runs as; `resolved` is what `user_to_resolve` came to in the image.

    Raises blocked.Blocked where runAsNonRoot forbids it. The kubelet refuses every image user that
    is a name, because it cannot look the name up. podpy has looked it up and executes the number,
    so a name that is not root's passes.
    """
    own, pods = container.security_context, spec.security_context
    if _first(own.run_as_non_root, pods.run_as_non_root) and resolved.uid == 0:
        asked = _first(own.run_as_user, pods.run_as_user) is not None
        raise blocked.Blocked(
            f"{label}: container's runAsUser breaks non-root policy"
            if asked
            else f"{label}: container has runAsNonRoot and image will run as root",
            reason=blocked.CONFIG,
            hint="set securityContext.runAsUser to a number other than 0",
        )
    group = _first(own.run_as_group, pods.run_as_group)
    gid = resolved.gid if group is None else group
    extra = () if pods.fs_group is None else (pods.fs_group,)
    strict = pods.supplemental_groups_policy is GroupsPolicy.STRICT
    images = () if strict else resolved.groups
    groups = dict.fromkeys((gid, *images, *pods.supplemental_groups, *extra))
    return Identity(uid=resolved.uid, gid=gid, groups=tuple(groups))


def no_new_privileges(context: SecurityContext) -> bool:
    """Say whether setuid programs must give nothing: only where it is asked for, as in Kubernetes.

    A privileged container and one that adds SYS_ADMIN have it all already; the API server refuses
    the combination.
    """
    return context.allow_privilege_escalation is False


def seccomp_profile(own: SecurityContext, pods: PodSecurityContext) -> SeccompProfile:
    """Return the profile in force. Without one it is RuntimeDefault, as under Podman."""
    if own.privileged:
        return SeccompProfile(type=SeccompType.UNCONFINED)
    return (
        own.seccomp_profile
        or pods.seccomp_profile
        or SeccompProfile(type=SeccompType.RUNTIME_DEFAULT)
    )


def rlimits(extra: podman_limits.Limits) -> tuple[oci_config.Rlimit, ...]:
    """Return the limits of setrlimit(2) that Podman's annotation asks for."""
    return tuple(
        oci_config.Rlimit(kind=f"RLIMIT_{limit.name.upper()}", soft=limit.soft, hard=limit.hard)
        for limit in extra.ulimits
    )


def limits(
    resources: Resources,
    extra: podman_limits.Limits = podman_limits.NOTHING,
    *,
    swap_limits: bool,
) -> oci_config.Resources:
    """Return the cgroup settings for requests and limits, by the kubelet's conversions.

    `extra` is what Podman's annotations ask for.
    `swap_limits`: this host can limit swap; then a container with a memory limit gets none.
    """
    cpu_limit = _amount(resources.limits, "cpu")
    cpu_request = _amount(resources.requests, "cpu")
    memory = _amount(resources.limits, "memory")
    cpu = cpu_limit if cpu_request is None else cpu_request
    bytes_limit = min(memory.whole(), _MAX_BYTES) or None if memory is not None else None
    return oci_config.Resources(
        cpu_shares=shares(cpu.milli() if cpu is not None else 0),
        cpu_quota=quota(cpu_limit.milli()) if cpu_limit is not None else None,
        cpu_period=_PERIOD,
        memory_limit=bytes_limit,
        memory_swap=bytes_limit if swap_limits else None,
        pids_limit=extra.pids,
        cpus=extra.cpus or None,
        memory_nodes=extra.nodes or None,
    )


def shares(milli_cpus: int) -> int:
    """Return cgroup v1's cpu.shares for a cpu request in thousandths of a core."""
    return min(max(milli_cpus * _SHARES_PER_CPU // 1000, _SHARES[0]), _SHARES[1])


def quota(milli_cpus: int) -> int | None:
    """Return the microseconds of each period for a cpu limit; None, no limit, for 0 and for more
    than the kernel can count."""
    wanted = max(milli_cpus * _PERIOD // 1000, _MIN_QUOTA)
    return wanted if milli_cpus and wanted <= _MAX_QUOTA else None


def qos(spec: PodSpec) -> QoS:
    """Return the pod's class: Guaranteed when cpu and memory of every container are fixed."""
    containers = (*spec.init_containers, *spec.containers)
    given = [
        amount.milli()
        for container in containers
        for amounts in (container.resources.limits, container.resources.requests)
        for name, amount in amounts.items()
        if name in ("cpu", "memory")
    ]
    if not any(given):
        return QoS.BEST_EFFORT
    if all(_is_fixed(container.resources) for container in containers):
        return QoS.GUARANTEED
    return QoS.BURSTABLE


def oom_score_adj(spec: PodSpec, container: Container, memory: int) -> int:
    """Return the kubelet's adjustment; `memory` is the host's, in bytes.

    A sidecar is at least as safe as the safest-to-kill of the containers that it serves. Whether
    podpy may set it is not asked here.
    """
    match qos(spec):
        case QoS.GUARANTEED:
            return _GUARANTEED_ADJUSTMENT
        case QoS.BEST_EFFORT:
            return _BEST_EFFORT_ADJUSTMENT
        case QoS.BURSTABLE:
            pass
    adjustment = 1000 - 1000 * _memory_request(container) // memory
    if container.restart_policy is ContainerRestart.ALWAYS:
        least = min(_memory_request(regular) for regular in spec.containers)
        adjustment = min(adjustment, 1000 - 1000 * least // memory)
    # Never as safe as a Guaranteed pod, never as exposed as a BestEffort one.
    return min(max(adjustment, 1000 + _GUARANTEED_ADJUSTMENT), _BEST_EFFORT_ADJUSTMENT - 1)


def memory_limit(spec: PodSpec) -> int | None:
    """Return the memory that all of the pod's containers may take together; None: no limit."""
    total = 0
    for container in spec.containers:
        amount = _amount(container.resources.limits, "memory")
        if amount is None:
            return None
        total += amount.whole()
    return total or None


def _is_fixed(resources: Resources) -> bool:
    for name in ("cpu", "memory"):
        limit = _amount(resources.limits, name)
        request = _amount(resources.requests, name)
        if limit is None or not limit.milli():
            return False
        if request is not None and request.milli() != limit.milli():
            return False
    return True


def _memory_request(container: Container) -> int:
    """A request that is not set is the limit if that is, as the API server fills it in."""
    resources = container.resources
    amount = _amount(resources.requests, "memory") or _amount(resources.limits, "memory")
    return amount.whole() if amount is not None else 0


def _amount(amounts: Mapping[str, Quantity], name: str) -> Quantity | None:
    return amounts.get(name)


def _first(own: int | None, pods: int | None) -> int | None:
    return pods if own is None else own
