"""Bridges and pods' links on the real kernel, in a network namespace that each test has alone."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from manifests.faults import HostFault
from runtime import proc
from runtime.kernel import namespaces, sysctls
from runtime.kernel.inside import Inside
from runtime.net import attach, bridge, requests, rtnetlink, subnets
from runtime.net.rtnetlink import Link
from tests.fixtures.command import wait_until

pytestmark = pytest.mark.host

NETWORK = bridge.BridgeNetwork(
    instance="pp-t", name="default", subnet="10.64.0.0/16", gateway="10.64.0.1", mtu=1400
)

PREFIX = "20010db80bad0000"

Join = Callable[[str, str], tuple[Inside, attach.Attachment]]


def listed() -> dict[str, Link]:
    with rtnetlink.Socket() as kernel:
        return {link.name: link for link in kernel.links()}


def apply(*messages: requests.Message) -> None:
    with rtnetlink.Socket() as kernel:
        kernel.apply(messages)


def wanted(uid: str, address: str) -> attach.Attachment:
    return attach.Attachment(
        instance="pp-t",
        pod=uid,
        bridge=NETWORK.link,
        address=address,
        prefix=16,
        gateway="10.64.0.1",
        mtu=1400,
    )


@pytest.fixture
def host(apart: Inside) -> Inside:
    """A host without a link but its loopback, with the bridge on it."""
    apart.call(apply, requests.set_link("lo", up=True))
    apart.call(bridge.ensure, NETWORK)
    return apart


@pytest.fixture
def join(host: Inside) -> Iterator[Join]:
    """Make pods whose namespaces are the test's own and join them to the host's bridge."""
    run_dir = tempfile.mkdtemp(prefix="pp-t-")
    made: list[Inside] = []

    def joined(uid: str, address: str) -> tuple[Inside, attach.Attachment]:
        inside = host.call(namespaces.create, f"{run_dir}/pods/{uid}", hostname=uid)
        made.append(inside)
        place = wanted(uid, address)
        host.call(attach.attach, inside, place)
        return inside, place

    yield joined
    for inside in made:
        inside.close()
        host.call(namespaces.remove, inside.pod_dir)
    assert host.call(namespaces.release, run_dir)
    shutil.rmtree(run_dir)


def listen(address: str) -> socket.socket:
    return socket.create_server((address, 80))


def ask(address: str) -> bool:
    """Reach TCP port 80 of `address` within two seconds."""
    try:
        socket.create_connection((address, 80), timeout=2).close()
    except OSError:
        return False
    return True


def test_a_bridge_is_made_once(apart: Inside) -> None:
    first = apart.call(bridge.ensure, NETWORK)
    again = apart.call(bridge.ensure, NETWORK)

    assert f"bridge {NETWORK.link} was missing" in first
    assert again == ()
    link = apart.call(listed)[NETWORK.link]
    assert (link.kind, link.up, link.mtu, link.alias, link.mac) == (
        "bridge",
        True,
        1400,
        "podpy pp-t network default",
        "02:70:0a:40:00:01",
    )
    assert apart.call(sysctls.read, "net.ipv4.ip_forward") == "1"


@pytest.mark.parametrize(
    "damage",
    [
        f"ip link delete {NETWORK.link}",
        f"ip link set {NETWORK.link} down",
        f"ip link set {NETWORK.link} mtu 1280",
        f"ip link set {NETWORK.link} alias mine",
        f"ip address delete 10.64.0.1/16 dev {NETWORK.link}",
        f"ip address add 10.9.9.9/24 dev {NETWORK.link}",
        "sysctl -q net.ipv4.ip_forward=0",
        f"sysctl -q net.ipv4.conf.{NETWORK.link}.route_localnet=0",
        f"sysctl -q net.ipv6.conf.{NETWORK.link}.accept_ra=1",
    ],
)
def test_a_bridge_changed_by_hand_is_repaired(host: Inside, damage: str) -> None:
    host.call(subprocess.run, damage.split(), check=True)

    assert host.call(bridge.ensure, NETWORK)
    assert host.call(bridge.ensure, NETWORK) == ()


def test_one_link_is_asked_for_by_name_or_index_as_the_list_has_it(
    host: Inside,
) -> None:
    def asked(name: str, index: int) -> tuple[Link | None, Link | None]:
        with rtnetlink.Socket() as kernel:
            return kernel.link(name), kernel.link(index=index)

    known = host.call(listed)[NETWORK.link]

    assert host.call(asked, known.name, known.index) == (known, known)
    assert host.call(asked, "pp-nothing", 4711) == (None, None)


def test_a_network_takes_the_mtu_of_the_way_out(apart: Inside) -> None:
    open_network = NETWORK.replace(mtu=0)

    def way_out() -> None:
        for words in (
            "link add out type bridge",
            "link set out mtu 1280 up",
            "address add 192.0.2.2/24 dev out",
            "route add default via 192.0.2.1",
        ):
            subprocess.run(["ip", *words.split()], check=True, timeout=10)

    assert apart.call(bridge.mtu_of, open_network) == 1500
    apart.call(way_out)
    assert apart.call(bridge.mtu_of, open_network) == 1280


def test_a_bridge_is_removed_and_gone_already_is_success(host: Inside) -> None:
    host.call(bridge.remove, NETWORK)
    host.call(bridge.remove, NETWORK)

    assert set(host.call(listed)) <= {"lo", "ifb0", "ifb1"}


def test_the_subnets_of_the_host_are_taken(host: Inside) -> None:
    used = host.call(subnets.used)

    assert {(one.subnet, one.by) for one in used} == {
        ("10.64.0.0/16", NETWORK.link),
        ("10.64.0.1/16", NETWORK.link),
    } | ({("127.0.0.1/8", "lo")} & {(one.subnet, one.by) for one in used})
    assert subnets.choose([one.subnet for one in used], 16) == "10.65.0.0/16"
    assert not [one for one in host.call(subnets.used, NETWORK.link) if one.by == NETWORK.link]


def test_no_subnet_is_chosen_where_something_listens(host: Inside) -> None:
    def left_behind() -> socket.socket:
        left = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # A name server keeps its address when the bridge goes; IP_FREEBIND gives it one like that.
        left.setsockopt(socket.IPPROTO_IP, 15, 1)
        left.bind(("10.65.0.1", 53))
        return left

    with host.call(left_behind):
        assert subnets.choose(host.call(subnets.taken), 16) == "10.66.0.0/16"
    assert subnets.choose(host.call(subnets.taken), 16) == "10.65.0.0/16"


def test_pods_reach_each_other_and_the_host(host: Inside, join: Join) -> None:
    one, _ = join("one", "10.64.0.5")
    two, _ = join("two", "10.64.0.6")

    with one.call(listen, "10.64.0.5"), host.call(listen, "10.64.0.1"):
        assert two.call(ask, "10.64.0.5")
        assert two.call(ask, "10.64.0.1")
        assert host.call(ask, "10.64.0.5")
        assert one.call(ask, "127.0.0.1") is False


def test_a_pods_end_is_eth0_with_its_address_and_route(host: Inside, join: Join) -> None:
    inside, place = join("one", "10.64.0.5")

    link = inside.call(listed)["eth0"]
    assert (link.up, link.mtu, link.mac) == (True, 1400, place.mac)

    def inner() -> tuple[list[rtnetlink.Address], list[rtnetlink.Route]]:
        with rtnetlink.Socket() as kernel:
            return kernel.addresses(), kernel.routes()

    addresses, routes = inside.call(inner)
    assert rtnetlink.Address(index=link.index, address="10.64.0.5", prefix=16) in addresses
    assert [route.gateway for route in routes if not route.destination] == ["10.64.0.1"]


def test_the_hosts_list_of_links_tells_which_pods_are_joined(host: Inside, join: Join) -> None:
    _, one = join("one", "10.64.0.5")
    _, two = join("two", "10.64.0.6")

    links = host.call(listed)

    assert attach.drift(one, links) == ()
    assert attach.drift(two, links) == ()


@pytest.mark.parametrize(
    "damage",
    ["ip link delete {link}", "ip link set {link} down", "ip link set {link} nomaster",
     "ip link set {link} alias x"],
)  # fmt: skip
def test_a_link_changed_by_hand_is_repaired(host: Inside, join: Join, damage: str) -> None:
    inside, place = join("one", "10.64.0.5")
    host.call(subprocess.run, damage.format(link=place.link).split(), check=True)
    assert attach.drift(place, host.call(listed))

    host.call(attach.repair, inside, place)

    assert attach.drift(place, host.call(listed)) == ()
    with inside.call(listen, "10.64.0.5"):
        assert host.call(ask, "10.64.0.5")


def test_pods_survive_the_loss_of_their_bridge(host: Inside, join: Join) -> None:
    inside, place = join("one", "10.64.0.5")
    host.call(bridge.remove, NETWORK)

    host.call(bridge.ensure, NETWORK)
    host.call(attach.repair, inside, place)

    with inside.call(listen, "10.64.0.5"):
        assert host.call(ask, "10.64.0.5")


def test_what_a_former_try_left_is_replaced(host: Inside, join: Join) -> None:
    inside, place = join("one", "10.64.0.5")

    host.call(attach.attach, inside, place)

    assert attach.drift(place, host.call(listed)) == ()


def test_a_pod_that_is_gone_is_forgotten_by_its_bridge(host: Inside, join: Join) -> None:
    _, place = join("one", "10.64.0.5")
    kept = ("ip", "neigh", "show", "nud", "permanent")
    assert "10.64.0.5" in host.call(proc.run, *kept).text

    host.call(attach.forget, [place])
    host.call(attach.forget, [place])

    assert "10.64.0.5" not in host.call(proc.run, *kept).text


def test_a_pod_without_a_network_has_its_loopback(host: Inside, join: Join) -> None:
    inside, _ = join("one", "10.64.0.5")
    inside.call(apply, requests.set_link("lo", up=False))

    attach.loopback(inside)

    with inside.call(listen, "127.0.0.1"):
        assert inside.call(ask, "127.0.0.1")


def test_an_error_names_the_link_and_the_rest_is_still_tried(apart: Inside) -> None:
    messages = (
        requests.set_link("no-such-link", up=True),
        requests.bridge("pp-t-made", mac="02:70:00:00:00:01", mtu=1500),
    )

    with pytest.raises(HostFault, match=r"link no-such-link: cannot be changed: No such device"):
        apart.call(apply, *messages)

    assert "pp-t-made" in apart.call(listed)


def test_joining_a_bridge_that_is_missing_is_worded(host: Inside, join: Join) -> None:
    inside, place = join("one", "10.64.0.5")

    with pytest.raises(HostFault, match=r"pod one: bridge pp-no does not exist"):
        host.call(attach.attach, inside, place.replace(bridge="pp-no"))


def test_a_bridge_may_be_made_by_two_at_once(apart: Inside) -> None:
    before = os.stat("/proc/self/ns/net").st_ino
    apart.call(apply, requests.bridge(NETWORK.link, mac="02:70:00:00:00:01", mtu=1500))

    assert apart.call(bridge.ensure, NETWORK)

    assert apart.call(bridge.ensure, NETWORK) == ()
    assert os.stat("/proc/self/ns/net").st_ino == before


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("net/ipv4/ip_forward", "1"),
        (f"net/ipv4/conf/{NETWORK.link}/route_localnet", "1"),
        (f"net/ipv6/conf/{NETWORK.link}/accept_ra", "0"),
    ],
)
def test_a_setting_of_the_kernel_that_was_changed_is_told_and_put_back(
    host: Inside, setting: str, value: str
) -> None:
    assert host.call(bridge.settings_drift, NETWORK) == ()
    host.call(sysctls.write, setting, str(1 - int(value)))

    assert host.call(bridge.settings_drift, NETWORK) == (f"sysctl {setting} was not {value}",)
    host.call(bridge.ensure, NETWORK)

    assert host.call(bridge.settings_drift, NETWORK) == ()


def advertise() -> None:
    """Tell all neighbours on eth0 to be their IPv6 router, and what their prefix is."""
    prefix = struct.pack("!BBBBIII16s", 3, 4, 64, 0xC0, 600, 600, 0, socket.inet_pton(
        socket.AF_INET6, "2001:db8:bad::"
    ))  # fmt: skip
    router = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 600, 0, 0)
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sender:
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        index = socket.if_nametoindex("eth0")
        wait_until(lambda: _sent(sender, router + prefix, index), "eth0 to be ready for IPv6")


def _sent(sender: socket.socket, packet: bytes, index: int) -> bool:
    try:
        sender.sendto(packet, ("ff02::1", 0, 0, index))
    except OSError:  # Its own address is not checked for duplicates yet.
        return False
    return True


def routes() -> str:
    return Path("/proc/thread-self/net/ipv6_route").read_text()


def test_no_pod_becomes_the_router_of_the_host_or_of_others(host: Inside, join: Join) -> None:
    hostile, _ = join("one", "10.64.0.5")
    neighbour, _ = join("two", "10.64.0.6")
    listening, _ = join("three", "10.64.0.7")
    listening.call(sysctls.write, "net/ipv6/conf/eth0/accept_ra", "1")

    hostile.call(advertise)
    wait_until(lambda: PREFIX in listening.call(routes), "the advertisement to be heard")

    assert PREFIX not in host.call(routes)
    assert PREFIX not in neighbour.call(routes)


def test_the_list_of_links_tells_which_send_back_to_their_own_pod(host: Inside, join: Join) -> None:
    _, place = join("one", "10.64.0.5")
    host.call(apply, requests.set_link(place.link, hairpin=True))

    assert host.call(listed)[place.link].hairpin
    host.call(apply, requests.set_link(place.link, hairpin=False))

    assert not host.call(listed)[place.link].hairpin
