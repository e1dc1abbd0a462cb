"""podpy.flagged: what the flags of `kube play` do to objects."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

from manifests import kinds, settings
from manifests.container import ContainerPort, Protocol
from manifests.faults import Invalid
from manifests.pod import HostAlias
from manifests.references import NETWORK_ANNOTATION
from podpy import flagged, play_flags
from reconciler.plan.wish import Wished
from tests.unit.reconciler import builders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.kinds import Object
    from manifests.pod import PodSpec


def applied(words: str, *things: Object) -> list[Object]:
    parser = argparse.ArgumentParser()
    play_flags.declare(parser)
    wished = [Wished.of(thing, "d") for thing in things]
    arguments = parser.parse_args([*words.split(), "app.yaml"])
    return [item.object for item in flagged.apply(wished, arguments)]


def noted(thing: Object) -> Mapping[str, str]:
    part = kinds.pod_part(thing)
    assert part is not None
    return part[0].annotations


def spec(thing: Object) -> PodSpec:
    part = kinds.pod_part(thing)
    assert part is not None
    return part[1]


@pytest.mark.parametrize("thing", [builders.pod(), builders.deployment(), builders.job()])
@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        ("--annotation team=web,ops", "team", "web,ops"),
        ("--network back", NETWORK_ANNOTATION, "back"),
        ("--network bridge", NETWORK_ANNOTATION, "default"),
        ("--network private", NETWORK_ANNOTATION, "default"),
        ("--network bridge:ip=10.1.2.3,mac=02:00:00:00:00:07", settings.ADDRESS, "10.1.2.3"),
        ("--network back:mac=02:00:00:00:00:07", settings.MAC, "02:00:00:00:00:07"),
        ("--ip 10.1.2.3", settings.ADDRESS, "10.1.2.3"),
        ("--mac-address 02:00:00:00:00:07", settings.MAC, "02:00:00:00:00:07"),
        ("--no-hosts", settings.HOSTS_FILE, "image"),
        ("--no-hostname", settings.HOSTNAME_FILE, "image"),
        ("--log-driver none", settings.LOG_DRIVER, "none"),
        ("--log-opt max-size=5m", settings.LOG_SIZE, "5m"),
    ],
)
def test_flags_reach_pods_and_the_pods_of_workloads(
    thing: Object, words: str, key: str, value: str
) -> None:
    assert noted(applied(words, thing)[0])[key] == value


def test_the_host_network_is_a_field() -> None:
    assert spec(applied("--network host", builders.pod())[0]).host_network


def test_addresses_go_to_pods_in_their_order() -> None:
    first, config, second = applied(
        "--ip 10.1.2.3 --ip 10.1.2.4", builders.pod("a"), builders.config_map(), builders.pod("b")
    )

    assert noted(first)[settings.ADDRESS] == "10.1.2.3"
    assert noted(second)[settings.ADDRESS] == "10.1.2.4"
    assert config == builders.config_map()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--ip 10.1.2.3 --ip 10.1.2.4", "no pod left"),
        ("--ip one", "not an IP address"),
        ("--ip 10.1.2.3 --network host", "pods have to themselves"),
        ("--mac-address 01:00:00:00:00:07", "first pair must be even"),
        ("--network a --network b", "joins one network"),
        ("--network slirp4netns", "runs as root"),
        ("--network pasta:-t,80", "runs as root"),
        ("--network ns:/run/netns/x", "podpy's own"),
        ("--network bridge:alias=x", "no option alias"),
        ("--network host:ip=10.1.2.3", "no options"),
        ("--annotation novalue", "not KEY=VALUE"),
        ("--annotation podpy.dev/log-driver=tape", "must be k8s-file or none"),
        ("--publish 80:90:100:200:http", "is not"),
        ("--publish 0:80", "is not"),
        ("--publish 80-82:90-91", "cannot lead to"),
        ("--publish 80/smoke", "tcp, udp or sctp"),
        ("--publish nowhere:80:80", "not an IP address"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(words: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        applied(words, builders.pod())


def test_one_address_is_not_given_to_several_pods() -> None:
    with pytest.raises(Invalid, match="its 3 pods cannot all have"):
        applied("--ip 10.1.2.3", builders.deployment(3))


def test_no_hosts_and_host_aliases_exclude_each_other() -> None:
    of = builders.spec().replace(host_aliases=(HostAlias(ip="10.0.0.1", hostnames=("a",)),))

    with pytest.raises(Invalid, match="hostAliases"):
        applied("--no-hosts", builders.pod(of=of))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--publish 8080:80", [(80, 8080, "")]),
        ("--publish 127.0.0.1:8080:80", [(80, 8080, "127.0.0.1")]),
        ("--publish [::1]:8080:80", [(80, 8080, "::1")]),
        ("--publish-all", [(80, 80, "")]),
        ("--publish 8081:81", [(80, 0, ""), (81, 8081, "")]),
        ("--publish 8080-8081:80-81", [(80, 8080, ""), (81, 8081, "")]),
    ],
)
def test_ports_are_published(words: str, expected: list[tuple[int, int, str]]) -> None:
    container = builders.container().replace(ports=(ContainerPort(container_port=80),))

    ports = spec(applied(words, builders.pod(of=builders.spec(container)))[0]).containers[0].ports

    assert [(port.container_port, port.host_port, port.host_ip) for port in ports] == expected
    assert {port.protocol for port in ports} == {Protocol.TCP}


def test_without_flags_nothing_changes() -> None:
    pod = builders.pod()

    assert applied("", pod)[0] is pod
