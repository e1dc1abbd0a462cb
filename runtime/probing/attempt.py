"""Make one attempt of one probe: who is asked and how in, good or not and in what words out.

`make` is called in a thread of its own by reconciler.health.prober, `ask` for a container's
lifecycle handlers. Both block for the seconds that they are given at most.
"""

from __future__ import annotations

from manifests.faults import Fault, HostFault
from manifests.value import Value
from runtime.kernel import namespaces
from runtime.probing import sockets
from runtime.probing.sockets import Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from manifests.container import Container, Handler
    from manifests.probes import ExecAction, HTTPGetAction, Probe, TCPSocketAction
    from runtime.oci.container import Container as OciContainer
    from runtime.probing.http import Answer

_MOST_WORDS = 1024


class Target(Value):
    """Who is asked. `address` is the pod's own; `where` its container's bundle."""

    pod_dir: str
    address: str
    container: Container
    where: OciContainer


class Found(Value):
    """What came of an attempt; a failure's message is worded as the kubelet's."""

    ok: bool
    message: str = ""


class Abandoned(Fault):
    """Nobody wants the answer any more."""


def make(target: Target, probe: Probe, seconds: float, given_up: Callable[[], bool]) -> Found:
    """Ask once. Raises Fault where it cannot even be asked, which tells nothing of the container,
    and Abandoned soon after `given_up` says so."""
    try:
        if probe.exec is not None:
            return _execute(target, probe.exec, seconds, given_up)
        if probe.http_get is not None:
            status = _get(target, probe.http_get, seconds).status
            if not 200 <= status < 400:
                return Found(ok=False, message=f"HTTP probe failed with statuscode: {status}")
        elif probe.tcp_socket is not None:
            _connect(target, probe.tcp_socket, seconds)
        elif probe.grpc is not None:
            from runtime.probing import grpc

            asked = probe.grpc
            said = grpc.check(target.pod_dir, target.address, asked.port, asked.service, seconds)
            return Found(ok=not said, message=said)
        return Found(ok=True)
    except Unanswered as fault:
        return Found(ok=False, message=fault.message)


def ask(target: Target, handler: Handler, seconds: float) -> None:
    """Do a handler's httpGet or tcpSocket. Raises HostFault where there is no answer; any will do,
    as for the kubelet."""
    try:
        if handler.http_get is not None:
            _get(target, handler.http_get, seconds)
        if handler.tcp_socket is not None:
            _connect(target, handler.tcp_socket, seconds)
    except Unanswered as fault:
        raise HostFault(fault.message) from fault


def _connect(target: Target, asked: TCPSocketAction, seconds: float) -> None:
    port = _number(target.container, asked.port)
    deadline = sockets.until(seconds)
    sockets.connect(target.pod_dir, asked.host or target.address, port, deadline).close()


def _get(target: Target, asked: HTTPGetAction, seconds: float) -> Answer:
    from runtime.probing import http

    port = _number(target.container, asked.port)
    return http.get(target.pod_dir, asked, asked.host or target.address, port, seconds)


def _number(container: Container, port: int | str) -> int:
    if isinstance(port, int):
        return port
    for one in container.ports:
        if one.name == port:
            return one.container_port
    raise Unanswered(f"couldn't find port: {port}")


def _execute(
    target: Target, asked: ExecAction, seconds: float, given_up: Callable[[], bool]
) -> Found:
    from runtime.oci import exec as oci_exec

    wanted = oci_exec.Command(argv=asked.command)
    with namespaces.enter(target.pod_dir) as inside:
        answer = inside.call(
            oci_exec.answer_of, target.where, wanted, timeout=seconds, given_up=given_up
        )
    if answer.status is None:
        if given_up():
            raise Abandoned(f"container {target.container.name}: given up")
        words = " ".join(asked.command)
        return Found(ok=False, message=f'command timed out: "{words}" timed out after {seconds:g}s')
    output = answer.output.decode(errors="replace").strip()[:_MOST_WORDS]
    if answer.status:
        return Found(ok=False, message=output or f"exit code {answer.status}, without a word")
    return Found(ok=True, message=output)
