"""Ports of the host that processes listen on: found, named, and refused to pods."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from runtime.net import listeners

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.kernel.inside import Inside
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

PORT = 18495
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 0
  hostNetwork: {own}
  containers:
  - name: c
    image: localhost/podpy-test/busybox:1
    command: [httpd, -f, -p, "{port}"]
    ports: [{{containerPort: {port}, hostPort: {port}{more}}}]
"""


def listening(protocol: str) -> dict[int, str]:
    return {one.port: one.address for one in listeners.listening([protocol])}


def test_sockets_that_take_ipv4_are_found_with_their_process(apart: Inside) -> None:
    apart.call(lambda: os.system("ip link set lo up"))
    both = apart.call(
        lambda: socket.create_server(("", 81), family=socket.AF_INET6, dualstack_ipv6=True)
    )
    six = apart.call(lambda: socket.create_server(("::", 82), family=socket.AF_INET6))
    four = apart.call(lambda: socket.create_server(("127.0.0.1", 83)))
    datagrams = apart.call(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    datagrams.bind(("127.0.0.1", 84))
    with both, six, four, datagrams, socket.socket() as client:
        assert apart.call(listening, "TCP") == {81: "0.0.0.0", 83: "127.0.0.1"}
        assert apart.call(listening, "UDP") == {84: "127.0.0.1"}
        assert apart.call(listening, "SCTP") == {}
        assert client.connect_ex(("127.0.0.1", 1)) != 0
        (one,) = apart.call(lambda: [o for o in listeners.listening(["TCP"]) if o.port == 83])

        owner = listeners.owner(one)

        assert owner is not None
        assert owner.pid == os.getpid()
    assert listeners.owner(one) is None


def test_a_port_that_a_process_listens_on_is_refused_by_name(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file = tmp_path / "web.yaml"
    text = POD.format(name="web", own="false", port=PORT, more="")
    file.write_text(text)
    with socket.create_server(("127.0.0.1", PORT)):
        refused = podpy.run("kube", "play", str(file))
        file.write_text(text.replace(f"hostPort: {PORT}", f"hostPort: {PORT}, hostIP: 127.0.0.2"))
        podpy.ok("kube", "play", str(file))
        podpy.ok("kube", "down", str(file))
    file.write_text(text)

    assert refused.status == 125
    assert (
        f"host port {PORT}/tcp is held by pytest (process {os.getpid()}), "
        f"which listens on 127.0.0.1:{PORT}"
    ) in refused.stderr.replace("python", "pytest")
    assert "a hostIP other than 127.0.0.1" in refused.stderr
    podpy.ok("kube", "play", str(file))
    podpy.ok("kube", "down", str(file))


def test_a_pod_on_the_hosts_network_and_one_with_a_port_map_do_not_share_a_port(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    own, mapped = tmp_path / "own.yaml", tmp_path / "mapped.yaml"
    own.write_text(POD.format(name="own", own="true", port=PORT, more=""))
    mapped.write_text(POD.format(name="mapped", own="false", port=PORT, more=""))
    podpy.ok("kube", "play", str(own))

    refused = podpy.run("kube", "play", str(mapped))

    assert f"host port {PORT}/tcp is taken by pod default/own" in refused.stderr
    # The same pod may go from the host's network to one of its own: its process is gone by then.
    own.write_text(POD.format(name="own", own="false", port=PORT, more=""))
    podpy.ok("kube", "play", str(own))
    podpy.ok("kube", "down", str(own))


def test_a_port_of_an_ipv6_address_is_refused_or_left_out(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file = tmp_path / "web.yaml"
    file.write_text(POD.format(name="web", own="false", port=PORT, more=', hostIP: "::"'))

    refused = podpy.run("apply", "-f", str(file))
    played = podpy.run("kube", "play", str(file))

    assert refused.status != 0
    assert ":: is not supported yet: pods have IPv4 addresses" in refused.stderr
    assert played.status == 0, played.stderr
    assert ":: is not supported yet" in played.stderr
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", PORT)) != 0
    podpy.ok("kube", "down", str(file))
