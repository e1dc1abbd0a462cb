"""A Sync's git source against real repositories: what it fetches, and what it puts up with."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from manifests.faults import Fault, HostFault, Invalid, TimedOut
from manifests.sync import GitRef, GitSource
from reconciler.source.refs import FETCHED, GOOD
from reconciler.source.remote import Remote
from reconciler.source.repository import DamagedError, Repository
from tests.fixtures.forge import Forge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.host

SECONDS = 30.0


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "forge")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(str(tmp_path / "sources/shop.git"))


HEAD = GitRef()


def fetch(forge: Forge, repository: Repository, ref: GitRef = HEAD) -> str:
    return Remote(GitSource(url=forge.url, ref=ref), SECONDS).fetch(repository)


def texts(repository: Repository, commit: str) -> dict[str, str]:
    """Name -> content of the files of a commit."""
    files = repository.read(repository.entries(commit), 2**20)
    return {file.name: file.data.decode() for file in files}


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_what_a_ref_means_is_followed(tmp_path: Path, repository: Repository, form: str) -> None:
    forge = Forge(tmp_path / "remote", object_format=form)
    first = forge.commit({"a": "1"})
    forge.git("tag", "v1.0.0")
    second = forge.commit({"a": "2"})
    forge.tag("v1.1.0")
    forge.git("checkout", "--quiet", "-b", "other")
    third = forge.commit({"a": "3"})

    assert fetch(forge, repository) == third  # HEAD
    assert fetch(forge, repository, GitRef(branch="main")) == second
    assert fetch(forge, repository, GitRef(tag="v1.0.0")) == first
    assert fetch(forge, repository, GitRef(tag="v1.1.0")) == second
    assert fetch(forge, repository, GitRef(semver=">=1.0.0")) == second
    assert fetch(forge, repository, GitRef(commit=first)) == first
    assert texts(repository, third) == {"a": "3"}


def test_a_remote_that_changes_its_object_format_is_followed(
    tmp_path: Path, forge: Forge, repository: Repository
) -> None:
    new = Forge(tmp_path / "new", object_format="sha256")
    forge.commit({"a": "1"})
    fetch(forge, repository)
    commit = new.commit({"a": "2"})

    assert fetch(new, repository) == commit
    assert texts(repository, commit) == {"a": "2"}


@pytest.mark.parametrize("any_commit", ["true", "false"])
@pytest.mark.parametrize("branch", ["", "main"])
def test_a_commit_is_had_from_remotes_that_give_any_and_that_do_not(
    forge: Forge, repository: Repository, any_commit: str, branch: str
) -> None:
    pinned = forge.commit({"a": "1"})
    forge.commit({"a": "2"})
    forge.git("config", "uploadpack.allowAnySHA1InWant", any_commit)
    fetch(forge, repository)
    source = GitSource(url=f"file://{forge.url}", ref=GitRef(commit=pinned, branch=branch))

    assert Remote(source, SECONDS).fetch(repository) == pinned
    assert texts(repository, pinned) == {"a": "1"}


def test_a_commit_that_the_remote_does_not_have_is_told(
    forge: Forge, repository: Repository
) -> None:
    forge.commit({"a": "1"})

    with pytest.raises(Fault, match="1234567890"):
        fetch(forge, repository, GitRef(commit="1234567890" * 4))


def test_a_branch_that_was_pushed_by_force_is_followed(
    forge: Forge, repository: Repository
) -> None:
    forge.commit({"a": "1"})
    forge.commit({"a": "2"})
    fetch(forge, repository)
    forge.git("reset", "--quiet", "--hard", "HEAD~1")
    forced = forge.commit({"a": "3"})

    assert fetch(forge, repository) == forced
    assert repository.commit(FETCHED) == forced


def test_a_branch_that_was_deleted_is_told_and_what_was_fetched_stays(
    forge: Forge, repository: Repository
) -> None:
    commit = forge.commit({"a": "1"})
    forge.git("branch", "live")
    fetch(forge, repository, GitRef(branch="live"))
    forge.git("branch", "-D", "live")

    with pytest.raises(Invalid, match='has no branch "live"'):
        fetch(forge, repository, GitRef(branch="live"))
    assert texts(repository, commit) == {"a": "1"}


def test_a_remote_without_commits_is_told(forge: Forge, repository: Repository) -> None:
    with pytest.raises(Invalid, match="has no commit yet"):
        fetch(forge, repository)


def test_history_is_not_fetched_and_of_a_change_only_what_is_new(
    forge: Forge, repository: Repository
) -> None:
    (forge.path / "large").write_bytes(os.urandom(2**20))
    forge.commit({"a": "1"})
    (forge.path / "large").write_bytes(os.urandom(2**20))
    forge.commit({"a": "2"})
    fetch(forge, repository)
    first = size(repository)
    forge.commit({"a": "3"})
    fetch(forge, repository)

    assert 2**20 < first < 1.5 * 2**20
    assert size(repository) - first < 2**16


def size(repository: Repository) -> int:
    objects = Path(repository.path, "objects").rglob("*")
    return sum(path.stat().st_size for path in objects if path.is_file())


def truncate_packs(path: Path) -> None:
    for pack in path.glob("objects/pack/*.pack"):
        pack.chmod(0o600)
        os.truncate(pack, pack.stat().st_size // 2)


def remove_objects(path: Path) -> None:
    for item in path.glob("objects/??/*"):
        item.unlink()


def empty_objects(path: Path) -> None:
    for item in path.glob("objects/??/*"):
        item.chmod(0o600)
        item.write_bytes(b"")


def remove_head(path: Path) -> None:
    (path / "HEAD").unlink()


def spoil_refs(path: Path) -> None:
    for name in (FETCHED, GOOD):
        (path / name).write_text("")


def leave_locks(path: Path) -> None:
    for name in ("shallow.lock", "HEAD.lock", "config.lock", f"{FETCHED}.lock"):
        (path / name).write_text("")


DAMAGES = [
    truncate_packs, remove_objects, empty_objects, remove_head, spoil_refs, leave_locks,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("packed", [False, True])
def test_a_damaged_repository_is_made_anew(
    forge: Forge, repository: Repository, damage: Callable[[Path], None], packed: bool
) -> None:
    forge.commit({f"{n}": f"{n}" for n in range(20)})
    repository.point(GOOD, fetch(forge, repository))
    if packed:
        repository.tidy()
    damage(Path(repository.path))
    commit = forge.commit({"a": "new"})

    assert fetch(forge, repository) == commit
    try:
        texts(repository, commit)
    except DamagedError:  # git 2.47, unlike 2.39, takes empty objects for good ones.
        repository.renew()
        assert fetch(forge, repository) == commit
    assert texts(repository, commit)["a"] == "new"
    assert texts(repository, commit)["7"] == "7"
    repository.point(GOOD, commit)
    assert repository.whole()
    assert os.listdir(os.path.dirname(repository.path)) == ["shop.git"]


def test_revisions_that_are_whole_outlive_the_damage_of_another(
    forge: Forge, repository: Repository
) -> None:
    good = forge.commit({"a": "good"})
    repository.point(GOOD, fetch(forge, repository))
    bad = forge.commit({"a": "bad"})
    fetch(forge, repository)
    blob = repository.entries(bad)[0].blob
    Path(repository.path, "objects", blob[:2], blob[2:]).unlink()
    repository.renew()

    assert texts(repository, good) == {"a": "good"}
    assert repository.commit(bad) == ""
    assert fetch(forge, repository) == bad
    assert texts(repository, bad) == {"a": "bad"}


def test_a_renewal_that_was_killed_is_done_again(forge: Forge, repository: Repository) -> None:
    good = forge.commit({"a": "good"})
    repository.point(GOOD, fetch(forge, repository))
    os.rename(repository.path, f"{repository.path}.damaged")
    Path(repository.path).mkdir()
    repository.ensure()

    assert texts(repository, good) == {"a": "good"}
    assert os.listdir(os.path.dirname(repository.path)) == ["shop.git"]


def test_a_repository_of_another_user_wants_the_administrators_word(
    tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = Forge(tmp_path / "remote.git")
    commit = remote.commit({"a": "1"})
    inside = remote.path / ".git"
    os.chown(inside, 65534, 65534)
    source = GitSource(url=str(inside))
    with pytest.raises(HostFault, match="belongs to another user") as refused:
        Remote(source, SECONDS).fetch(repository)
    words = refused.value.hint.replace("--system", f"--file {tmp_path}/gitconfig").split()
    subprocess.run(words, check=True, timeout=SECONDS)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", f"{tmp_path}/gitconfig")

    assert Remote(source, SECONDS).fetch(repository) == commit


@pytest.fixture
def silent() -> Iterator[int]:
    """Give the port of a server that takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        links: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    links.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(SECONDS)
        for link in links:
            link.close()


@pytest.mark.parametrize("scheme", ["https", "http", "ssh"])
def test_a_remote_that_is_silent_is_given_up_in_time(
    repository: Repository, silent: int, scheme: str
) -> None:
    url = f"{scheme}://127.0.0.1:{silent}/shop.git"

    with pytest.raises(TimedOut, match=rf"{url} was not fetched within 1 s"):
        Remote(GitSource(url=url), 1.0).fetch(repository)
    assert processes_with(url) == []


def processes_with(word: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


CHILD = """
import sys
from manifests.sync import GitSource
from reconciler.source.remote import Remote
from reconciler.source.repository import Repository
Remote(GitSource(url=sys.argv[1]), 60.0).fetch(Repository(sys.argv[2]))
"""


def test_git_ends_with_podpy_however_that_ends(silent: int, repository: Repository) -> None:
    url = f"https://127.0.0.1:{silent}/shop.git"
    child = subprocess.Popen([sys.executable, "-c", CHILD, url, repository.path])
    until = time.monotonic() + SECONDS
    while len(processes_with("ls-remote\0--quiet\0" + url)) < 1:
        assert time.monotonic() < until
    child.send_signal(signal.SIGKILL)
    child.wait(SECONDS)
    while processes_with("ls-remote\0--quiet\0" + url):
        assert time.monotonic() < until
    assert child.returncode == -signal.SIGKILL


def test_nothing_of_a_source_is_ever_run(
    forge: Forge, repository: Repository, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    program = forge.path / ".git/hooks/post-checkout"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    commit = forge.commit(
        {
            "a.yaml": "1",
            ".gitattributes": "* filter=evil diff=evil export-subst\n",
            ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::touch% {ran}\n',
            "hooks/post-checkout": program.read_text(),
        }
    )
    fetch(forge, repository)

    assert texts(repository, commit)["a.yaml"] == "1"
    assert not ran.exists()
    assert not Path(repository.path, "hooks").exists()


def test_revisions_that_nothing_names_do_not_pile_up(forge: Forge, repository: Repository) -> None:
    for n in range(30):
        (forge.path / "large").write_bytes(os.urandom(2**16))
        commit = forge.commit({f"{m}": f"{n} {m}" for m in range(110)})  # enough for a pack
        repository.point(GOOD, fetch(forge, repository))
        repository.keep([commit])
        repository.tidy()

    assert size(repository) < 22 * 2**16
    assert len(list(Path(repository.path).glob("objects/pack/*.pack"))) <= 22
    assert texts_of_names(repository, commit) >= {"1", "109"}
    assert repository.whole()


def texts_of_names(repository: Repository, commit: str) -> set[str]:
    return {entry.path for entry in repository.entries(commit)}
