"""The way out of a user's network namespace, and the ports of the host that lead into it.

slirp4netns(1) is a process in the host's network that sends and receives for the namespace. Ports
are its API's: JSON by a socket, one request a connection.
"""

from __future__ import annotations

import os

from manifests.faults import HostFault
from manifests.value import Value
from runtime import proc
from runtime.rootless import pipes, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runtime.paths import Paths

LINK = "tap0"
GUEST, NAME_SERVER = "10.0.2.100", "10.0.2.3"
"""slirp4netns' own choice of addresses for the namespace and for the name server in it."""
MTU = 65520
_START_SECONDS = 30.0
_API_SECONDS = 10.0


class Forward(Value):
    """A port of the host's that leads to the same one of the namespace."""

    protocol: str
    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}/{self.protocol}"


def start(paths: Paths, holder: int, exit_end: int) -> int:
    """Start it for the namespaces of process `holder`; return its pid when it is ready.

    It ends when nobody holds the other end of `exit_end`. Raises HostFault with its own words.
    """
    tool = proc.find("slirp4netns")
    if tool is None:
        raise HostFault(
            "slirp4netns: is not installed (the way out of a user's network)",
            hint="install the package slirp4netns",
        )
    socket = record.api(paths)
    if os.path.exists(socket):
        os.unlink(socket)
    log = f"{paths.user_dir}/slirp4netns.log"
    ready, ready_end = os.pipe2(os.O_CLOEXEC)
    try:
        with open(log, "wb") as said:
            child = proc.start(
                [*_words(tool, socket, ready_end, exit_end), str(holder), LINK],
                stdout=said.fileno(),
                stderr=said.fileno(),
                pass_fds=(ready_end, exit_end),
                new_session=True,
            )
        os.close(ready_end)
        ready_end = -1
        if pipes.read(ready, 1, _START_SECONDS, "slirp4netns") != b"1":
            raise HostFault(f"slirp4netns ended at once: {_last_words(log)}", hint=_hint(log))
    finally:
        os.close(ready)
        if ready_end >= 0:
            os.close(ready_end)
    return child.pid


def _words(tool: str, socket: str, ready: int, exit_end: int) -> list[str]:
    return [
        tool,
        "--configure",
        f"--mtu={MTU}",
        # Else pods would reach what listens on the host's loopback alone.
        "--disable-host-loopback",
        "--enable-seccomp",
        f"--api-socket={socket}",
        f"--ready-fd={ready}",
        f"--exit-fd={exit_end}",
    ]


def _last_words(log: str) -> str:
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    return "; ".join(lines[-3:]) or f"see {log}"


def _hint(log: str) -> str:
    if "/dev/net/tun" in _last_words(log):
        return "let users open the device: chmod 666 /dev/net/tun, as udev's rules have it"
    return "podpy doctor"


def forwards(paths: Paths) -> dict[Forward, int]:
    """Return the ports that lead into the namespace, and slirp4netns' number of each."""
    answer = _ask(paths, "list_hostfwd", {})
    return {
        Forward(
            protocol=entry["proto"].upper(), address=entry["host_addr"], port=entry["host_port"]
        ): entry["id"]
        for entry in answer.get("entries", ())
    }


def add(paths: Paths, wanted: Forward) -> None:
    """Have a port of the host's lead into the namespace. HostFault where it is taken."""
    arguments = {
        "proto": wanted.protocol.lower(),
        "host_addr": wanted.address,
        "host_port": wanted.port,
        "guest_addr": GUEST,
        "guest_port": wanted.port,
    }
    try:
        _ask(paths, "add_hostfwd", arguments)
    except HostFault as fault:
        raise HostFault(
            f"host port {wanted} cannot be opened: {fault.message}",
            hint=f"see what holds it: ss -ltunp sport = :{wanted.port}",
        ) from fault


def remove(paths: Paths, number: int) -> None:
    """Let a port lead nowhere any more."""
    _ask(paths, "remove_hostfwd", {"id": number})


def _ask(paths: Paths, execute: str, arguments: dict[str, Any]) -> dict[str, Any]:
    import json
    import socket

    request = json.dumps({"execute": execute, "arguments": arguments}).encode()
    answer = b""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as opened:
            opened.settimeout(_API_SECONDS)
            opened.connect(record.api(paths))
            opened.sendall(request)
            opened.shutdown(socket.SHUT_WR)
            while part := opened.recv(65536):
                answer += part
        told = json.loads(answer)
    except (OSError, ValueError) as error:
        raise HostFault(f"slirp4netns does not answer: {error}") from error
    if "error" in told:
        raise HostFault(f"slirp4netns: {told['error'].get('desc', told['error'])}")
    # list_hostfwd answers without the word that its manual shows around.
    returned: dict[str, Any] = told.get("return", told)
    return returned
