"""What the host tests share: namespaces of their own, and the proof that nothing is left."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from runtime.kernel import mounts, namespaces, syscalls


@pytest.fixture
def apart() -> Iterator[namespaces.Inside]:
    """A thread with a mount and a network namespace of its own, dropped with all that is in it."""
    with namespaces.Inside("apart") as thread:
        thread.call(syscalls.unshare, syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET)
        thread.call(mounts.propagate, "/", mounts.Propagation.SLAVE)
        yield thread


@pytest.fixture
def host_mounts() -> Iterator[None]:
    """Fail the test that leaves a mount behind in the host's namespace."""
    before = {mount.target for mount in mounts.table()}
    yield
    left = {mount.target for mount in mounts.table()} - before
    for target in sorted(left, reverse=True):
        mounts.umount(target)
    assert not left, f"left behind in process {os.getpid()}"
