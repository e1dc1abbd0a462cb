"""A throw-away Debian 13 host under qemu: commands in, status and output out.

    with image.built() as files, Machine.running(files) as machine:
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
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.vmhost.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MEMORY = 1536  # MiB
BOOT = 400.0  # seconds; it takes 15 where nothing else runs
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
        self._monitor: Monitor | None = None
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

    def start(self, saved: str = "") -> None:
        """Switch it on; returns when commands can be run. After power_cut the disk is the same.

        With `saved` it does not boot, but goes on from there (see `save`).
        """
        disk = self.folder / "disk.qcow2"
        if not disk.exists():
            base = str(self.image / "disk.img")
            create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base]
            subprocess.run([*create, str(disk)], check=True, timeout=60)
        for name in ("port", "monitor"):
            (self.folder / name).unlink(missing_ok=True)
        words = [*self._words(disk), *(["-loadvm", saved] if saved else [])]
        self._qemu = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        self._port = self._connected("port")
        self._monitor = Monitor(self._connected("monitor"))
        self._unread = b""
        self.run("true", timeout=BOOT)

    def _words(self, disk: Path) -> list[str]:
        return [
            "qemu-system-x86_64", "-M", "q35",
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
            "-qmp", f"unix:{self.folder}/monitor,server=on,wait=off",
        ]  # fmt: skip

    def _connected(self, name: str) -> socket.socket:
        until = time.monotonic() + 30
        while True:
            port = socket.socket(socket.AF_UNIX)
            try:
                port.connect(f"{self.folder}/{name}")
            except OSError:
                port.close()
                self._must_run()
                assert time.monotonic() < until, f"qemu does not open its {name}"
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
        self._ask(argv, stdin, timeout)
        reply = self._reply(self._asked, time.monotonic() + timeout + 30)
        assert reply is not None, f"no answer from inside: {self.console()[-2000:]}"
        return reply

    def _ask(self, argv: Sequence[str], stdin: bytes, timeout: float) -> None:
        assert self._port is not None
        self._asked += 1
        question = {
            "id": self._asked,
            "argv": argv,
            "stdin": base64.b64encode(stdin).decode(),
            "timeout": timeout,
        }
        self._port.settimeout(None)
        self._port.sendall(b"\n" + json.dumps(question).encode() + b"\n")

    def _reply(self, asked: int, until: float) -> Done | None:
        """Return the answer to the question `asked`, None where there is none before `until`."""
        assert self._port is not None
        self._port.settimeout(1.0)
        while time.monotonic() < until:
            *lines, self._unread = self._unread.split(b"\n")
            for line in lines:
                # A line may be cut off by a reset of the machine.
                with contextlib.suppress(ValueError):
                    reply = json.loads(line)
                    if reply["id"] == asked:
                        return _done(reply)
            with contextlib.suppress(TimeoutError):
                self._unread += self._port.recv(1 << 20)
            self._must_run()
        return None

    def sh(self, script: str, timeout: float = 300.0) -> str:
        """Run a shell script inside, fail unless it succeeds, and return what it printed."""
        done = self.run("sh", "-ec", script, timeout=timeout)
        assert done.status == 0, f"{script}: status {done.status}\n{done.stdout}{done.stderr}"
        return done.stdout

    def until(self, condition: str, timeout: float = 300.0) -> None:
        """Wait inside until a shell command succeeds."""
        self.sh(f"until {condition} >/dev/null 2>&1; do sleep 0.3; done", timeout=timeout)

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

    def write(self, path: str, text: str) -> None:
        """Make the file `path` inside."""
        done = self.run(
            "sh", "-ec", 'mkdir -p "${1%/*}"; cat >"$1"', "-", path, stdin=text.encode()
        )
        assert done.status == 0, done.stderr

    def save(self, name: str) -> None:
        """Keep memory and disk as they are now."""
        assert self._monitor is not None
        self._monitor.obey(f"savevm {name}")

    def back_to(self, name: str) -> None:
        """Make memory and disk what they were when `save` was called, the clock inside, too.

        By another qemu: in one that runs on, loadvm does not turn back the processor's time stamp
        counter, and for the guest minutes have passed at once.
        """
        self.power_cut()
        self.start(saved=name)

    def reboot(self) -> None:
        """Have systemd reboot it in good order; returns when the next boot takes commands."""
        before = self._boot()
        self._ask(("systemctl", "--no-block", "reboot"), b"", BOOT)
        until = time.monotonic() + BOOT
        # What is asked of a system that goes down may stay without an answer: so it is asked anew.
        while self._boot(patience=5.0) in ("", before):
            assert time.monotonic() < until, f"no other boot: {self.console()[-2000:]}"

    def _boot(self, *, patience: float = 60.0) -> str:
        """Return the number of this boot; "" where nobody answers within `patience` seconds."""
        self._ask(("cat", "/proc/sys/kernel/random/boot_id"), b"", patience)
        reply = self._reply(self._asked, time.monotonic() + patience)
        return "" if reply is None else reply.stdout

    def power_cut(self) -> None:
        """End it at once: what the guest had not written to its disk is lost."""
        if self._monitor is not None:
            self._monitor.close()
            self._monitor = None
        if self._port is not None:
            self._port.close()
            self._port = None
        if self._qemu is not None:
            self._qemu.kill()
            self._qemu.wait(30)
            self._qemu = None


def _done(reply: dict[str, Any]) -> Done:
    out, err = (
        base64.b64decode(reply[name]).decode(errors="replace") for name in ("stdout", "stderr")
    )
    return Done(reply["status"], out, err)


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in member.name else member
