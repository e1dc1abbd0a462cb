"""What a pod cannot have where podpy works for an ordinary user: refused before it is made."""

from __future__ import annotations

from manifests import kinds
from manifests.faults import HostFault
from reconciler.targets.host import host_ports
from runtime.rootless import mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.pod import Pod

_AS_ROOT = "run the pod by root's podpy"


def check(pod: Pod) -> None:
    """Raise HostFault for the first thing that this user's podpy cannot give. Nothing for root."""
    if mode.active():
        for what, hint in lacking(pod, mode.first_port()):
            raise HostFault(f"{kinds.ref(pod)}: {what}", hint=hint)


def lacking(pod: Pod, first: int) -> Iterator[tuple[str, str]]:
    """Yield what the pod asks for that takes root, and what to do instead.

    `first` is the lowest port that users may listen on.
    """
    spec = pod.spec
    if spec.host_network:
        yield (
            "hostNetwork: a user's pods have no part in the host's network",
            f"give its ports a hostPort, or {_AS_ROOT}",
        )
    if spec.host_pid:
        yield "hostPID: a user's pods may not see the host's processes", _AS_ROOT
    if spec.host_ipc:
        yield "hostIPC: a user's pods have no part in the host's IPC", _AS_ROOT
    for port in host_ports.claimed(pod):
        name = f"host port {port.port}/{port.protocol}"
        if port.protocol not in ("TCP", "UDP"):
            yield f"{name}: users' ports are TCP or UDP", _AS_ROOT
        elif port.port < first:
            yield (
                f"{name}: users may listen from port {first} on",
                f"choose another, or as root: sysctl net.ipv4.ip_unprivileged_port_start="
                f"{port.port}",
            )
