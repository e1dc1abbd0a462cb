"""runtime.rootless.mode: what the environment claims, and what of it is true."""

from __future__ import annotations

import pytest

from runtime import paths
from runtime.rootless import mode


def inside(monkeypatch: pytest.MonkeyPatch, tmp_path: object, mapped: str, claim: str) -> None:
    """Let this process be in a user namespace of that map, as far as `mode` can see."""
    file = f"{tmp_path}/uid_map"
    with open(file, "w", encoding="ascii") as opened:
        opened.write(mapped)
    monkeypatch.setattr(mode, "_UID_MAP", file)
    monkeypatch.setenv(mode.VARIABLE, claim)


def test_a_variable_that_came_along_with_sudo_makes_nobody_a_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    inside(monkeypatch, tmp_path, "         0          0 4294967295\n", "1000")

    assert mode.user() is None
    assert not mode.without_cgroups()


@pytest.mark.parametrize("delegated", [True, False])
def test_inside_it_is_known_for_whom_and_with_what(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object, delegated: bool
) -> None:
    claim = mode.name(1000, delegated=delegated)
    inside(monkeypatch, tmp_path, "         0       1000          1\n", claim)

    assert mode.user() == 1000
    assert mode.without_cgroups() is not delegated


def test_root_inside_has_the_users_places(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    inside(monkeypatch, tmp_path, "0 1000 1\n", "1000")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    for name in ("PODPY_ROOT", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/ann")

    found = paths.default()

    assert found.state_dir == "/home/ann/.local/share/podpy"
    assert found.run_dir == "/run/user/1000/podpy"
    assert not found.is_the_hosts
