"""Probe and the ways to ask a container: what startup, liveness and readiness probes are.

The fields are those that podpy honours, with the defaults of Kubernetes. What results come to is
reconciler.health's to decide, one attempt runtime.probing's to make.
"""

from __future__ import annotations

from manifests.strenum import StrEnum
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.container import Container


class Kind(StrEnum):
    """What a probe is for. The value is the word that events and results name it by."""

    STARTUP = "startup"
    LIVENESS = "liveness"
    READINESS = "readiness"


class Scheme(StrEnum):
    HTTP = "HTTP"
    HTTPS = "HTTPS"


class ExecAction(Value):
    command: tuple[str, ...] = ()


class HTTPHeader(Value):
    name: str
    value: str


class HTTPGetAction(Value):
    """`port` is a number or the name of one of the container's; no `host` means the pod itself."""

    port: int | str
    path: str = "/"
    host: str = ""
    scheme: Scheme = Scheme.HTTP
    http_headers: tuple[HTTPHeader, ...] = ()


class TCPSocketAction(Value):
    port: int | str
    host: str = ""


class GRPCAction(Value):
    """A call of grpc.health.v1.Health/Check; `service` is what is asked about, "" all of it."""

    port: int
    service: str = ""


class Probe(Value):
    """Exactly one of the first four is set. Spans are in seconds."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    grpc: GRPCAction | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 1
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None


def of_container(container: Container) -> Iterator[tuple[Kind, Probe]]:
    """Give the probes that a container has, the one that holds the others back first."""
    for kind, probe in (
        (Kind.STARTUP, container.startup_probe),
        (Kind.LIVENESS, container.liveness_probe),
        (Kind.READINESS, container.readiness_probe),
    ):
        if probe is not None:
            yield kind, probe
