"""podpy on a Debian 13 host with systemd as PID 1 and cgroup v2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import podpy
from tests.vmhost import samples

if TYPE_CHECKING:
    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]


def test_host_has_systemd_and_cgroup_v2(machine: Machine) -> None:
    assert machine.sh("cat /proc/1/comm") == "systemd\n"
    assert machine.sh("stat -fc %T /sys/fs/cgroup") == "cgroup2fs\n"


def test_version_is_printed(machine: Machine) -> None:
    assert machine.sh("podpy --version") == f"podpy version {podpy.VERSION}\n"


def test_doctor_finds_all_that_podpy_needs(machine: Machine) -> None:
    said = machine.sh("podpy doctor")

    assert "missing" not in said
    assert "v2 with " in said


def test_pod_is_played_served_and_removed(machine: Machine) -> None:
    machine.write("/root/web.yaml", samples.WEB)
    machine.sh("podpy kube play /root/web.yaml")

    assert machine.sh(samples.SERVED) == "hello\n"

    machine.sh("podpy kube down /root/web.yaml")
    assert machine.run("pgrep", "conmon").status == 1
    assert machine.sh("find /sys/fs/cgroup/podpy -mindepth 1 -type d ! -name helpers") == ""
