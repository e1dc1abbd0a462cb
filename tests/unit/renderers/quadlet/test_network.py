"""Networks, names, ports and resolvers of Quadlet files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.fixtures.rendered import lines, rendered

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from manifests.problems import Problem
    from renderers.quadlet.unit import File


def network(**spec: Any) -> str:
    raw = {
        "apiVersion": "podpy.dev/v1",
        "kind": "Network",
        "metadata": {"name": "back"},
        "spec": spec,
    }
    return f"{json.dumps(raw)}\n---\n"


def made(
    tmp_path: Path,
    before: str = "",
    annotations: dict[str, str] | None = None,
    version: str = "5.4",
    **spec: Any,
) -> tuple[dict[str, File], tuple[Problem, ...]]:
    ports = [{"containerPort": 80, "hostPort": 8080, "hostIP": "127.0.0.1", "protocol": "UDP"}]
    container = {"name": "srv", "image": "localhost/a:1", "ports": ports}
    raw = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "annotations": annotations or {}},
        "spec": {"containers": [container], **spec},
    }
    return rendered(tmp_path, before + json.dumps(raw), version)


def test_a_network_is_a_file_that_pods_name(tmp_path: Path) -> None:
    given = network(subnet="10.9.0.0/24", gateway="10.9.0.1", mtu=1400, internal=True)
    chosen = {"podpy.dev/network": "back", "podpy.dev/address": "10.9.0.7"}
    files, lost = made(tmp_path, given, chosen)
    file, pod = files["back.network"], files["web.pod"]

    assert lost == ()
    assert "podpy.network" not in files
    assert (lines(file, "Subnet"), lines(file, "Gateway")) == (["10.9.0.0/24"], ["10.9.0.1"])
    assert (lines(file, "Internal"), lines(file, "Options")) == (["true"], ["mtu=1400"])
    assert (lines(pod, "Network"), lines(pod, "IP")) == (["back.network"], ["10.9.0.7"])
    assert lines(pod, "PublishPort") == ["127.0.0.1:8080:80/udp"]


def test_a_network_that_is_not_given_is_podmans_and_told(tmp_path: Path) -> None:
    files, lost = made(tmp_path, annotations={"podpy.dev/network": "other"})

    assert lines(files["web.pod"], "Network") == ["other"]
    assert [problem.path for problem in lost] == ['.metadata.annotations["podpy.dev/network"]']


def test_the_hosts_network_has_no_ports_of_its_own(tmp_path: Path) -> None:
    files, lost = made(tmp_path, network(driver="host"), {"podpy.dev/network": "back"})
    pod = files["web.pod"]

    assert lost == ()
    assert sorted(files) == ["web-srv.container", "web.pod"]
    assert lines(pod, "Network") == ["host"]
    assert lines(pod, "PublishPort") == lines(pod, "NetworkAlias") == lines(pod, "HostName") == []


def test_without_a_network_podman_takes_no_resolver(tmp_path: Path) -> None:
    config = {"nameservers": ["192.0.2.1"]}
    files, lost = made(
        tmp_path, network(driver="none"), {"podpy.dev/network": "back"}, dnsConfig=config
    )

    assert lines(files["web.pod"], "Network") == ["none"]
    assert lines(files["web.pod"], "DNS") == []
    assert [problem.path for problem in lost] == [".spec.dnsConfig"]


def test_names_and_resolvers_are_the_pods(tmp_path: Path) -> None:
    config = {
        "nameservers": ["192.0.2.1"],
        "searches": ["a.example"],
        "options": [{"name": "ndots", "value": "2"}, {"name": "rotate"}],
    }
    aliases = [{"ip": "192.0.2.9", "hostnames": ["db", "db.local"]}]
    files, lost = made(tmp_path, dnsConfig=config, hostAliases=aliases, hostname="front")
    old, _ = made(tmp_path, version="5.2", dnsConfig=config)
    pod = files["web.pod"]

    assert lost == ()
    assert lines(pod, "DNS") == ["192.0.2.1"]
    assert lines(pod, "DNSSearch") == ["a.example"]
    assert lines(pod, "DNSOption") == ["ndots:2", "rotate"]
    assert lines(pod, "AddHost") == ["db:192.0.2.9", "db.local:192.0.2.9"]
    assert "--hostname=front" in lines(pod, "PodmanArgs")
    assert "--dns=192.0.2.1" in lines(old["web.pod"], "PodmanArgs")


def test_sysctls_are_the_pods_and_those_of_a_job_the_containers(tmp_path: Path) -> None:
    context = {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]}
    files, _ = made(tmp_path, securityContext=context)

    assert "--sysctl=net.ipv4.ip_unprivileged_port_start=0" in lines(files["web.pod"], "PodmanArgs")
