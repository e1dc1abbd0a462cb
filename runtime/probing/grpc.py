"""Ask a pod by grpc.health.v1.Health/Check: a connection's answer in, how it is out.

HTTP/2 (RFC 9113) as far as one call needs it: one stream, small frames, headers in literals (RFC
7541, 6.2.2). What the server's headers say is not read, for that takes all of HPACK: the one
message that a healthy server answers with tells, and a call that fails brings none.
"""

from __future__ import annotations

import contextlib
import io
import struct

from runtime.probing import sockets
from runtime.probing.sockets import Late, Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import IO

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_END_STREAM, _END_HEADERS, _ACK, _PADDED = 1, 4, 1, 8
_STREAM = 1
_MOST_FRAME = 1 << 14
_SERVING = 1
_WORDS = {0: "UNKNOWN", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


def check(pod_dir: str, host: str, port: int, service: str, seconds: float) -> str:
    """Return "" where the service serves, else what it says; raises Unanswered."""
    deadline = sockets.until(seconds)
    about = f'failed to connect service "{sockets.place(host, port)}"'
    try:
        connection = sockets.connect(pod_dir, host, port, deadline)
    except Late as late:
        raise Late(f"timeout: {about} within {seconds:g}s: {late.message}") from late
    except Unanswered as fault:
        raise Unanswered(f"error: {about}: {fault.message}") from fault
    try:
        sockets.send(connection, _call(sockets.place(host, port), service), deadline)
        message = _answered(connection, deadline)
    except Late as late:
        raise Late(f"timeout: health rpc did not complete within {seconds:g}s") from late
    except Unanswered as fault:
        raise Unanswered(f"error: health rpc probe failed: {fault.message}") from fault
    finally:
        connection.close()
    status = _status(message)
    if status == _SERVING:
        return ""
    return f"service unhealthy (responded with {_WORDS.get(status, status)!r})".replace("'", '"')


def _call(authority: str, service: str) -> bytes:
    """The connection's preface, settings, and the one request."""
    headers = b"".join(
        _literal(name, value)
        for name, value in (
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/grpc.health.v1.Health/Check"),
            (":authority", authority),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("user-agent", "podpy-probe/1"),
        )
    )
    name = service.encode()
    request = b"\x0a" + _varint(len(name)) + name if name else b""
    message = struct.pack(">BI", 0, len(request)) + request
    return b"".join(
        (
            _PREFACE,
            _frame(_SETTINGS, 0, 0, b""),
            _frame(_HEADERS, _END_HEADERS, _STREAM, headers),
            _frame(_DATA, _END_STREAM, _STREAM, message),
        )
    )


def _literal(name: str, value: str) -> bytes:
    """A header that no table remembers; none of these texts reaches 127 bytes but by its port."""
    return b"\x00" + b"".join(
        _prefixed(len(text)) + text for text in (name.encode(), value.encode())
    )


def _prefixed(number: int) -> bytes:
    """An integer with a prefix of 7 bits (RFC 7541, 5.1); the eighth, Huffman's, is 0."""
    return bytes((number,)) if number < 127 else b"\x7f" + _varint(number - 127)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes((*found, number))


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _answered(connection: socket.socket, deadline: float) -> bytes:
    """Read frames up to the end of the stream; return the message, without its prefix."""
    reader = io.BufferedReader(sockets.Reading(connection, deadline))
    data = b""
    while True:
        kind, flags, stream, payload = _read_frame(reader)
        if kind == _SETTINGS and not flags & _ACK:
            _acknowledge(connection, _frame(_SETTINGS, _ACK, 0, b""), deadline)
        elif kind == _PING and not flags & _ACK:
            _acknowledge(connection, _frame(_PING, _ACK, 0, payload), deadline)
        elif kind == _GOAWAY:
            raise Unanswered("the server ends the connection")
        elif stream == _STREAM and kind == _RST_STREAM:
            raise Unanswered("the server has cancelled the call")
        elif stream == _STREAM and kind == _DATA:
            data += payload[1 : len(payload) - payload[0]] if flags & _PADDED else payload
        if stream == _STREAM and kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            break
    if len(data) < 5:
        raise Unanswered("no answer: the server knows no such service, or no health service")
    compressed, length = struct.unpack(">BI", data[:5])
    if compressed or len(data) != 5 + length:
        raise Unanswered("the answer is not one message of gRPC")
    return data[5:]


def _acknowledge(connection: socket.socket, frame: bytes, deadline: float) -> None:
    """Send it; a server that has closed may have answered before, so reading on tells more."""
    with contextlib.suppress(Unanswered):
        sockets.send(connection, frame, deadline)


def _read_frame(reader: IO[bytes]) -> tuple[int, int, int, bytes]:
    head = reader.read(9)
    if len(head) < 9:
        raise Unanswered("the server has closed the connection" if head else "connection closed")
    length = int.from_bytes(head[:3], "big")
    kind, flags, stream = struct.unpack(">BBI", head[3:])
    if length > _MOST_FRAME:
        raise Unanswered("the server does not speak HTTP/2")
    payload = reader.read(length)
    if len(payload) < length:
        raise Unanswered("connection closed")
    return kind, flags, stream & 0x7FFFFFFF, payload


def _status(message: bytes) -> int:
    """The first field of HealthCheckResponse, an enumeration; left out it is 0, UNKNOWN."""
    if not message:
        return 0
    if message[0] != 0x08 or len(message) < 2:
        raise Unanswered("error: health rpc probe failed: the answer is no HealthCheckResponse")
    return message[1]
