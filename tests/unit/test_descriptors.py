"""Room for open files, for a block."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import pytest

from runtime import descriptors

MANY = 300


@pytest.fixture(autouse=True)
def _low_limit() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < 4 * MANY:
        pytest.skip("the hard limit of open files is too low")
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 50, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def opened(count: int) -> None:
    held: list[int] = []
    try:
        for _ in range(count):
            held.append(os.open("/dev/null", os.O_RDONLY))
    finally:
        for descriptor in held:
            os.close(descriptor)


def test_more_may_be_open_in_the_block_alone() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with descriptors.room_for(MANY):
        opened(MANY)

    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
    with pytest.raises(OSError, match="open files"):
        opened(MANY)


def test_the_hard_limit_is_as_far_as_it_goes() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with descriptors.room_for(hard + MANY):
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
