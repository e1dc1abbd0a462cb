"""runtime.observe.pods: which mounts a running container has lost."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from runtime.observe import pods

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.host

# $1: a directory. What is mounted is mounted in a namespace of its own, and goes with the process.
CONTAINER = """
set -e
mount --make-rprivate /
mkdir -p "$1/real/held" "$1/real/lost" "$1/plain"
ln -s "$1/real" "$1/link"
mount -t tmpfs none "$1/real/held"
mount -t tmpfs none "$1/plain"
echo mounted
read -r _
"""


def test_links_on_the_way_to_a_mount_are_followed(tmp_path: Path) -> None:
    argv = ["unshare", "--mount", "sh", "-c", CONTAINER, "sh", str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as container:
        assert container.stdout is not None
        assert container.stdout.readline() == b"mounted\n"
        targets = [f"{tmp_path}/{name}" for name in ("plain", "link/held", "link/lost", "nothing")]

        missing = pods.missing_mounts(container.pid, targets)

        container.communicate(b"\n", timeout=30)
    assert missing == (f"{tmp_path}/link/lost", f"{tmp_path}/nothing")
    assert pods.missing_mounts(container.pid, targets) == ()
