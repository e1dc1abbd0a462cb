"""Read what a pod asks of its units by annotations, and give it what that needs. Pure.

podpy.dev/socket: app, log       systemd listens at the host ports of these containers, and
                                 starts each with the first connection
podpy.dev/watchdog: app=30s      systemd restarts a container that does not say WATCHDOG=1 so
                                 often (sd_watchdog_enabled(3))
"""

from __future__ import annotations

from manifests import durations, settings
from manifests.container import EnvVar, VolumeMount
from manifests.faults import Invalid
from manifests.value import EMPTY, Value
from manifests.volumes import HostPath, HostPathType, Volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.container import Container
    from manifests.pod import Pod

NOTIFY_SOCKET = "/run/systemd/notify"
"""Where systemd, as the system's manager, hears of its services."""
NOTIFY_VOLUME = "podpy-notify"


class Wishes(Value):
    """`sockets` are containers that wait for connections, `watchdogs` microseconds by container."""

    sockets: frozenset[str] = frozenset()
    watchdogs: Mapping[str, int] = EMPTY


NOTHING = Wishes()


def read(pod: Pod) -> Wishes:
    """Return what the pod's annotations ask for. Raises Invalid for what cannot be meant."""
    given = pod.metadata.annotations
    sockets = frozenset(_listed(given.get(settings.SOCKET, "")))
    pairs = [text.partition("=") for text in _listed(given.get(settings.WATCHDOG, ""))]
    watchdogs = {
        name.strip(): int(durations.duration(span.strip()) * 1_000_000) for name, _, span in pairs
    }
    for key, names in ((settings.SOCKET, sockets), (settings.WATCHDOG, watchdogs)):
        for name in sorted(names):
            _check(pod, key, name)
    return Wishes(sockets=sockets, watchdogs=watchdogs)


def _check(pod: Pod, key: str, name: str) -> None:
    where = f"Pod/{pod.metadata.namespace}/{pod.metadata.name}: {key}"
    container = next((one for one in pod.spec.containers if one.name == name), None)
    if container is None:
        raise Invalid(f'{where}: the pod has no container "{name}"')
    if key == settings.WATCHDOG:
        return
    if not any(port.host_port for port in container.ports):
        raise Invalid(f"{where}: container {name} has no hostPort to listen at")
    if pod.spec.host_pid:
        raise Invalid(f"{where}: sockets are passed to the process 1 of a container, not of a host")


def heeded(pod: Pod) -> Pod:
    """Return the pod as its units run it: with what systemd does for it left to systemd."""
    wishes = read(pod)
    spec = pod.spec.replace(containers=tuple(_fitted(one, wishes) for one in pod.spec.containers))
    if wishes.watchdogs:
        there = HostPath(path=NOTIFY_SOCKET, type=HostPathType.SOCKET)
        volume = Volume(name=NOTIFY_VOLUME, host_path=there)
        spec = spec.replace(volumes=(*spec.volumes, volume))
    given = pod.metadata.annotations
    kept = {key: value for key, value in given.items() if key not in settings.OF_UNITS}
    return pod.replace(metadata=pod.metadata.replace(annotations=kept), spec=spec)


def _fitted(container: Container, wishes: Wishes) -> Container:
    if container.name in wishes.sockets:
        # Else podpy's rules would take the connections before systemd sees them.
        ports = tuple(port.replace(host_port=0, host_ip="") for port in container.ports)
        names = [container.name for port in container.ports if port.host_port]
        # The OCI runtime passes the sockets on, and not all of what a process is to know of them.
        told = (
            EnvVar(name="LISTEN_PID", value="1"),
            EnvVar(name="LISTEN_FDS", value=str(len(names))),
            EnvVar(name="LISTEN_FDNAMES", value=":".join(names)),
        )
        container = container.replace(ports=ports, env=(*container.env, *told))
    span = wishes.watchdogs.get(container.name)
    if span is None:
        return container
    mount = VolumeMount(name=NOTIFY_VOLUME, mount_path=NOTIFY_SOCKET)
    env = (
        EnvVar(name="NOTIFY_SOCKET", value=NOTIFY_SOCKET),
        EnvVar(name="WATCHDOG_USEC", value=str(span)),
    )
    return container.replace(
        env=(*container.env, *env), volume_mounts=(*container.volume_mounts, mount)
    )


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
