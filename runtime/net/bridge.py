"""Make, repair and remove the bridge of one podpy network.

Its subnet is runtime.net.subnets' choice, pods are joined to it by runtime.net.attach, its way out
and port maps are the nft table's, its names runtime.net.dns'. IPv4 so far: addresses are text, so
that IPv6 is one more address here.
"""

from __future__ import annotations

import _socket as socket  # without selectors and enums: 2 ms of every command
import errno
import os

from manifests import digests
from manifests.faults import HostFault
from manifests.value import Value
from runtime.kernel import sysctls
from runtime.net import requests, rtnetlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.net.rtnetlink import Address, Link

DEFAULT_MTU = 1500


class BridgeNetwork(Value):
    """A network that podpy keeps: `subnet` as 10.64.0.0/16; `mtu` 0 takes the host's way out's."""

    instance: str
    name: str
    subnet: str
    gateway: str
    mtu: int = 0
    internal: bool = False

    @property
    def link(self) -> str:
        """The bridge's name. It may hold 15 bytes, so it is a hash: two long names with one
        beginning would share a cut one."""
        return f"pp-{_digest(self.instance, self.name)[:8]}"

    @property
    def alias(self) -> str:
        return f"podpy {self.instance} network {self.name}"

    @property
    def prefix(self) -> int:
        return int(self.subnet.partition("/")[2])

    def holds(self, address: str) -> bool:
        """Say whether the address is one of the subnet's."""
        outside = 32 - self.prefix
        own, other = (
            int.from_bytes(socket.inet_aton(one), "big") >> outside
            for one in (self.gateway, address)
        )
        return own == other


def found(instance: str, name: str) -> BridgeNetwork | None:
    """Read a network whose record is lost back from its bridge; None where that is gone, too."""
    from runtime.net import subnets

    wanted = BridgeNetwork(instance=instance, name=name, subnet="", gateway="")
    with rtnetlink.Socket() as kernel:
        link = kernel.link(wanted.link)
        if link is None or link.alias != wanted.alias:
            return None
        own = [address for address in kernel.addresses() if address.index == link.index]
    if len(own) != 1:
        return None
    subnet = subnets.around(own[0].address, own[0].prefix)
    return wanted.replace(subnet=subnet, gateway=own[0].address, mtu=link.mtu)


def ensure(network: BridgeNetwork) -> tuple[str, ...]:
    """Make the bridge, or repair it, and return what had to be done: () when all was well."""
    with rtnetlink.Socket() as kernel:
        network = network.replace(mtu=network.mtu or default_mtu(kernel))
        link = kernel.link(network.link)
        found = drift(network, [link] if link else [], kernel.addresses())
        if found:
            _apply(kernel, network)
    for name, value in _sysctls(network):
        if sysctls.read(name) != value:
            sysctls.write(name, value)
            found = (*found, f"sysctl {name} was not {value}")
    return found


def settings_drift(network: BridgeNetwork) -> tuple[str, ...]:
    """Say which of the kernel's settings are not as the network needs them; reads only."""
    return tuple(
        f"sysctl {name} was not {value}"
        for name, value in _sysctls(network)
        # Those of a bridge that is not there are gone with it.
        if os.path.exists(f"/proc/sys/{name}") and sysctls.read(name) != value
    )


def drift(
    network: BridgeNetwork, links: Iterable[Link], addresses: Iterable[Address]
) -> tuple[str, ...]:
    """Say what is wrong with the bridge, given the host's links and addresses. Pure.

    Raises HostFault when the name belongs to something that is no bridge.
    """
    link = next((link for link in links if link.name == network.link), None)
    if link is None:
        return (f"bridge {network.link} was missing",)
    if link.kind != "bridge":
        raise HostFault(
            f"network {network.name}: link {link.name} is a {link.kind or 'device'}, not a bridge",
            hint=f"remove it: ip link delete {link.name}",
        )
    wrong = []
    if not link.up:
        wrong.append(f"bridge {link.name} was down")
    if link.alias != network.alias:
        wrong.append(f"bridge {link.name} had the alias {link.alias!r}")
    if network.mtu and link.mtu != network.mtu:
        wrong.append(f"bridge {link.name} had an mtu of {link.mtu}, not {network.mtu}")
    has = {(a.address, a.prefix) for a in addresses if a.index == link.index}
    wanted = (network.gateway, network.prefix)
    if wanted not in has:
        wrong.append(f"bridge {link.name} lacked the address {wanted[0]}/{wanted[1]}")
    for address, prefix in sorted(has - {wanted}):
        wrong.append(f"bridge {link.name} had the address {address}/{prefix}, too")
    return tuple(wrong)


def remove(network: BridgeNetwork) -> None:
    """Delete the bridge; gone already is success. Its ports stay, joined to nothing."""
    with rtnetlink.Socket() as kernel:
        kernel.apply([requests.delete_link(network.link)])


def _apply(kernel: rtnetlink.Socket, network: BridgeNetwork) -> None:
    mac = mac_of(network.gateway)
    create = requests.bridge(network.link, mac=mac, mtu=network.mtu)
    change = requests.set_link(network.link, up=True, mtu=network.mtu, alias=network.alias)
    # Another podpy may make the same bridge at this moment: there already is as good as made.
    kernel.apply([create.replace(done_already=(errno.EEXIST,)), change])
    index = rtnetlink.index_of(network.link)
    if index is None:
        raise HostFault(f"network {network.name}: bridge {network.link} vanished while it was made")
    wrong = [
        requests.delete_address(index, address.address, address.prefix)
        for address in kernel.addresses()
        if address.index == index
        and (address.address, address.prefix) != (network.gateway, network.prefix)
    ]
    kernel.apply([*wrong, requests.address(index, network.gateway, network.prefix)])


def _sysctls(network: BridgeNetwork) -> tuple[tuple[str, str], ...]:
    """What the way out and `localhost:hostPort` need of the kernel, and what pods must not do.

    rp_filter stays as it is: answers come back by the bridge that leads to the pod, which the
    strict filter accepts, too. What else route_localnet would allow, the nft table takes back.
    Pods may send any packet (NET_RAW): one that says to be an IPv6 router gets no hearing.
    """
    deaf = (f"net/ipv6/conf/{network.link}/accept_ra", "0")
    return (
        ("net/ipv4/ip_forward", "1"),
        (f"net/ipv4/conf/{network.link}/route_localnet", "1"),
        *((deaf,) if os.path.exists("/proc/sys/net/ipv6") else ()),
    )


def default_mtu(kernel: rtnetlink.Socket) -> int:
    """Return the MTU of the link that the host's default route leaves by, else 1500."""
    out = {route.index for route in kernel.routes() if not route.destination and route.index}
    links = (kernel.link(index=index) for index in out)
    return min((link.mtu for link in links if link is not None), default=DEFAULT_MTU)


def mtu_of(network: BridgeNetwork) -> int:
    """Return the MTU that `ensure` gives the bridge, which its pods' links must have, too."""
    if network.mtu:
        return network.mtu
    with rtnetlink.Socket() as kernel:
        return default_mtu(kernel)


def mac_of(address: str) -> str:
    """Derive a MAC of one's own (02:...) from an IPv4 address, so that nobody need ask for it."""
    return f"02:70:{socket.inet_aton(address).hex(':')}"


def _digest(*words: str) -> str:
    return digests.of("\0".join(words))
