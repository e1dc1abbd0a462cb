"""runtime.kernel.cgroups, over directories that are none of the kernel's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.kernel import cgroups

if TYPE_CHECKING:
    from pathlib import Path


def view(root: Path, version: cgroups.Version, *controllers: str) -> cgroups.View:
    only = cgroups.Hierarchy(directory=str(root), controllers=controllers)
    return cgroups.View(version=version, hierarchies=(only,))


@pytest.mark.parametrize(
    ("version", "controllers", "told"),
    [
        (cgroups.Version.V2, ("memory", "pids"), "1"),
        (cgroups.Version.V2, ("pids",), "0"),
        (cgroups.Version.V1, ("memory",), "0"),
    ],
)
def test_a_container_dies_as_one_where_the_kernel_can_do_that(
    tmp_path: Path, version: cgroups.Version, controllers: tuple[str, ...], told: str
) -> None:
    group = tmp_path / "app"
    group.mkdir()
    (group / "memory.oom.group").write_text("0")

    cgroups.die_as_one(view(tmp_path, version, *controllers), "/app")

    assert (group / "memory.oom.group").read_text() == told


def test_a_controller_that_was_not_handed_down_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()

    cgroups.die_as_one(view(tmp_path, cgroups.Version.V2, "memory"), "/app")

    assert not (tmp_path / "app" / "memory.oom.group").exists()
