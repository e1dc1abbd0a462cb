"""podpy on a Debian 13 host with systemd as PID 1 and cgroup v2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import podpy
from tests.fixtures import images

if TYPE_CHECKING:
    from pathlib import Path

    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]

POD = f"""\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: web
      image: {images.BUSYBOX}
      command: [sh, -c, "mkdir /www; echo hello >/www/index.html; exec httpd -f -p 80 -h /www"]
      ports:
        - {{containerPort: 80, hostPort: 8080}}
      resources:
        limits: {{memory: 64Mi}}
"""


def test_host_has_systemd_and_cgroup_v2(machine: Machine) -> None:
    assert machine.sh("cat /proc/1/comm") == "systemd\n"
    assert machine.sh("stat -fc %T /sys/fs/cgroup") == "cgroup2fs\n"


def test_version_is_printed(machine: Machine) -> None:
    assert machine.sh("podpy --version") == f"podpy version {podpy.VERSION}\n"


def test_pod_is_played_limited_served_and_removed(machine: Machine, tmp_path: Path) -> None:
    image = images.write_busybox(tmp_path / "image")
    machine.put([tmp_path / "image"], "/root")
    machine.sh(f"podpy image pull oci:/root/image:{image.name}")
    machine.run("tee", "/root/web.yaml", stdin=POD.encode())
    machine.sh("podpy kube play /root/web.yaml")

    served = "curl -fsS --max-time 60 --retry 20 --retry-all-errors --retry-delay 1"
    assert machine.sh(f"{served} http://127.0.0.1:8080/") == "hello\n"
    assert machine.sh("podpy exec web -- cat /sys/fs/cgroup/memory.max") == f"{64 << 20}\n"

    machine.sh("podpy kube down /root/web.yaml")
    assert machine.run("pgrep", "conmon").status == 1


def test_pods_and_their_names_outlive_the_unit_that_started_them(
    machine: Machine, tmp_path: Path
) -> None:
    image = images.write_busybox(tmp_path / "image")
    machine.put([tmp_path / "image"], "/root")
    machine.sh(f"podpy image pull oci:/root/image:{image.name}")
    machine.run("tee", "/root/web.yaml", stdin=POD.encode())
    unit = "systemd-run --unit=starter -p Type=oneshot -p RemainAfterExit=yes"
    machine.sh(f"{unit} $(command -v podpy) kube play /root/web.yaml")

    machine.sh("systemctl stop starter")

    assert "Name:" in machine.sh("podpy exec web -- nslookup web.default.svc.cluster.local")
    machine.sh("podpy kube down /root/web.yaml")
