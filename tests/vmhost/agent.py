"""Runs inside the virtual machine: commands in by a virtio-serial port, status and output out.

One JSON object a line each way; bytes are base64. Started by systemd (agent.service); uses the
standard library only, since nothing else is there. The other end is tests.vmhost.machine.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from typing import Any

PORT = "/dev/virtio-ports/podpy"


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Run the command asked for; 124 is a passed deadline, 127 a command that is not there."""
    try:
        done = subprocess.run(
            question["argv"],
            input=base64.b64decode(question["stdin"]),
            capture_output=True,
            timeout=question["timeout"],
            check=False,
        )
        status, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as error:
        status, out, err = 124, error.stdout or b"", error.stderr or b""
    except OSError as error:
        status, out, err = 127, b"", str(error).encode()
    return {
        "id": question["id"],
        "status": status,
        "stdout": base64.b64encode(out).decode(),
        "stderr": base64.b64encode(err).decode(),
    }


def main() -> None:
    port = os.open(PORT, os.O_RDWR)
    pending = b""
    while True:
        *lines, pending = (pending + os.read(port, 1 << 16)).split(b"\n")
        for line in lines:
            if not line.strip():
                continue
            reply = json.dumps(answer(json.loads(line))).encode() + b"\n"
            while reply:
                reply = reply[os.write(port, reply) :]


if __name__ == "__main__":
    main()
