"""Orders to a running qemu: a monitor command in, nothing out, MonitorFault when it says no.

The machine protocol (QMP) is used for one thing alone, to hand on commands of the human monitor:
`savevm NAME` keeps memory and disk as they are now.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

PATIENCE = 300.0  # seconds; a snapshot writes the guest's memory to a disk that others use, too


class MonitorFault(Exception):
    """What qemu answered to a command that it has not carried out."""


class Monitor:
    """The other end of qemu's socket; it greets, and wants to be greeted, before it obeys."""

    def __init__(self, connected: socket.socket) -> None:
        connected.settimeout(PATIENCE)
        self._socket = connected
        self._stream = connected.makefile("rwb")
        self._stream.readline()
        self._ask("qmp_capabilities")

    def obey(self, command: str) -> None:
        """Carry out a command of the human monitor; those used here print only complaints."""
        said = self._ask("human-monitor-command", **{"command-line": command})
        if said.strip():
            raise MonitorFault(f"{command}: {said.strip()}")

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _ask(self, name: str, **arguments: Any) -> str:
        question = {"execute": name, "arguments": arguments}
        self._stream.write(json.dumps(question).encode() + b"\n")
        self._stream.flush()
        while line := self._stream.readline():
            answer = json.loads(line)
            if "error" in answer:
                raise MonitorFault(f"{name}: {answer['error']['desc']}")
            if "return" in answer:  # events come in between
                return str(answer["return"] or "")
        raise MonitorFault(f"{name}: qemu has closed its monitor")
