"""The nft table as pods come and go: one transaction each; and what others have done to it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from manifests.container import Container, ContainerPort, ContainerRestart, Protocol
from manifests.faults import HostFault
from manifests.meta import ObjectMeta
from manifests.observed import PodRecord
from manifests.pod import Pod, PodSpec
from reconciler.targets.host import network_records, ruleset
from runtime.net import bridge, netlink, nfnetlink, nftables

if TYPE_CHECKING:
    from runtime.kernel.inside import Inside
    from runtime.paths import Paths

pytestmark = pytest.mark.host

TABLE = "pp-t"
OPEN = bridge.BridgeNetwork(
    instance=TABLE, name="open", subnet="10.64.0.0/16", gateway="10.64.0.1", mtu=1500
)
# Its subnet begins where the other's ends: a set must keep them apart.
SHUT = OPEN.replace(name="shut", subnet="10.65.0.0/16", gateway="10.65.0.1", internal=True)


def pod(address: str, *ports: ContainerPort, network: str = "open") -> PodRecord:
    spec = PodSpec(containers=(Container(name="c", image="i", ports=ports),))
    whole = Pod(metadata=ObjectMeta(name=address.replace(".", "-")), spec=spec)
    return PodRecord(uid=address, pod=whole, spec_hash="", network=network, address=address)


def port(host_port: int, protocol: Protocol = Protocol.TCP, host_ip: str = "") -> ContainerPort:
    return ContainerPort(container_port=80, host_port=host_port, protocol=protocol, host_ip=host_ip)


WEB = pod("10.64.0.5", port(8080), port(8081, Protocol.UDP, "192.0.2.2"))


@pytest.fixture
def paths(instance: Paths) -> Paths:
    """An instance with two networks."""
    given = instance.replace(instance=TABLE)
    os.makedirs(given.run_dir)
    for network in (OPEN, SHUT):
        network_records.write(given, network)
    return given


def nft(*words: str) -> str:
    done = subprocess.run(["nft", *words], check=True, capture_output=True, text=True)
    return done.stdout


def generation() -> int:
    return nfnetlink.generation() or 0


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of libnftables: whole loads and lists."""
    asked: list[str] = []
    really = nftables._run

    def run(text: str, *, json: bool = False) -> tuple[int, str, str]:
        asked.append("list" if json else "load")
        return really(text, json=json)

    monkeypatch.setattr(nftables, "_run", run)
    return asked


def test_pods_come_and_go_as_elements_alone(
    paths: Paths, apart: Inside, listings: list[str]
) -> None:
    apart.call(ruleset.load, paths, [])
    assert listings == ["load", "list"]
    listings.clear()
    before = apart.call(generation)

    apart.call(ruleset.load, paths, [WEB])

    assert apart.call(generation) == before + 1
    assert apart.call(ruleset.drift, paths, [WEB]) == ()
    assert "tcp . 8080 : 10.64.0.5 . 80" in apart.call(nft, "list", "map", "inet", TABLE, "ports")
    apart.call(ruleset.load, paths, [WEB])
    assert apart.call(generation) == before + 1
    apart.call(ruleset.load, paths, [])
    assert apart.call(generation) == before + 2
    assert "8080" not in apart.call(nft, "list", "table", "inet", TABLE)
    assert listings == []


def test_what_others_have_changed_is_read_once_in_a_pass(
    paths: Paths, apart: Inside, listings: list[str]
) -> None:
    apart.call(ruleset.load, paths, [])
    listings.clear()
    apart.call(nft, "add", "table", "ip", "other")

    assert apart.call(ruleset.drift, paths, []) == ()
    apart.call(ruleset.load, paths, [WEB])

    assert listings == ["list"]
    assert apart.call(ruleset.drift, paths, [WEB]) == ()
    assert listings == ["list"]


def test_many_pods_come_in_one_transaction(paths: Paths, apart: Inside) -> None:
    many = [
        pod(f"10.64.{number // 200}.{number % 200 + 2}", port(9000 + number),
            port(9000 + number, Protocol.SCTP, "192.0.2.2"))
        for number in range(1000)
    ]  # fmt: skip
    apart.call(ruleset.load, paths, [])
    before = apart.call(generation)

    apart.call(ruleset.load, paths, many)

    assert apart.call(generation) == before + 1
    # A rule of somebody else's makes podpy read all of it back.
    apart.call(nft, "add", "table", "ip", "other")
    assert apart.call(ruleset.drift, paths, many) == ()


def test_networks_come_and_go_as_elements_and_the_last_takes_the_table(
    paths: Paths, apart: Inside, listings: list[str]
) -> None:
    apart.call(ruleset.load, paths, [])
    listings.clear()
    network_records.remove(paths, "open")
    apart.call(ruleset.load, paths, [])
    network_records.write(paths, OPEN)
    apart.call(ruleset.load, paths, [])
    assert listings == []

    apart.call(nft, "add", "table", "ip", "other")
    assert apart.call(ruleset.drift, paths, []) == ()
    for name in ("open", "shut"):
        network_records.remove(paths, name)
    apart.call(ruleset.load, paths, [])

    assert apart.call(nftables.listed, TABLE) is None
    assert not os.path.exists(paths.rules)


def test_a_change_that_does_not_fit_changes_nothing(paths: Paths, apart: Inside) -> None:
    apart.call(ruleset.load, paths, [WEB])
    at = apart.call(generation)
    elements = nfnetlink.Elements(
        name="ports",
        key_types=("inet_proto", "inet_service"),
        data_types=("ipv4_addr", "inet_service"),
        items=(("tcp . 1", "10.64.0.6 . 80"), ("tcp . 8080", "10.64.0.6 . 80")),
    )

    with pytest.raises(HostFault, match=r"nft table pp-t: elements cannot be changed: File exists"):
        apart.call(lambda: nfnetlink.change(TABLE, at, add=[elements]))
    with pytest.raises(HostFault, match=r"somebody else has just changed rules") as stale:
        apart.call(lambda: nfnetlink.change(TABLE, at - 1, add=[elements]))

    assert netlink.failed_with(stale.value, 85)
    assert apart.call(generation) == at
    assert apart.call(ruleset.drift, paths, [WEB]) == ()


DAMAGES = {
    "delete table inet pp-t": "nft table pp-t was missing",
    "flush ruleset": "nft table pp-t was missing",
    "flush table inet pp-t": "nft rules of forward were missing",
    "flush map inet pp-t ports": "port 8080/tcp did not lead to 10.64.0.5:80",
    "delete element inet pp-t ports { tcp . 8080 }": "port 8080/tcp did not lead to 10.64.0.5:80",
    "add element inet pp-t ports { udp . 7 : 10.64.0.9 . 7 }": (
        "port 7/udp led to 10.64.0.9:7, without a pod that wants it"
    ),
    "flush set inet pp-t links": f"nft set links lacked {OPEN.link}",
    "flush chain inet pp-t postrouting": "nft rules of postrouting were missing",
    "insert rule inet pp-t output drop": "nft rules of output were changed",
    'insert rule inet pp-t forward counter accept comment "out of internal networks"': (
        "nft rules of forward were changed"
    ),
    "add chain inet pp-t forward { policy drop; }": "nft chain forward was changed",
    "add chain inet pp-t mine { type filter hook forward priority 5; policy drop; }": (
        "nft chain mine was added by somebody"
    ),
    "add set inet pp-t mine { type ipv4_addr; }": "nft set mine was added by somebody",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_changed_by_hand_is_seen_and_repaired(
    paths: Paths, apart: Inside, damage: str
) -> None:
    apart.call(ruleset.load, paths, [WEB])
    apart.call(nft, damage)

    assert DAMAGES[damage] in apart.call(ruleset.drift, paths, [WEB])
    apart.call(ruleset.load, paths, [WEB])

    assert apart.call(ruleset.drift, paths, [WEB]) == ()
    apart.call(nft, "add", "table", "ip", "other")
    assert apart.call(ruleset.drift, paths, [WEB]) == ()


def test_a_rule_edited_under_its_own_comment_is_seen_and_repaired(
    paths: Paths, apart: Inside
) -> None:
    apart.call(ruleset.load, paths, [WEB])
    rules = apart.call(nft, "-a", "list", "chain", "inet", TABLE, "input")
    handle = next(line.split()[-1] for line in rules.splitlines() if "claim to be" in line)
    edited = 'iifname "none" drop comment "pods that claim to be this host"'
    apart.call(nft, f"replace rule inet {TABLE} input handle {handle} {edited}")

    assert apart.call(ruleset.drift, paths, [WEB]) == ("nft rules of input were changed",)
    apart.call(ruleset.load, paths, [WEB])

    assert apart.call(nft, "list", "chain", "inet", TABLE, "input") == without_handles(rules)


def without_handles(text: str) -> str:
    return "".join(f"{line.split(' # handle')[0]}\n" for line in text.splitlines())


@pytest.mark.parametrize("left", ["", "{", '{"generation": 0}'])
def test_a_lost_memory_costs_one_load(
    paths: Paths, apart: Inside, listings: list[str], left: str
) -> None:
    apart.call(ruleset.load, paths, [WEB])
    if left:
        with open(paths.rules, "w", encoding="ascii") as file:
            file.write(left)
    else:
        os.unlink(paths.rules)
    listings.clear()

    assert apart.call(ruleset.drift, paths, [WEB]) == (
        "nft table pp-t was not loaded by this version of podpy",
    )
    apart.call(ruleset.load, paths, [WEB])

    assert listings == ["list", "load", "list"]
    assert apart.call(ruleset.drift, paths, [WEB]) == ()


def test_an_init_container_may_claim_a_port_before_a_container_does() -> None:
    first = Container(name="setup", image="i", ports=(port(8080).replace(container_port=1),))
    proxy = first.replace(name="proxy", restart_policy=ContainerRestart.ALWAYS,
                          ports=(port(8082),))  # fmt: skip
    spec = WEB.pod.spec.replace(init_containers=(proxy, first))
    record = WEB.replace(pod=WEB.pod.replace(spec=spec))

    found = {item.key: item.port for item in ruleset.port_maps(record)}

    assert found == {"tcp . 8080": 80, "tcp . 8082": 80, "192.0.2.2 . udp . 8081": 80}


def test_nftables_is_asked_where_no_small_descriptor_is_left() -> None:
    # libnftables waits with select(2), and the C library ends a process whose descriptor is 1024.
    program = """
import os, resource
from runtime.net import nftables
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (2000, hard))
held = [os.open("/", os.O_PATH) for _ in range(1100)]
print(nftables.listed("no-such-table"))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "None\n", "")
