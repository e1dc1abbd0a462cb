"""The machine that the tests marked `vm` share: booted once a session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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
"""


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """Give a Debian 13 host with systemd and cgroup v2, and podpy installed from this tree."""
    with Machine.running(image.build()) as booted:
        booted.put([Path(TREE) / room for room in ROOMS], "/opt/podpy")
        booted.sh(INSTALL)
        yield booted
