"""Fixtures of the tests with real containers, and the proof that all of them left nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.kernel import mounts, syscalls
from runtime.kernel.inside import Inside
from tests.fixtures import images, registry, requirements, traces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fixtures.images import Image
    from tests.fixtures.registry import Registry


@pytest.fixture(scope="session")
def is_ours(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bool]:
    """Tell whether what is new on the host is this session's doing.

    Outside CI other work may run beside the tests: there, only what names this session's folder
    or one of its instances counts.
    """
    marks = (traces.SESSION, str(tmp_path_factory.getbasetemp()))
    return lambda about: requirements.in_ci() or any(mark in about for mark in marks)


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left(is_ours: Callable[[str], bool]) -> Iterator[None]:
    """Fail the session when the host is not as it was before."""
    before = traces.of_host()
    yield

    left = traces.settled(lambda: filter(is_ours, traces.of_host() - before))
    if left:
        pytest.fail("the tests left on this host:\n" + "\n".join(left), pytrace=False)


@pytest.fixture(scope="session")
def busybox_image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Give an image with a shell, as an OCI layout."""
    return images.write_busybox(tmp_path_factory.mktemp("busybox"))


@pytest.fixture(scope="session")
def local_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Give a registry on loopback, empty at the session's start."""
    with registry.running(tmp_path_factory.mktemp("registry")) as serving:
        yield serving


@pytest.fixture
def apart() -> Iterator[Inside]:
    """A thread with a mount and a network namespace of its own, dropped with all that is in it."""
    with Inside("apart") as thread:
        thread.call(syscalls.unshare, syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET)
        thread.call(mounts.propagate, "/", mounts.Propagation.SLAVE)
        yield thread


@pytest.fixture
def host_mounts(is_ours: Callable[[str], bool]) -> Iterator[None]:
    """Fail the test that leaves a mount behind in the host's namespace."""
    before = {mount.target for mount in mounts.table()}
    yield
    left = set(filter(is_ours, {mount.target for mount in mounts.table()} - before))
    for target in sorted(left, reverse=True):
        mounts.umount(target)
    assert not left
