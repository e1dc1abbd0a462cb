"""Hosts whose firewall drops what nobody has let through: doctor names it, and its words help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vmhost import samples

if TYPE_CHECKING:
    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

# A neighbour of the host: a network namespace at the other end of a cable.
NEIGHBOUR = """
ip netns add neighbour
ip link add cable type veth peer name eth0 netns neighbour
ip address add 192.0.2.1/24 dev cable
ip link set cable up
ip -n neighbour address add 192.0.2.2/24 dev eth0
ip -n neighbour link set eth0 up
ip -n neighbour link set lo up
ip netns exec neighbour busybox httpd -p 80 -h /etc
"""
DROPPING = """
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    tcp dport 22 accept
  }
  chain forward { type filter hook forward priority filter; policy drop; }
  chain output { type filter hook output priority filter; policy accept; }
}
"""
ACCEPTING = """
nft add rule inet filter forward iifname '"pp-*"' accept
nft add rule inet filter forward oifname '"pp-*"' accept
nft add rule inet filter input iifname '"pp-*"' udp dport 53 accept
nft add rule inet filter input iifname '"pp-*"' tcp dport 53 accept
"""
FIREWALLD = """
firewall-cmd --permanent --zone=trusted --add-interface=BRIDGE
firewall-cmd --reload
"""
FROM_OUTSIDE = "ip netns exec neighbour curl -fsS --max-time 5 http://192.0.2.1:8080/"
TO_OUTSIDE = f'podpy exec web -- sh -c "{samples.asked("192.0.2.2", "/hostname")}" | grep vmhost'
A_NAME = "podpy exec web -- nslookup -timeout=5 web.default.svc.cluster.local"
FROM_HOST = "curl -fsS --max-time 5 http://127.0.0.1:8080/"


@pytest.fixture
def web(machine: Machine) -> Machine:
    """Give the host with a neighbour, and a pod that both can reach and that reaches both."""
    machine.write("/root/web.yaml", samples.WEB)
    machine.sh(f"{NEIGHBOUR}\npodpy kube play /root/web.yaml")
    machine.sh(samples.SERVED)
    for way in (FROM_OUTSIDE, TO_OUTSIDE, A_NAME, FROM_HOST):
        machine.sh(way)
    assert "no other table drops" in machine.sh("podpy doctor")
    return machine


def reached(machine: Machine) -> list[bool]:
    return [
        machine.run("sh", "-c", way).status == 0
        for way in (FROM_OUTSIDE, TO_OUTSIDE, A_NAME, FROM_HOST)
    ]


def bridge(machine: Machine) -> str:
    return machine.sh("ip -o link show type bridge | cut -d: -f2 | grep pp-").strip()


def follow(machine: Machine, advice: str) -> None:
    """Do what doctor says, once it says it."""
    machine.sh(advice.replace("BRIDGE", bridge(machine)))


def test_a_policy_of_drop(web: Machine) -> None:
    web.write("/root/dropping.nft", DROPPING)
    web.sh("nft -f /root/dropping.nft; conntrack -F 2>/dev/null || true")

    assert reached(web) == [False, False, False, True]
    said = web.sh("podpy doctor")
    assert "chain inet filter forward drops forwarded traffic by default" in said
    assert 'accept there what has iifname "pp-*" or oifname "pp-*"' in said
    assert "chain inet filter input drops what comes to this host by default" in said
    assert 'accept there udp and tcp port 53 with iifname "pp-*"' in said

    follow(web, ACCEPTING)
    assert reached(web) == [True, True, True, True]


def test_firewalld(web: Machine) -> None:
    web.sh("systemctl start firewalld", timeout=600)

    assert not all(reached(web))
    said = web.sh("podpy doctor")
    assert "firewalld rejects what no zone of it lets through" in said
    for line in FIREWALLD.strip().splitlines():
        assert line in said

    follow(web, FIREWALLD)
    assert reached(web) == [True, True, True, True]
    assert web.sh("podpy diff -f /root/web.yaml").startswith("nothing to change")
