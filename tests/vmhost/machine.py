"""A throw-away Debian 13 host under qemu: commands in, status and output out.

    with Machine.running(image.build()) as machine:
        machine.sh("systemctl is-system-running --wait")

Emulated (TCG): no figure from it is a performance figure, and every deadline must be generous.
Without any network to the outside. Its disk is an overlay that goes away with it.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import shutil
import socket
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MEMORY = 1536  # MiB
BOOT = 180.0  # seconds
KERNEL_WORDS = (
    "console=ttyS0 panic=-1 quiet mitigations=off no_timer_check tsc=reliable net.ifnames=0"
)


class Done(NamedTuple):
    """How a command inside ended."""

    status: int
    stdout: str
    stderr: str


class Machine:
    """One virtual machine; `folder` holds its disk, sockets and console."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.image, self.folder = image, folder
        self._qemu: subprocess.Popen[bytes] | None = None
        self._port: socket.socket | None = None
        self._asked = 0
        self._unread = b""

    @classmethod
    @contextlib.contextmanager
    def running(cls, image: Path) -> Iterator[Machine]:
        """Give a freshly booted machine that is gone, disk and all, at the end of the block."""
        folder = Path(tempfile.mkdtemp(prefix="vmhost-"))
        machine = cls(image, folder)
        try:
            machine.start()
            yield machine
        finally:
            machine.power_cut()
            shutil.rmtree(folder, ignore_errors=True)

    def start(self) -> None:
        """Switch it on; returns when commands can be run. After power_cut the disk is the same."""
        disk = self.folder / "disk.qcow2"
        if not disk.exists():
            base = str(self.image / "disk.img")
            create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base]
            subprocess.run([*create, str(disk)], check=True, timeout=60)
        (self.folder / "port").unlink(missing_ok=True)
        self._qemu = subprocess.Popen(self._words(disk), stdin=subprocess.DEVNULL)
        self._port = self._connected()
        self._unread = b""
        self.run("true", timeout=BOOT)

    def _words(self, disk: Path) -> list[str]:
        return [
            "nice", "-n", "19", "qemu-system-x86_64", "-M", "q35",
            "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max,-svm", "-smp", "2",
            "-m", str(MEMORY), "-nodefaults", "-no-user-config", "-display", "none",
            "-serial", f"file:{self.folder}/console",
            "-kernel", str(self.image / "vmlinux"), "-initrd", str(self.image / "initrd.cpio"),
            "-append", KERNEL_WORDS,
            "-drive", f"if=none,id=disk,file={disk},format=qcow2,cache=writeback,discard=unmap",
            "-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci",
            "-device", "virtio-serial-pci",
            "-chardev", f"socket,id=port,path={self.folder}/port,server=on,wait=off",
            "-device", "virtserialport,chardev=port,name=podpy",
        ]  # fmt: skip

    def _connected(self) -> socket.socket:
        until = time.monotonic() + 30
        while True:
            port = socket.socket(socket.AF_UNIX)
            try:
                port.connect(f"{self.folder}/port")
            except OSError:
                port.close()
                self._must_run()
                assert time.monotonic() < until, "qemu does not open its port"
                time.sleep(0.05)
            else:
                return port

    def _must_run(self) -> None:
        assert self._qemu is not None
        assert self._qemu.poll() is None, f"qemu ended: {self.console()[-2000:]}"

    def console(self) -> str:
        """Return what the machine wrote to its console so far."""
        path = self.folder / "console"
        return path.read_text(errors="replace") if path.exists() else ""

    def run(self, *argv: str, stdin: bytes = b"", timeout: float = 300.0) -> Done:
        """Run `argv` inside, as root, whatever its status."""
        assert self._port is not None
        self._asked += 1
        question = {
            "id": self._asked,
            "argv": argv,
            "stdin": base64.b64encode(stdin).decode(),
            "timeout": timeout,
        }
        self._port.sendall(b"\n" + json.dumps(question).encode() + b"\n")
        return self._answer(self._asked, time.monotonic() + timeout + 30)

    def _answer(self, asked: int, until: float) -> Done:
        assert self._port is not None
        self._port.settimeout(1.0)
        while True:
            *lines, self._unread = self._unread.split(b"\n")
            for line in lines:
                # A line may be cut off by a reset of the machine.
                with contextlib.suppress(ValueError):
                    reply = json.loads(line)
                    if reply["id"] == asked:
                        out, err = (base64.b64decode(reply[k]) for k in ("stdout", "stderr"))
                        return Done(
                            reply["status"],
                            out.decode(errors="replace"),
                            err.decode(errors="replace"),
                        )
            with contextlib.suppress(TimeoutError):
                self._unread += self._port.recv(1 << 20)
            self._must_run()
            assert time.monotonic() < until, f"no answer from inside: {self.console()[-2000:]}"

    def sh(self, script: str, timeout: float = 300.0) -> str:
        """Run a shell script inside, fail unless it succeeds, and return what it printed."""
        done = self.run("sh", "-ec", script, timeout=timeout)
        assert done.status == 0, f"{script}: status {done.status}\n{done.stdout}{done.stderr}"
        return done.stdout

    def put(self, sources: Sequence[Path], target: str) -> None:
        """Copy files and folders into the folder `target` inside, without compiled Python."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
            for source in sources:
                tar.add(source, source.name, filter=_wanted)
        done = self.run(
            "sh", "-ec", f"mkdir -p {target}; tar xzf - -C {target}", stdin=packed.getvalue()
        )
        assert done.status == 0, done.stderr

    def power_cut(self) -> None:
        """End it at once: what the guest had not written to its disk is lost."""
        if self._port is not None:
            self._port.close()
            self._port = None
        if self._qemu is not None:
            self._qemu.kill()
            self._qemu.wait(30)
            self._qemu = None


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in member.name else member
