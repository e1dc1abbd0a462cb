"""reconciler.state.leases: addresses and host ports, one holder each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests.faults import HostFault
from reconciler.state import database, leases
from reconciler.state.leases import HostPort, Pool, Request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.state.database import Database

SMALL = Pool(subnet="10.9.0.0/29", reserved=("10.9.0.1",))
POOLS = {"front": SMALL, "back": Pool(subnet="10.8.0.0/16")}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Database]:
    made = database.connect(str(tmp_path / "state.db"))
    yield made
    made.close()


def address(on: Database, holder: str, network: str = "front", wished: str = "") -> str:
    request = Request(holder=holder, network=network, address=wished)
    return leases.take(on, [request], POOLS)[holder]


def port(on: Database, holder: str, number: int = 80, protocol: str = "TCP", ip: str = "") -> None:
    wanted = HostPort(protocol=protocol, port=number, ip=ip)
    leases.take(on, [Request(holder=holder, ports=(wanted,))], {})


def test_addresses_are_given_from_the_first_that_is_not_reserved(state: Database) -> None:
    assert [address(state, holder) for holder in "abc"] == ["10.9.0.2", "10.9.0.3", "10.9.0.4"]


def test_a_holder_keeps_its_address(state: Database) -> None:
    assert address(state, "a") == address(state, "a")


def test_one_transaction_gives_each_holder_its_own(state: Database) -> None:
    requests = [Request(holder=str(number), network="back") for number in range(300)]

    given = leases.take(state, requests, POOLS)

    assert len(set(given.values())) == 300
    assert given["299"] == "10.8.1.44"


def test_a_freed_address_is_given_again(state: Database) -> None:
    address(state, "a")
    address(state, "b")
    leases.free(state, ["a", "unknown"])

    assert address(state, "c") == "10.9.0.2"
    assert leases.holders(state) == {"b", "c"}


def test_networks_have_addresses_of_their_own(state: Database) -> None:
    assert address(state, "a") == "10.9.0.2"
    assert address(state, "a", "back") == "10.8.0.1"


def test_a_network_without_addresses_says_so(state: Database) -> None:
    for holder in "abcde":
        address(state, holder)

    with pytest.raises(HostFault, match=r"front has no free address left in 10.9.0.0/29"):
        address(state, "f")
    assert len(leases.holders(state)) == 5


@pytest.mark.parametrize("subnet", ["10.0.0.0/31", "10.0.0.0/32"])
def test_a_subnet_too_small_for_a_pod_has_none(state: Database, subnet: str) -> None:
    with pytest.raises(HostFault, match="no free address"):
        leases.take(state, [Request(holder="a", network="n")], {"n": Pool(subnet=subnet)})


def test_a_subnet_named_by_an_address_inside_it_begins_where_it_begins(state: Database) -> None:
    given = leases.take(
        state, [Request(holder="a", network="n")], {"n": Pool(subnet="10.1.2.77/24")}
    )

    assert given == {"a": "10.1.2.1"}


def test_a_wished_address_is_given(state: Database) -> None:
    assert address(state, "a", wished="10.9.0.5") == "10.9.0.5"
    assert address(state, "b") == "10.9.0.2"


def test_a_wished_address_of_another_pod_is_refused_by_name(state: Database) -> None:
    address(state, "a", wished="10.9.0.5")

    with pytest.raises(HostFault, match=r"10\.9\.0\.5 of network front is taken by pod a"):
        address(state, "b", wished="10.9.0.5")


@pytest.mark.parametrize(
    "wished",
    [
        "10.9.0.1",
        "10.9.0.0",
        "10.9.0.7",
        "10.9.0.8",
        "192.168.0.1",
        "10.9.0.05",
        "10.9.0",
        "10.9.0.2.2",
        "10.9.0.300",
        "10.9.0.-2",
        "fd00::2",
        "web",
        " 10.9.0.2",
        "10.9.0.²",
    ],
)
def test_a_wished_address_that_the_network_has_not_to_give_is_refused(
    state: Database, wished: str
) -> None:
    with pytest.raises(HostFault, match="network front has no address"):
        address(state, "a", wished=wished)
    assert leases.holders(state) == set()


def test_a_port_has_one_holder(state: Database) -> None:
    port(state, "a")

    with pytest.raises(HostFault, match="host port 80/tcp is taken by pod a"):
        port(state, "b")


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ("", "", True),
        ("", "0.0.0.0", True),
        ("", "127.0.0.1", True),
        ("127.0.0.1", "", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
    ],
)
def test_all_addresses_clash_with_each_one(
    state: Database, first: str, second: str, *, clash: bool
) -> None:
    port(state, "a", ip=first)
    try:
        port(state, "b", ip=second)
        clashed = False
    except HostFault:
        clashed = True

    assert clashed is clash


def test_other_protocols_and_numbers_do_not_clash(state: Database) -> None:
    port(state, "a")
    port(state, "b", protocol="UDP")
    port(state, "c", number=81)

    assert leases.holders(state) == {"a", "b", "c"}


def test_a_holder_may_ask_for_its_port_again(state: Database) -> None:
    port(state, "a")
    port(state, "a")
    leases.free(state, ["a"])
    port(state, "b")

    assert leases.holders(state) == {"b"}


def test_two_pods_of_one_request_clash_too(state: Database) -> None:
    both = [Request(holder=each, ports=(HostPort(protocol="TCP", port=80),)) for each in "ab"]

    with pytest.raises(HostFault, match="taken by pod a"):
        leases.take(state, both, {})


def test_all_is_leased_or_nothing(state: Database) -> None:
    port(state, "a", number=443)
    requests = [
        Request(holder="b", network="front", ports=(HostPort(protocol="TCP", port=80),)),
        Request(holder="c", network="front", ports=(HostPort(protocol="TCP", port=443),)),
    ]

    with pytest.raises(HostFault):
        leases.take(state, requests, POOLS)
    assert leases.holders(state) == {"a"}
    assert address(state, "d") == "10.9.0.2"


def test_leases_are_restored_from_what_pods_hold(state: Database) -> None:
    held = Request(
        holder="a",
        network="front",
        address="10.9.0.2",
        ports=(HostPort(protocol="TCP", port=80, ip="127.0.0.1"),),
    )
    leases.restore(state, [held])
    leases.restore(state, [held, Request(holder="hostNetwork")])

    assert leases.holders(state) == {"a"}
    assert address(state, "b") == "10.9.0.3"
    with pytest.raises(HostFault, match="taken by pod a"):
        port(state, "b")


def test_restoring_takes_nothing_from_who_holds_it(state: Database) -> None:
    address(state, "a")
    leases.restore(state, [Request(holder="b", network="front", address="10.9.0.2")])

    assert leases.holders(state) == {"a"}


def test_a_port_is_shown_with_its_address_only_where_it_has_one() -> None:
    assert str(HostPort(protocol="TCP", port=80)) == "80/tcp"
    assert str(HostPort(protocol="UDP", port=53, ip="127.0.0.1")) == "127.0.0.1:53/udp"


def test_a_rehearsal_refuses_what_taking_would_and_leases_nothing(state: Database) -> None:
    port(state, "a")
    port(state, "b", 443)

    def asks(holder: str, number: int) -> Request:
        return Request(holder=holder, ports=(HostPort(protocol="TCP", port=number),))

    wanted = [asks("c", 80), asks("d", 443), asks("e", 8080), asks("f", 8080)]

    refused = leases.rehearse(state, wanted, {}, without=["a"])

    assert set(refused) == {"d", "f"}
    assert "443/tcp is taken by pod b" in refused["d"].message
    assert leases.holders(state) == {"a", "b"}
