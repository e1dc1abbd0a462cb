"""Read which ports are published as Podman writes it: [[IP:]HOST:]CONTAINER[/PROTOCOL]. Pure."""

from __future__ import annotations

from manifests import settings
from manifests.container import Protocol
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Port(Value):
    """One port that is published; `given`: its host's number was written, and not left out."""

    inner: int
    protocol: str
    host: int
    ip: str = ""
    given: bool = True

    def raw(self) -> dict[str, Any]:
        """Return the port as Kubernetes writes it."""
        address = {"hostIP": self.ip} if self.ip else {}
        sort = {"protocol": self.protocol} if self.protocol != Protocol.TCP else {}
        return {"containerPort": self.inner, "hostPort": self.host, **address, **sort}


def read(word: str) -> Iterator[Port]:
    """Give the ports of a word; HOST and CONTAINER may be ranges, as 8000-8010.

    Without HOST it is the container's own number. Raises ValueError with what is wrong.
    """
    ports, _, protocol = word.partition("/")
    *front, container = ports.rsplit(":", 2)
    host = front.pop() if front else ""
    ip = ":".join(front).strip("[]")
    sort = (protocol or "tcp").upper()
    try:
        inner, outer = numbers(container), numbers(host or container)
    except ValueError as error:
        raise ValueError("is not [[IP:]HOST:]CONTAINER[/PROTOCOL]") from error
    if sort not in {one.value for one in Protocol}:
        raise ValueError("the protocol must be tcp, udp or sctp")
    if ip and (fault := settings.fault(settings.ADDRESS, ip)):
        raise ValueError(fault)
    if len(inner) != len(outer):
        raise ValueError(f"{len(outer)} ports cannot lead to {len(inner)}")
    for number, outside in zip(inner, outer, strict=True):
        yield Port(inner=number, protocol=sort, host=outside, ip=ip, given=bool(host))


def numbers(text: str) -> range:
    """Return the ports of 80 or 8000-8010. Raises ValueError."""
    first, dash, last = text.partition("-")
    low, high = int(first), int(last if dash else first)
    if not 0 < low <= high < 65536:
        raise ValueError(text)
    return range(low, high + 1)
