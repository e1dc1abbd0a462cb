"""Fixtures and rules of all tests: which run here, an instance of their own, the real command."""

from __future__ import annotations

import os
import secrets
import signal
from typing import TYPE_CHECKING

import pytest

from runtime.paths import Paths
from tests.fixtures import requirements, traces
from tests.fixtures.command import Podpy
from tests.fixtures.tree import TREE
from tools import write_launcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_configure() -> None:
    """Let SIGINT end what the tests start: a shell's background job ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the virtual machine out unless it is asked for: `-m vm`."""
    if "vm" in config.getoption("markexpr"):
        return
    for item in items:
        if item.get_closest_marker("vm"):
            item.add_marker(pytest.mark.skip(reason="boots a virtual machine: run `make vm`"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this machine cannot run, with the reason; in CI that is a failure."""
    reason = ""
    if item.get_closest_marker("host"):
        reason = requirements.missing_for_host_tests()
    elif item.get_closest_marker("vm"):
        reason = requirements.missing_for_vm_tests()
    if reason and requirements.in_ci():
        pytest.fail(f"cannot run in CI: {reason}", pytrace=False)
    if reason:
        pytest.skip(reason)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Paths]:
    """Give the paths of an instance of its own; whatever it left on the host is taken off.

    A test about removal asserts with `podpy.left()` that podpy itself left nothing.
    """
    root = str(tmp_path / "podpy")
    os.mkdir(root)
    paths = Paths(
        state_dir=f"{root}/lib",
        run_dir=f"{root}/run",
        log_dir=f"{root}/log",
        instance=f"{traces.SESSION}{secrets.token_hex(2)}",
    )
    yield paths
    if os.geteuid() == 0:
        traces.remove_instance(paths.instance, root)


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the path of podpy as `make install` installs it, for this environment and tree."""
    target = str(tmp_path_factory.mktemp("bin") / "podpy")
    write_launcher.write(target, TREE)
    return target


@pytest.fixture
def podpy(launcher: str, instance: Paths) -> Iterator[Podpy]:
    """Give the real command, speaking to `instance`."""
    command = Podpy(launcher, os.path.dirname(instance.state_dir), instance)
    yield command
    command.stop_started()
