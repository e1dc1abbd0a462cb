"""reconciler.source.repository: revisions in, their files out, on a real git."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from manifests.faults import Invalid
from manifests.sources import File
from reconciler.source import git
from reconciler.source.refs import FETCHED, GOOD
from reconciler.source.repository import DamagedError, Repository, is_sha256

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 1 << 20


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(str(tmp_path / "shop.git"))
    made.ensure()
    return made


def files(**texts: str) -> list[File]:
    return [File(name=name.replace("_", "/"), data=text.encode()) for name, text in texts.items()]


def test_what_is_stored_is_read_back(repository: Repository) -> None:
    odd = [File(name='a "b"\\\n/ü.yaml', data=b"\x00\xff\n\n"), File(name="empty.yaml", data=b"")]
    commit = repository.store(odd)
    entries = repository.entries(commit)

    assert sorted(repository.read(entries, LIMIT), key=lambda one: one.name) == odd


def test_the_same_files_are_the_same_revision(repository: Repository) -> None:
    first = repository.store(files(a="1", b="2"))
    other = repository.store(files(a="1"))
    again = repository.store(files(a="1", b="2"))

    assert first == again != other


def test_a_path_limits_what_is_listed_and_one_that_is_missing_is_told(
    repository: Repository,
) -> None:
    commit = repository.store(files(apps_a="1", apps_b="2", other="3"))

    assert [entry.path for entry in repository.entries(commit, "./apps/")] == ["apps/a", "apps/b"]
    assert len(repository.entries(commit, ".")) == 3
    with pytest.raises(Invalid, match='holds nothing at "none"'):
        repository.entries(commit, "none")


def test_a_file_that_is_too_big_is_not_read(repository: Repository) -> None:
    commit = repository.store(files(big="x" * 100))

    with pytest.raises(Invalid, match="big is too big"):
        repository.read(repository.entries(commit), 99)


def test_what_nothing_names_is_dropped_and_what_is_kept_stays(repository: Repository) -> None:
    commits = [repository.store(files(a=str(number))) for number in range(150)]
    repository.keep(commits[:2])
    repository.tidy()
    left = sum(len(names) for _, _, names in os.walk(f"{repository.path}/objects"))

    assert repository.commit(commits[0]) == commits[0]
    assert repository.commit(commits[-1]) == commits[-1]
    assert repository.commit(commits[75]) == ""
    assert left < 20


def test_what_killed_gits_have_locked_is_unlocked(repository: Repository) -> None:
    for name in ("HEAD.lock", "shallow.lock", "refs/podpy/fetched.lock"):
        path = f"{repository.path}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8"):
            pass
    repository.ensure()

    assert repository.store(files(a="1"))


def test_another_object_format_makes_a_new_repository_beside_the_good_revision(
    repository: Repository,
) -> None:
    old = repository.store(files(a="1"))
    repository.point(GOOD, old)
    repository.ensure(sha256=True)
    new = repository.store(files(a="2"))
    kept = repository.read(repository.entries(old), LIMIT), repository.commit(GOOD)
    dropped = repository.keep([new, old])
    repository.point(GOOD, new)

    assert (is_sha256(old), is_sha256(new)) == (False, True)
    assert kept == ((File(name="a", data=b"1"),), old)
    assert not dropped
    assert (repository.commit(old), repository.commit(GOOD)) == ("", new)


def test_a_source_that_changes_its_format_and_back_loses_nothing(repository: Repository) -> None:
    old = repository.store(files(a="1"))
    repository.point(GOOD, old)
    repository.ensure(sha256=True)
    new = repository.store(files(a="2"))
    repository.ensure(sha256=False)

    assert repository.commit(GOOD) == repository.commit(old) == old
    assert repository.commit(new) == new
    assert repository.store(files(a="1")) == old


@pytest.mark.parametrize("moved", [1, 2])
def test_a_change_of_formats_that_was_killed_is_gone_on_with(
    repository: Repository, moved: int
) -> None:
    old = repository.store(files(a="1"))
    repository.point(GOOD, old)
    os.rename(repository.path, f"{repository.path}.swap")
    if moved > 1:
        repository._make(sha256=True)
    repository.ensure(sha256=True)

    assert repository.commit(GOOD) == old
    assert is_sha256(repository.store(files(a="2")))


def test_what_is_dropped_now_does_not_lie_about(repository: Repository) -> None:
    gone, kept = repository.store(files(a="secret")), repository.store(files(a="1"))
    first = repository.keep([gone, kept])
    again = repository.keep([kept])
    repository.tidy(now=again)

    assert (first, again) == (False, True)
    assert (repository.commit(gone), repository.commit(kept)) == ("", kept)


DIGEST, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def test_an_artifact_is_called_by_its_digest(repository: Repository) -> None:
    plain = repository.store(files(a="1"))
    stored = repository.store(files(a="1"), artifact=DIGEST)
    repository.point(GOOD, DIGEST)
    repository.tidy(now=True)

    assert stored == DIGEST == repository.commit(FETCHED) == repository.commit(GOOD)
    assert repository.commit(DIGEST) == DIGEST
    assert repository.commit(plain) == ""
    assert repository.commit(OTHER) == ""
    entries = repository.entries(DIGEST)
    assert repository.read(entries, LIMIT) == tuple(files(a="1"))


def test_two_artifacts_with_the_same_files_are_two_revisions(repository: Repository) -> None:
    for name in (DIGEST, OTHER):
        assert repository.store(files(a="1"), artifact=name) == name

    assert repository.commit(DIGEST) == DIGEST


def test_what_is_bound_to_an_artifact_tells_its_digest(repository: Repository) -> None:
    repository.store(files(a="1"), artifact=DIGEST)
    bound = repository.bind(DIGEST, File(name="inputs", data=b"{}"))

    assert repository.commit(f"{bound}^") == DIGEST
    assert [entry.path for entry in repository.entries(bound)] == ["a", "inputs"]


def test_artifacts_are_kept_while_something_needs_them(repository: Repository) -> None:
    third = f"sha256:{'c' * 64}"
    repository.store(files(a="1"), artifact=DIGEST)
    bound = repository.bind(DIGEST, File(name="inputs", data=b"{}"))
    repository.store(files(b="1"), artifact=OTHER)
    repository.store(files(c="1"), artifact=third)
    assert not repository.keep([bound, OTHER, third])
    assert repository.keep([bound, third])
    repository.tidy(now=True)

    assert repository.commit(DIGEST) == DIGEST
    assert repository.commit(OTHER) == ""
    assert repository.commit(third) == third


def test_a_renewed_repository_knows_its_artifacts(repository: Repository) -> None:
    repository.store(files(a="1"), artifact=DIGEST)
    repository.renew()

    assert repository.commit(DIGEST) == DIGEST == repository.commit(FETCHED)


def test_links_are_stored_as_links(repository: Repository) -> None:
    link = File(name="l.yaml", data=b"/etc/shadow")
    found = repository.entries(repository.store(files(a="1"), links=[link]))

    assert [(entry.path, str(entry.kind)) for entry in found] == [("a", "file"), ("l.yaml", "link")]


def test_what_was_stored_last_is_stored_without_git_until_the_repository_is_made_anew(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = repository.store(files(a="1"))
    git.check(repository.path, "pack-refs", "--all")
    with monkeypatch.context() as without:
        without.setenv("PATH", "")
        again = repository.store(files(a="1"))
        known = repository.is_at(FETCHED, first), repository.is_at(FETCHED, "0" * 40)
    shutil.rmtree(f"{repository.path}/objects")
    os.mkdir(f"{repository.path}/objects")
    with pytest.raises(DamagedError):
        repository.entries(repository.store(files(a="1")))
    repository.renew()
    anew = repository.store(files(a="1"))

    assert first == again == anew
    assert known == (True, False)
    assert [entry.path for entry in repository.entries(anew)] == ["a"]
    assert repository.store(files(a="2")) != first
