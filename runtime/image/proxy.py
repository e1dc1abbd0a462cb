"""Stream an image's blobs from its registry through one skopeo: digests in, sources of bytes out.

Called by runtime.image.fetch. `skopeo experimental-image-proxy` (skopeo 1.4 and later) speaks JSON
over a socket that keeps messages apart and hands over one pipe a blob:

    {"method": "GetBlob", "args": [image, digest, size]}
    -> {"success": true, "value": size, "pipeid": 7, "error": ""}

So a blob is unpacked while it comes and never lies on the disk packed, and skopeo still does what
it knows: log-ins, certificates, mirrors, proxies. It serves one blob at a time here: the pipe is
closed, and a failure told, only in answer to FinishPipe, and no other request is answered before.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import sys
import time

from manifests.faults import Invalid, Retry, TimedOut
from runtime import interrupts, proc
from runtime.image.blob import Source
from runtime.image.skopeo import silent, worded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from runtime.image.skopeo import Command

LARGEST_REPLY = 1 << 16
PIPE_BYTES = 1 << 20
BLOB_SECONDS = 3600.0
"""How long one blob may take, however steadily it drips."""

_F_SETPIPE_SZ = 1031
_INT_BYTES = 4


class Proxy:
    """One running skopeo; `close` it. `about` is what messages call the image.

    Not for two threads at once, but for `cancel`. The thread that starts it must outlive it: the
    kernel ends skopeo with that thread.
    """

    def __init__(self, command: Command, about: str) -> None:
        self._about = about
        self._images: dict[str, Any] = {}
        self._complaints = os.memfd_create("skopeo", os.MFD_CLOEXEC)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.patience = command.options.patience
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        try:
            self._child = proc.start(
                command.argv, stdin=theirs.fileno(), stderr=self._complaints, pass_fds=command.keep
            )
        except BaseException:
            self._socket.close()
            os.close(self._complaints)
            raise
        finally:
            theirs.close()

    def close(self) -> None:
        """End skopeo: it only reads from a registry, so nothing of it is lost."""
        self._socket.close()
        self._child.kill()
        self._child.wait()
        os.close(self._complaints)

    def cancel(self) -> None:
        """End skopeo from another thread: what is being read ends with a Retry."""
        self._child.kill()

    @contextlib.contextmanager
    def blob(
        self, reference: str, digest: str, size: int, tell: Callable[[int], None]
    ) -> Iterator[Source]:
        """Yield a blob of the image `reference` (docker://...); `tell` hears of what has come."""
        image = self._open(reference)
        _, pipe, number = self._ask("GetBlob", image, digest, size)
        try:
            with contextlib.suppress(OSError):  # above the user's limit the pipe stays as it is
                _set_pipe_size(pipe)
            self._send("FinishPipe", number)
            yield _Blob(self, pipe, size, tell)
        finally:
            os.close(pipe)

    def finish(self) -> None:
        """Read skopeo's last word on the blob whose pipe has ended."""
        self._answer()

    def _open(self, reference: str) -> Any:
        if not self._images:
            self._ask("Initialize")
        if reference not in self._images:
            self._images[reference], _, _ = self._ask("OpenImage", reference)
        return self._images[reference]

    def _ask(self, method: str, *arguments: object) -> tuple[Any, int, int]:
        self._send(method, *arguments)
        return self._answer()

    def _send(self, method: str, *arguments: object) -> None:
        try:
            self._socket.send(json.dumps({"method": method, "args": arguments}).encode())
        except OSError:
            raise self._ended() from None

    def _answer(self) -> tuple[Any, int, int]:
        """The answer's value, its pipe (-1: none) and the pipe's number."""
        if not _comes(self._poll, self.patience):
            raise silent(self._about, self.patience)
        try:
            raw, pipe = received(self._socket)
        except OSError:
            raise self._ended() from None
        if not raw:
            raise self._ended()
        said = json.loads(raw)
        if not said["success"]:
            raise worded(str(said["error"]), self._about)
        return said["value"], pipe, said["pipeid"]

    def _ended(self) -> Exception:
        """What skopeo's early end was about."""
        self._child.kill()
        self._child.wait()
        size = os.fstat(self._complaints).st_size
        complaint = os.pread(self._complaints, min(size, LARGEST_REPLY), 0)
        return worded(complaint.decode(errors="replace").strip(), self._about)


class _Blob(Source):
    """A blob on its way through the pipe."""

    def __init__(self, proxy: Proxy, pipe: int, size: int, tell: Callable[[int], None]) -> None:
        self._proxy = proxy
        self._pipe = pipe
        self._left = size
        self._tell = tell
        self._until = time.monotonic() + BLOB_SECONDS
        self._poll = select.poll()
        self._poll.register(pipe, select.POLLIN)

    def read(self, most: int) -> bytes:
        patience = self._proxy.patience
        if not _comes(self._poll, patience):
            raise TimedOut(
                f"a layer has stopped coming: its registry has been silent for {patience:g} s"
            )
        if time.monotonic() > self._until:
            raise TimedOut(f"a layer has not come within {BLOB_SECONDS:g} s")
        data = os.read(self._pipe, most)
        self._left -= len(data)
        if self._left < 0:
            raise Invalid("a layer is larger than its manifest says: corrupted or forged")
        if not data:
            self._proxy.finish()
            if self._left:
                raise Retry(f"a layer ended {self._left} bytes before its end")
        self._tell(len(data))
        return data

    def cancel(self) -> None:
        self._proxy.cancel()


def received(connection: socket.socket) -> tuple[bytes, int]:
    """Return a message and the descriptor that came with it, -1 without one.

    socket.recv_fds forgets its flags, and would let every child have the descriptor.
    """
    most = socket.CMSG_LEN(_INT_BYTES)
    raw, extra, _, _ = connection.recvmsg(LARGEST_REPLY, most, socket.MSG_CMSG_CLOEXEC)
    for level, kind, data in extra:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            return raw, int.from_bytes(data[:_INT_BYTES], sys.byteorder)
    return raw, -1


def _comes(poll: select.poll, patience: float) -> bool:
    """Wait until there is something to read; False when nothing has come for `patience` seconds."""
    until = time.monotonic() + patience
    while True:
        interrupts.check()
        left = until - time.monotonic()
        if poll.poll(1000 * max(0.0, min(left, interrupts.CHECK_SECONDS))):
            return True
        if left <= 0:
            return False


def _set_pipe_size(pipe: int) -> None:
    import fcntl

    fcntl.fcntl(pipe, _F_SETPIPE_SZ, PIPE_BYTES)
