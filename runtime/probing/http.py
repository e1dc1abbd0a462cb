"""Ask a pod by HTTP as the kubelet does: an httpGet and where its pod is in, an Answer out.

TLS is not verified. A redirect is followed where it stays on the same host, ten times at most; one
that leads elsewhere counts as an answer. Any status from 200 to 399 is good.
"""

from __future__ import annotations

import io

from manifests.probes import Scheme
from manifests.value import Value
from runtime.probing import sockets
from runtime.probing.sockets import Late, Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from http.client import HTTPResponse

    from manifests.probes import HTTPGetAction

_MOST_REDIRECTS = 10
_MOST_BODY = 10 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}
_AGENT = "podpy-probe/1"


class Where(Value):
    """A URL in its parts; `path` has the query."""

    scheme: str
    host: str
    port: int
    path: str

    def __str__(self) -> str:
        return f"{self.scheme}://{sockets.place(self.host, self.port)}{self.path}"


class Answer(Value):
    """A status and the beginning of the body; `redirect` leads to another host."""

    status: int
    body: str = ""
    redirect: bool = False


def get(pod_dir: str, asked: HTTPGetAction, host: str, port: int, seconds: float) -> Answer:
    """Return what `asked` is answered with at `host` and `port`; raises Unanswered."""
    deadline = sockets.until(seconds)
    path = asked.path if asked.path.startswith("/") else f"/{asked.path}"
    scheme = "https" if asked.scheme is Scheme.HTTPS else "http"
    first = here = Where(scheme=scheme, host=host, port=port, path=path)
    for _ in range(_MOST_REDIRECTS):
        try:
            status, body, location = _once(pod_dir, asked, here, deadline)
        except Late as late:
            words = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            raise Late(f'Get "{here}": {words}') from late
        except Unanswered as fault:
            raise Unanswered(f'Get "{here}": {fault.message}') from fault
        there = _next(here, location) if status in _REDIRECTS and location else None
        if there is None:
            return Answer(status=status, body=body, redirect=300 <= status < 400)
        if there.host != first.host:
            return Answer(status=status, body=body, redirect=True)
        here = there
    raise Unanswered(f'Get "{here}": stopped after {_MOST_REDIRECTS} redirects')


def _once(
    pod_dir: str, asked: HTTPGetAction, where: Where, deadline: float
) -> tuple[int, str, str]:
    """Make one request; return the status, the beginning of the body, and Location."""
    from http.client import HTTPException

    connection = sockets.connect(pod_dir, where.host, where.port, deadline)
    try:
        if where.scheme == "https":
            connection = _secured(connection, where, asked, deadline)
        sockets.send(connection, _request(asked, where), deadline)
        response = _response(connection, deadline)
        body = response.read(_MOST_BODY).decode(errors="replace")
        return response.status, body, response.headers.get("Location", "")
    except HTTPException as error:
        raise Unanswered(f"malformed HTTP response: {type(error).__name__}: {error}") from error
    finally:
        connection.close()


def _response(connection: socket.socket, deadline: float) -> HTTPResponse:
    from http.client import HTTPResponse

    class Source:
        """The part of a socket that HTTPResponse uses."""

        def makefile(self, _mode: str) -> io.BufferedReader:
            return io.BufferedReader(sockets.Reading(connection, deadline))

    response = HTTPResponse(Source(), method="GET")  # type: ignore[arg-type]
    response.begin()
    return response


def _secured(
    connection: socket.socket, where: Where, asked: HTTPGetAction, deadline: float
) -> socket.socket:
    import ipaddress
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    name: str | None = _host_header(asked) or where.host
    try:
        ipaddress.ip_address(name or "")
        name = None  # An address is no server name (RFC 6066).
    except ValueError:
        pass
    connection.settimeout(sockets.left(deadline))
    try:
        return context.wrap_socket(connection, server_hostname=name)
    except TimeoutError as error:
        raise Late("TLS handshake timeout") from error
    except (OSError, ValueError) as error:
        raise Unanswered(f"tls: {error}") from error


def _host_header(asked: HTTPGetAction) -> str:
    given = [one.value for one in asked.http_headers if one.name.lower() == "host"]
    return given[0].rpartition(":")[0] or given[0] if given else ""


def _request(asked: HTTPGetAction, where: Where) -> bytes:
    own = {one.name.lower() for one in asked.http_headers}
    fields = [(one.name, one.value) for one in asked.http_headers]
    for name, value in (
        ("Host", sockets.place(where.host, where.port)),
        ("User-Agent", _AGENT),
        ("Accept", "*/*"),
        ("Connection", "close"),
    ):
        if name.lower() not in own:
            fields.append((name, value))
    # An empty Accept or User-Agent asks for the header to be left out.
    lines = [f"{name}: {value}" for name, value in fields if value]
    text = "\r\n".join([f"GET {_encoded(where.path)} HTTP/1.1", *lines, "", ""])
    return text.encode("utf-8", errors="surrogateescape")


def _encoded(path: str) -> str:
    from urllib.parse import quote

    return quote(path.partition("#")[0], safe="/%?&=+:;,@!$'()*~[]-._")


def _next(here: Where, location: str) -> Where | None:
    """Return where a redirect leads to; None for what is no URL of HTTP."""
    from urllib.parse import urljoin, urlsplit

    try:
        parts = urlsplit(urljoin(str(here), location))
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    if not parts.hostname:
        return None
    query = f"?{parts.query}" if parts.query else ""
    path = f"{parts.path or '/'}{query}"
    return Where(scheme=parts.scheme, host=parts.hostname, port=port, path=path)
