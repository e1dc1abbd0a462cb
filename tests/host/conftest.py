"""Fixtures of the tests with real containers, and the proof that all of them left nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.kernel import mounts, syscalls
from runtime.kernel.inside import Inside
from tests.fixtures import bench, images, killed, registry, traces
from tests.fixtures.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime.paths import Paths
    from tests.fixtures.bench import Bench
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image
    from tests.fixtures.registry import Registry


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the folder below which all files of this session lie."""
    return str(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left(session_folder: str) -> Iterator[None]:
    """Fail the session when it leaves something; what others have beside it is not looked at."""
    yield

    left = traces.settled(lambda: traces.of_session(session_folder))
    if left:
        pytest.fail("the tests left on this host:\n" + "\n".join(left), pytrace=False)


@pytest.fixture(scope="session")
def busybox_image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Give an image with a shell, as an OCI layout."""
    return images.write_busybox(tmp_path_factory.mktemp("busybox"))


@pytest.fixture
def image(podpy: Podpy, busybox_image: Image) -> str:
    """Put the busybox image into the instance's store; give the name that manifests have for it."""
    return podpy.load(busybox_image)


@pytest.fixture
def dying(podpy: Podpy, tmp_path: Path) -> killed.Dying:
    """Give podpy on the same instance, to be killed at an effect."""
    return killed.Dying(podpy, tmp_path / "dying")


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.fixture(scope="session")
def local_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Give a registry on loopback, empty at the session's start."""
    with registry.running(tmp_path_factory.mktemp("registry")) as serving:
        yield serving


@pytest.fixture
def pod(instance: Paths) -> Iterator[Bench]:
    """Give a pod with nothing but namespaces, to make containers in."""
    with bench.opened(instance) as opened:
        yield opened


@pytest.fixture
def apart() -> Iterator[Inside]:
    """A thread with a mount and a network namespace of its own, dropped with all that is in it."""
    with Inside("apart") as thread:
        thread.call(syscalls.unshare, syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET)
        thread.call(mounts.propagate, "/", mounts.Propagation.SLAVE)
        yield thread


@pytest.fixture
def host_mounts(session_folder: str) -> Iterator[None]:
    """Fail the test that leaves a mount behind in the host's namespace."""
    before = set(traces.mounts())
    yield
    new = set(traces.mounts()) - before
    left = {target for target in new if traces.is_ours(target, session_folder)}
    for target in sorted(left, reverse=True):
        mounts.umount(target)
    assert not left
