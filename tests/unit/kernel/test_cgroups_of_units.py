from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.kernel import cgroups
from runtime.oci import container as oci
from runtime.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = "podpy.slice/podpy-a.slice/podpy-a_b_c.service"


@pytest.fixture
def seen(tmp_path: Path) -> cgroups.View:
    """Give a view of a tree that looks like cgroup v2 with a service of systemd's in it."""
    place = tmp_path
    for name in ("", *SERVICE.split("/")):
        place = place / name
        place.mkdir(exist_ok=True)
        (place / "cgroup.subtree_control").write_text("")
    only = cgroups.Hierarchy(directory=str(tmp_path), controllers=("memory",))
    return cgroups.View(version=cgroups.Version.V2, hierarchies=(only,))


def test_what_systemd_has_made_is_left_to_it(seen: cgroups.View, tmp_path: Path) -> None:
    cgroups.create(seen, f"/{SERVICE}/container")

    assert (tmp_path / SERVICE / "container").is_dir()
    handed = {
        str(path.parent.relative_to(tmp_path)): path.read_text()
        for path in tmp_path.rglob("cgroup.subtree_control")
    }
    assert handed.pop(SERVICE) == "+memory"
    assert set(handed.values()) == {""}


def test_who_steps_down_has_handed_nothing_down_before(seen: cgroups.View, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):  # here nobody makes cgroup.procs
        cgroups.step_down(seen, f"/{SERVICE}", "supervisor")

    assert (tmp_path / SERVICE / "supervisor").is_dir()
    assert (tmp_path / SERVICE / "cgroup.subtree_control").read_text() == ""


def test_a_container_is_where_its_supervisor_has_put_it(tmp_path: Path) -> None:
    paths = Paths(state_dir="/s", run_dir=str(tmp_path), log_dir="/l", instance="pp")

    assert oci.cgroup_of(paths, "u-1", "app") == "/pp/u-1/app"

    for place in (f"/{SERVICE}/first", f"/{SERVICE}/container"):
        oci.give_cgroup(paths, "u-1", "app", place)

    assert oci.Container.of(paths, "u-1", "app").cgroup == f"/{SERVICE}/container"
    assert oci.cgroup_of(paths, "u-1", "log") == "/pp/u-1/log"
