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


def test_the_longest_name_has_a_file(paths: Paths) -> None:
    names = ["s" * 252 + last for last in "ab"]
    things = [secret(name, password=name) for name in names]
    for thing in things:
        secrets.save(paths, thing)

    assert [secrets.read(paths, "default", name) for name in names] == things


def test_what_a_killed_writer_left_goes_with_the_next_write_or_the_removal(paths: Paths) -> None:
    def killed() -> None:
        with open(f"{paths.secrets}/default/login.new", "w", encoding="utf-8") as file:
            file.write('{"password')

    secrets.save(paths, secret(password="x"))
    killed()
    secrets.save(paths, secret(password="y"))

    assert os.listdir(f"{paths.secrets}/default") == ["login.json"]
    killed()
    secrets.remove(paths, REF)
    assert os.listdir(paths.secrets) == []


def test_what_is_no_known_secrets_is_a_stray(paths: Paths) -> None:
    long = "s" * 253
    for name in ("login", "other", long):
        secrets.save(paths, secret(name, password="x"))
    with open(f"{paths.secrets}/default/half.new", "w", encoding="utf-8") as file:
        file.write('{"password')
    known = [REF, REF.replace(name=long), REF.replace(kind="ConfigMap", name="other")]

    found = secrets.strays(paths, known)
    for file_name in found:
        secrets.discard(file_name)

    assert found == tuple(f"{paths.secrets}/default/{name}" for name in ("half.new", "other.json"))
    assert secrets.strays(paths, known) == ()
    assert len(os.listdir(f"{paths.secrets}/default")) == 2


def test_a_digest_of_a_secret_depends_on_the_host(tmp_path: Path, paths: Paths) -> None:
    other = Paths(state_dir=f"{tmp_path}/other", run_dir=paths.run_dir, log_dir=paths.log_dir)

    assert secrets.digest(paths, "a") == secrets.digest(paths, "a")
    assert secrets.digest(paths, "a") != secrets.digest(other, "a")


@pytest.mark.parametrize("left", [None, b"", b"short"])
def test_a_key_that_is_lost_or_damaged_is_made_anew(paths: Paths, left: bytes | None) -> None:
    before = secrets.digest(paths, "a")
    os.unlink(paths.secrets_key)
    if left is not None:
        with open(paths.secrets_key, "wb") as file:
            file.write(left)

    assert secrets.digest(paths, "a") not in ("", before)
    assert sorted(os.listdir(paths.state_dir)) == ["locks", "secrets.key"]
    assert stat.S_IMODE(os.stat(paths.secrets_key).st_mode) == 0o600
