"""The machine that the tests marked `vm` share: booted once a session, as new for each test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import images
from tests.fixtures.tree import TREE
from tests.vmhost import image
from tests.vmhost.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOMS = ("podpy", "manifests", "schemas", "renderers", "runtime", "reconciler", "tools", "examples")
INSTALL = """
cd /opt/podpy
python3 -m compileall -q .
python3 tools/write_launcher.py /usr/local/bin/podpy . /usr/lib/python3/dist-packages
podpy image pull oci:/root/image:IMAGE
sync
"""
INSTALLED = "installed"


@pytest.fixture(scope="session")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Give a Debian 13 host with systemd and cgroup v2, with podpy of this tree and an image."""
    busybox = images.write_busybox(tmp_path_factory.mktemp("busybox") / "image")
    with image.built() as files, Machine.running(files) as machine:
        machine.put([Path(TREE) / room for room in ROOMS], "/opt/podpy")
        machine.put([Path(busybox.layout)], "/root")
        machine.sh(INSTALL.replace("IMAGE", busybox.name))
        machine.sh("systemctl is-system-running --wait || systemctl --failed")
        machine.save(INSTALLED)
        yield machine


@pytest.fixture
def machine(booted: Machine) -> Machine:
    """Give that host as it was when podpy had been installed, whatever a test did to it."""
    booted.back_to(INSTALLED)
    return booted
