"""Choose a subnet for a network, and see what of this host a wished one would overlap with."""

from __future__ import annotations

import _socket as socket  # without selectors and enums: 2 ms of every command
import contextlib
import os

from manifests.faults import HostFault
from manifests.value import Value
from runtime import locks
from runtime.net import listeners, rtnetlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

POOLS = ("10.64.0.0/11", "172.16.0.0/12", "192.168.0.0/16", "10.128.0.0/9")
"""Where subnets are chosen from: away from 10.0, 10.42, 10.88 and 10.96, which others start at."""


class Used(Value):
    """A subnet that this host reaches by the link `by`, where it has an address in it unless it is
    only `routed` there."""

    subnet: str
    by: str
    routed: bool = False


@contextlib.contextmanager
def choosing() -> Iterator[None]:
    """Let no other podpy choose a subnet in the block, until the bridge that has it is there.

    Instances share nothing but the network namespace, so that is what is locked. TimedOut names
    who keeps it.
    """
    shared = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        locks.wait(shared, "the subnets of this host")
        yield
    finally:
        os.close(shared)


def used(without: str = "") -> tuple[Used, ...]:
    """Return every subnet that this host has a route to or an address in, but by that link."""
    with rtnetlink.Socket() as kernel:
        names = {link.index: link.name for link in kernel.links()}
        found = [
            Used(
                subnet=f"{route.destination}/{route.prefix}",
                by=names.get(route.index, ""),
                routed=True,
            )
            for route in kernel.routes()
            if route.destination
        ]
        found += [
            Used(subnet=f"{one.address}/{one.prefix}", by=names.get(one.index, ""))
            for one in kernel.addresses()
        ]
    return tuple(one for one in found if not without or one.by != without)


def taken() -> list[str]:
    """Return what no subnet should be chosen over: what the host uses, and where it listens.

    A name server that has outlived its bridge would keep the next one from that address.
    """
    listening = [one.address for one in listeners.listening(["UDP"])]
    return [
        *(one.subnet for one in used()),
        *(f"{address}/32" for address in listening if address != listeners.EVERY_ADDRESS),
    ]


def choose(taken: Sequence[str], prefix: int = 24) -> str:
    """Return the first subnet of that size in POOLS that overlaps with nothing of `taken`. Pure."""
    spans = sorted(_span(subnet) for subnet in taken)
    size = 1 << (32 - prefix)
    for pool in POOLS:
        first, last = _span(pool)
        start = first
        while start + size - 1 <= last:
            clash = next((s for s in spans if s[0] <= start + size - 1 and start <= s[1]), None)
            if clash is None:
                return f"{_text(start)}/{prefix}"
            start = (clash[1] // size + 1) * size
    raise HostFault(
        f"no /{prefix} subnet is free on this host", hint="give the network a subnet of its own"
    )


def overlapping(subnet: str, host: Iterable[Used]) -> Used | None:
    """Return what of the host a wished subnet cannot stand beside. Pure.

    What is only routed may be wider: the more exact route wins, as beside a VPN that takes all of
    10.0.0.0/8. Where the host has an address itself, the subnet would be cut in two.
    """
    first, last = _span(subnet)
    for one in host:
        other_first, other_last = _span(one.subnet)
        wider = other_first <= first and last <= other_last and (first, last) != (
            other_first, other_last
        )  # fmt: skip
        if other_first <= last and first <= other_last and not (one.routed and wider):
            return one
    return None


def gateway_of(subnet: str) -> str:
    """Return the first address of `subnet`, which podpy gives to the bridge. Pure."""
    return _text(_span(subnet)[0] + 1)


def around(address: str, prefix: int) -> str:
    """Return the subnet of that size which `address` lies in. Pure."""
    return f"{_text(_span(f'{address}/{prefix}')[0])}/{prefix}"


def _span(subnet: str) -> tuple[int, int]:
    address, _, prefix = subnet.partition("/")
    size = 1 << (32 - int(prefix or 32))
    first = int.from_bytes(socket.inet_aton(address), "big") // size * size
    return first, first + size - 1


def _text(number: int) -> str:
    return socket.inet_ntoa(number.to_bytes(4, "big"))
