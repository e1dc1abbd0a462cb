"""Listen for webhooks: a signed POST to /hooks/SYNC has that Sync's source asked, and nothing else.

What is in the request is never acted on. It is answered at once, and how the pass goes is told
elsewhere. Whoever cannot sign gets to know nothing, and can neither fill memory nor hold it up:
bodies, connections and their time are bounded.
"""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import threading
import time

from manifests.faults import HostFault
from reconciler.agent import signatures
from reconciler.agent.marks import Marks
from reconciler.agent.signatures import Verdict
from runtime import secret_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PREFIX = "/hooks/"
LARGEST_BODY = 1 << 20
"""Bytes. GitHub cuts at 25 MB and leaves such a push out; a push of one commit has some kB."""
CONNECTIONS = 16
SECONDS = 10.0
"""How long a request may take, from its first byte to its answer."""
REST_SECONDS = 5.0
"""How long the same request, where it may come again, waits after the one before it."""


class Webhooks:
    """A server. `secret_file` gives the file of a Sync's secret, "" for one that takes none;
    `wake` is called with the name of a Sync whose source is to be asked, and in how many seconds;
    `say` tells of refusals; `marks` are the requests that came before.
    """

    def __init__(
        self,
        address: tuple[str, int],
        secret_file: Callable[[str], str],
        wake: Callable[[str, float], None],
        say: Callable[[str], None],
        marks: Marks,
    ) -> None:
        self.secret_file, self.wake, self.say = secret_file, wake, say
        self._marks = marks
        self._slots = threading.BoundedSemaphore(CONNECTIONS)
        try:
            self._server = _Server(address, self)
        except OSError as error:
            place = f"{address[0]}:{address[1]}"
            raise HostFault(f"cannot listen on {place}: {error.strerror}") from error
        self._thread = threading.Thread(target=self._serve, name="webhooks", daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def _serve(self) -> None:
        """Take connections as they come. (serve_forever looks twice a second for its end.)"""
        while not self._server.closing:
            self._server.handle_request()

    def close(self) -> None:
        self._server.closing = True
        self._server.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(SECONDS)
        self._server.server_close()

    def entered(self) -> bool:
        """Take one of the slots for connections, if there is one."""
        return self._slots.acquire(blocking=False)

    def left(self) -> None:
        self._slots.release()

    def answer(self, name: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """Return status and words for a request to the Sync `name`."""
        path = self.secret_file(name)
        if not path:
            return 404, "no such hook"
        try:
            secret = _secret(path)
        except HostFault as fault:
            self.say(f"Sync/{name}: webhook: {fault}")
            return 503, "this hook is not set up"
        judged = signatures.judge(headers, body, secret, time.time())
        if judged.verdict is not Verdict.GOOD:
            self.say(f"Sync/{name}: webhook refused: {judged.verdict}")
            return 401, "refused"
        now = time.monotonic()
        before = self._marks.noted(f"{name} {judged.mark}", now, REST_SECONDS)
        if before is not None and not judged.constant:
            self.say(f"Sync/{name}: webhook refused: it was sent before")
            return 409, "this was sent before"
        self.wake(name, 0.0 if before is None else max(0.0, before + REST_SECONDS - now))
        return 202, "the source will be asked"


def _secret(path: str) -> bytes:
    """Read a secret that nobody else may read; a newline at its end is an editor's."""
    secret = secret_files.read(path, LARGEST_BODY).rstrip(b"\r\n")
    if not secret:
        raise HostFault(f"{path} is empty")
    return secret


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = CONNECTIONS
    closing = False

    def __init__(self, address: tuple[str, int], hooks: Webhooks) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.hooks = hooks
        super().__init__(address, _Handler)

    def handle_error(self, *_: object) -> None:
        """A connection that breaks off is its sender's loss."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    server_version, sys_version = "podpy", ""
    timeout = SECONDS

    def handle(self) -> None:
        if not self.server.hooks.entered():
            return
        end = threading.Timer(SECONDS, self._cut)
        end.daemon = True
        end.start()
        try:
            super().handle()
        finally:
            end.cancel()
            self.server.hooks.left()

    def _cut(self) -> None:
        """End a connection whose request comes a byte at a time."""
        with contextlib.suppress(OSError):  # It has ended meanwhile.
            self.connection.shutdown(socket.SHUT_RDWR)

    def do_POST(self) -> None:
        if not self.path.startswith(PREFIX):
            self._say(404, "no such hook")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self._say(411, "say how long the body is")
            return
        if int(length) > LARGEST_BODY:
            self._say(413, "the body is too long")
            return
        body = self._body(int(length))
        if body is not None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._say(*self.server.hooks.answer(self.path[len(PREFIX) :], headers, body))

    def _body(self, length: int) -> bytes | None:
        """Read the body, unless it ends early, of itself or because it takes too long."""
        data = b""
        while len(data) < length:
            chunk = self.rfile.read1(length - len(data))
            if not chunk:
                return None
            data += chunk
        return data

    def _say(self, status: int, words: str) -> None:
        text = f"{words}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """What comes in is not logged: its sender could fill the log."""
