"""reconciler.state.secrets: the content of Secrets, in private files."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from manifests.ref import Ref
from reconciler.state import secrets
from runtime.paths import Paths
from tests.unit.reconciler.builders import secret

if TYPE_CHECKING:
    from pathlib import Path

REF = Ref(kind="Secret", namespace="default", name="login")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(state_dir=f"{tmp_path}/lib", run_dir=f"{tmp_path}/run", log_dir=f"{tmp_path}/log")


def test_a_secret_is_read_back_with_its_content(paths: Paths) -> None:
    thing = secret(password="x\n\u00e9").replace(string_data={"token": "t"})
    secrets.save(paths, thing)

    assert secrets.read(paths, "default", "login") == thing


def test_a_secret_that_was_never_saved_is_none(paths: Paths) -> None:
    assert secrets.read(paths, "default", "login") is None


def test_the_file_and_its_folder_are_private_whatever_the_umask(paths: Paths) -> None:
    umask = os.umask(0)
    try:
        secrets.save(paths, secret(password="x"))
    finally:
        os.umask(umask)
    modes = {
        stat.S_IMODE(os.stat(f"{paths.secrets}/{name}").st_mode)
        for name in ("default", "default/login.json")
    }

    assert modes == {0o700, 0o600}


def test_saving_again_replaces_the_content_and_leaves_no_other_file(paths: Paths) -> None:
    secrets.save(paths, secret(password="old"))
    secrets.save(paths, secret(password="new"))

    assert secrets.read(paths, "default", "login") == secret(password="new")
    assert os.listdir(f"{paths.secrets}/default") == ["login.json"]


def test_a_removed_secret_leaves_nothing(paths: Paths) -> None:
    secrets.save(paths, secret(password="x"))
    secrets.remove(paths, REF)
    secrets.remove(paths, REF)

    assert secrets.read(paths, "default", "login") is None
    assert os.listdir(paths.secrets) == []


def test_removing_one_secret_keeps_the_others(paths: Paths) -> None:
    secrets.save(paths, secret("login", password="x"))
    secrets.save(paths, secret("other", password="y"))
    secrets.remove(paths, REF)

    assert secrets.read(paths, "default", "other") == secret("other", password="y")


def test_no_repr_shows_the_content() -> None:
    thing = secret(password="correct-horse").replace(string_data={"token": "battery-staple"})

    assert "correct-horse" not in repr(thing)
    assert "battery-staple" not in repr(thing)
