"""Join a pod to its network: a pair of links, one end on the bridge, the other in the pod.

The host's end carries the pod's uid in its alias, so that one list of links tells which pods are
joined. Nothing is deleted when a pod goes: deleting a pair takes 21 ms each, while the kernel drops
it with the pod's network namespace, later and in bulk. Port maps are the nft table's.
"""

from __future__ import annotations

import errno
import os

from manifests import digests
from manifests.faults import HostFault
from manifests.value import Value
from runtime.kernel import sysctls
from runtime.net import netlink, requests, rtnetlink
from runtime.net.bridge import mac_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runtime.kernel.inside import Inside
    from runtime.net.rtnetlink import Link

INNER = "eth0"


class Attachment(Value):
    """A pod's place on a bridge: `gateway` "" where the network is cut off from the outside.

    `mtu` is the bridge's: see runtime.net.bridge.mtu_of. Without `asked_mac` the pod's end has a
    hardware address that follows from its address.
    """

    instance: str
    pod: str
    bridge: str
    address: str
    prefix: int
    gateway: str = ""
    mtu: int = 1500
    asked_mac: str = ""

    @property
    def link(self) -> str:
        """The name of the host's end: a hash, as bridges' names are."""
        words = f"{self.instance}\0{self.pod}"
        return f"pv-{digests.of(words)[:10]}"

    @property
    def alias(self) -> str:
        return f"{_prefix(self.instance)}{self.pod}"

    @property
    def mac(self) -> str:
        return self.asked_mac or mac_of(self.address)


def attach(inside: Inside, wanted: Attachment) -> None:
    """Join the pod that `inside` sits in. What is left of a former try is replaced."""
    netns = os.open(f"/proc/self/task/{inside.thread}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        with rtnetlink.Socket() as kernel:
            pair = _pair(wanted, netns)
            try:
                kernel.apply(pair)
            except HostFault as fault:
                if not netlink.failed_with(fault, errno.EEXIST):
                    raise
                kernel.apply([requests.delete_link(wanted.link), *pair])
    finally:
        os.close(netns)
    inside.call(_be_deaf)
    inside.call(_configure, wanted)


def repair(inside: Inside, wanted: Attachment) -> None:
    """Put right what was deleted or changed by hand, on both ends; without harm if nothing was."""
    with rtnetlink.Socket() as kernel:
        master = _bridge_index(wanted)
        if rtnetlink.index_of(wanted.link) is not None:
            kernel.apply(
                [
                    requests.set_link(
                        wanted.link,
                        up=True,
                        alias=wanted.alias,
                        master=master,
                        mtu=wanted.mtu,
                    ),
                    requests.set_link(wanted.link, hairpin=needs_hairpin()),
                    requests.neighbour(master, wanted.address, wanted.mac),
                ]
            )
            if inside.call(rtnetlink.index_of, INNER) is not None:
                inside.call(_configure, wanted)
                return
    attach(inside, wanted)


def loopback(inside: Inside) -> None:
    """Give a pod without a network its 127.0.0.1."""
    inside.call(_apply, [requests.set_link("lo", up=True)])


def forget(attachments: Iterable[Attachment]) -> None:
    """Take the addresses of pods that are gone out of their bridges' neighbour tables."""
    messages = []
    for attachment in attachments:
        master = rtnetlink.index_of(attachment.bridge)
        if master is not None:
            messages.append(requests.delete_neighbour(master, attachment.address))
    _apply(messages)


def drift(
    wanted: Attachment, links: Mapping[str, Link], *, hairpin: bool = False
) -> tuple[str, ...]:
    """Say what is wrong with the host's end of a pair, given the host's links by name. Pure.

    `hairpin` is what `needs_hairpin` says of this host.
    """
    link = links.get(wanted.link)
    if link is None:
        return (f"link {wanted.link} to the pod is missing",)
    wrong = []
    if not link.up:
        wrong.append(f"link {link.name} is down")
    master = links.get(wanted.bridge)
    if master is None or link.master != master.index:
        wrong.append(f"link {link.name} is not on bridge {wanted.bridge}")
    if link.alias != wanted.alias:
        wrong.append(f"link {link.name} has the alias {link.alias!r}")
    if link.mtu != wanted.mtu:
        wrong.append(f"link {link.name} has an mtu of {link.mtu}, not {wanted.mtu}")
    if hairpin and not link.hairpin:
        wrong.append(f"link {link.name} sends nothing back to its own pod, which bridge rules need")
    return tuple(wrong)


def _pair(wanted: Attachment, netns: int) -> list[requests.Message]:
    master = _bridge_index(wanted)
    peer = requests.Peer(name=INNER, mac=wanted.mac, netns=netns)
    return [
        requests.veth(wanted.link, master=master, mtu=wanted.mtu, peer=peer),
        requests.set_link(wanted.link, alias=wanted.alias, hairpin=needs_hairpin()),
        # A packet that comes before the pod's end is up would leave a question unanswered, which
        # the kernel repeats only after a second.
        requests.neighbour(master, wanted.address, wanted.mac),
    ]


def _be_deaf() -> None:
    """Inside: let no neighbour make itself the pod's IPv6 router; podpy gives a pod none."""
    setting = f"net/ipv6/conf/{INNER}/accept_ra"
    if os.path.exists(f"/proc/sys/{setting}"):
        sysctls.write(setting, "0")


def _configure(wanted: Attachment) -> None:
    """Inside: address and routes of the pod's end, in one system call."""
    with rtnetlink.Socket() as kernel:
        index = rtnetlink.index_of(INNER)
        if index is None:
            raise HostFault(f"pod {wanted.pod}: its {INNER} vanished while it was set up")
        messages = [
            requests.set_link("lo", up=True),
            requests.set_link(INNER, up=True, mtu=wanted.mtu),
            requests.address(index, wanted.address, wanted.prefix),
        ]
        if wanted.gateway:
            messages.append(requests.default_route(wanted.gateway))
        kernel.apply(messages)


def needs_hairpin() -> bool:
    """Say whether the bridge itself passes packets to nftables (br_netfilter, as for Kubernetes).

    Then a pod's packet to its own port of the host turns round inside the bridge, and does not come
    back from the host's routing.
    """
    try:
        with open("/proc/sys/net/bridge/bridge-nf-call-iptables", encoding="ascii") as file:
            return file.read().strip() == "1"
    except OSError:
        return False


def _bridge_index(wanted: Attachment) -> int:
    index = rtnetlink.index_of(wanted.bridge)
    if index is None:
        raise HostFault(f"pod {wanted.pod}: bridge {wanted.bridge} does not exist")
    return index


def _apply(messages: list[requests.Message]) -> None:
    with rtnetlink.Socket() as kernel:
        kernel.apply(messages)


def _prefix(instance: str) -> str:
    return f"podpy {instance} pod "
