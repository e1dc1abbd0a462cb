"""What a pod's end takes: the scheduler keeps nothing alive that was killed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.kernel import cgroups
from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

COUNT = 300
CROWD = f"""
apiVersion: v1
kind: Pod
metadata: {{name: crowd}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: localhost/podpy-test/busybox:1
    resources: {{limits: {{cpu: "1"}}}}
    command:
    - sh
    - -c
    - i=0; while [ $i -lt {COUNT} ]; do sleep 1000 & i=$((i+1)); done; wait
"""


def test_what_has_used_up_its_share_of_processors_dies_when_it_is_killed(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file = tmp_path / "crowd.yaml"
    file.write_text(CROWD)
    podpy.ok("kube", "play", str(file))
    uid = podpy.json("get", "pod", "crowd", "-o", "json")["metadata"]["uid"]
    seen, path = cgroups.view(), f"/{podpy.paths.instance}/{uid}/main"
    wait_until(lambda: len(cgroups.processes(seen, path)) >= COUNT, "the crowd is there")
    group = seen.directory("cpu", path)
    assert group is not None
    # Its end takes some 100 ms of a processor, of which it gets 1 ms in a second.
    if seen.v2:
        Path(group, "cpu.max").write_text("1000 1000000")
    else:
        Path(group, "cpu.cfs_period_us").write_text("1000000")
        Path(group, "cpu.cfs_quota_us").write_text("1000")
    podpy.ok("kube", "down", str(file))

    assert podpy.ok("get", "pods", "-o", "name") == ""
