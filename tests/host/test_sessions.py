"""A session that podpy was started in ends with all that is in its cgroup: pods and names stay."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from runtime.kernel import cgroups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

POD = """
apiVersion: v1
kind: Pod
metadata: {name: one}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: c, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}
"""


@pytest.fixture
def session(podpy: Podpy) -> Iterator[str]:
    """Give a cgroup as a service manager makes one for a unit, in every hierarchy."""
    seen, path = cgroups.view(), f"/{podpy.paths.instance}-session"
    cgroups.create(seen, path)
    yield path
    cgroups.kill(seen, path)
    cgroups.remove(seen, path)


def play(podpy: Podpy, session: str, manifest: str) -> None:
    """Run `podpy kube play` in the session's cgroup."""
    places = " ".join(f"{one}/cgroup.procs" for one in cgroups.view().directories(session))
    entered = f"for place in {places}; do echo $$ > $place; done; exec {podpy.command} kube play -"
    subprocess.run(
        ["/bin/sh", "-c", entered],
        env={**os.environ, **podpy.env},
        input=manifest,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_pods_and_their_names_outlive_it(podpy: Podpy, busybox_image: Image, session: str) -> None:
    podpy.load(busybox_image)
    play(podpy, session, POD)

    cgroups.kill(cgroups.view(), session)

    asked = podpy.ok("exec", "one", "--", "nslookup", "one.default.svc.cluster.local")
    assert "Name:\tone.default.svc.cluster.local" in asked
    assert "nothing to change" in podpy.ok("diff", "-f", "-", stdin=POD)
    podpy.ok("kube", "down", "-", stdin=POD)


def test_a_name_server_that_podpy_did_not_come_to_move_is_moved_by_the_next_pass(
    podpy: Podpy, busybox_image: Image, session: str
) -> None:
    podpy.load(busybox_image)
    podpy.ok("kube", "play", "-", stdin=POD)
    with open(f"{podpy.paths.networks}/default/dnsmasq.pid", encoding="ascii") as file:
        server = int(file.read())
    seen = cgroups.view()
    cgroups.enter(seen, session, server)

    done = podpy.run("diff", "-f", "-", stdin=POD)
    podpy.ok("apply", "-f", "-", stdin=POD)

    assert "the name server of network default would have ended with a session" in done.stdout
    assert cgroups.processes(seen, session) == ()
    assert server in cgroups.processes(seen, f"/{podpy.paths.instance}/helpers")
    podpy.ok("kube", "down", "-", stdin=POD)
