"""A Sync that reads a part of a git remote: what is fetched of it, and that it is all there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from manifests.faults import Fault
from manifests.sync import GitCredentials, GitSource
from reconciler.source import packing
from reconciler.source.refs import FETCHED, GOOD
from reconciler.source.remote import Remote
from reconciler.source.repository import LackingError, Repository
from reconciler.source.selection import Part
from tests.fixtures import git_https, git_ssh
from tests.fixtures.forge import Forge
from tests.fixtures.git_https import HttpsForge
from tests.fixtures.objects import config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fixtures.command import Podpy
    from tests.fixtures.git_ssh import SshForge

pytestmark = pytest.mark.host

SECONDS = 30.0
SHOP = Part(path="deploy/shop")
TEXTS: dict[str, str | None] = {
    "deploy/shop/a.yaml": "a",
    "deploy/shop/b.yaml": "b",
    "deploy/other/c.yaml": "c",
}


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    made = Forge(tmp_path / "served" / "shop")
    made.git("config", "uploadpack.allowFilter", "true")
    add_bulk(made)
    return made


def add_bulk(forge: Forge) -> None:
    (forge.path / "bulk").write_bytes(os.urandom(2**20))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(str(tmp_path / "sources/shop.git"))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authority") / "certificates"


@pytest.fixture
def server(forge: Forge, certificates: Path) -> Iterator[HttpsForge]:
    with git_https.running(forge.path.parent, certificates) as serving:
        yield serving


@pytest.fixture
def token(tmp_path: Path) -> Path:
    return git_https.write_token(tmp_path)


@pytest.fixture
def remote(server: HttpsForge, token: Path) -> Callable[[], Remote]:
    given = GitCredentials(token_file=str(token), ca_file=server.ca_file)
    source = GitSource(url=f"{server.origin}/shop/.git", credentials=given)
    return lambda: Remote(source, SECONDS)


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshForge]:
    with git_ssh.running(tmp_path / "a folder") as serving:
        yield serving


def reached_by(ssh: SshForge, forge: Forge) -> GitSource:
    given = GitCredentials(ssh_key_file=ssh.key_file, known_hosts_file=ssh.known_hosts_file)
    return GitSource(url=ssh.url(forge.path), credentials=given)


def texts(repository: Repository, commit: str, path: str = "deploy/shop") -> dict[str, str]:
    files = repository.read(repository.entries(commit, path), 2**21)
    return {os.path.basename(file.name): file.data.decode() for file in files}


def size(repository: Repository) -> int:
    objects = Path(repository.path, "objects").rglob("*")
    return sum(path.stat().st_size for path in objects if path.is_file())


def posts(server: HttpsForge) -> int:
    return sum(path.endswith("/git-upload-pack") for path, _ in server.asked)


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_the_part_that_is_read_comes_whole_and_nothing_else(
    tmp_path: Path, repository: Repository, token: Path, certificates: Path, form: str
) -> None:
    forge = Forge(tmp_path / "served" / "shop", object_format=form)
    forge.git("config", "uploadpack.allowFilter", "true")
    add_bulk(forge)
    first = forge.commit(TEXTS)
    with git_https.running(forge.path.parent, certificates) as server:
        given = GitCredentials(token_file=str(token), ca_file=server.ca_file)
        source = GitSource(url=f"{server.origin}/shop/.git", credentials=given)
        assert Remote(source, SECONDS).fetch(repository, SHOP) == first
        second = forge.commit({"deploy/shop/a.yaml": "a 2"})
        assert Remote(source, SECONDS).fetch(repository, SHOP) == second

    assert texts(repository, first) == {"a.yaml": "a", "b.yaml": "b"}
    assert texts(repository, second) == {"a.yaml": "a 2", "b.yaml": "b"}
    assert size(repository) < 2**16
    assert repository.whole()
    with pytest.raises(LackingError, match=r"deploy/other/c\.yaml was not fetched"):
        texts(repository, second, "deploy/other")


def test_globs_leave_contents_out_too(
    forge: Forge, repository: Repository, remote: Callable[[], Remote]
) -> None:
    forge.commit({**TEXTS, "deploy/shop/notes.txt": "notes"})
    commit = remote().fetch(repository, Part(exclude=("b.yaml", "other")))

    assert texts(repository, commit, "deploy/shop/a.yaml") == {"a.yaml": "a"}
    for path in ("deploy/shop/b.yaml", "deploy/shop/notes.txt", "deploy/other", "bulk"):
        with pytest.raises(LackingError):
            texts(repository, commit, path)


def test_what_others_change_costs_no_second_request(
    forge: Forge, repository: Repository, server: HttpsForge, remote: Callable[[], Remote]
) -> None:
    forge.commit(TEXTS)
    remote().fetch(repository, SHOP)
    server.asked.clear()
    commit = forge.commit({"deploy/other/c.yaml": "c 2"})
    remote().fetch(repository, SHOP)

    assert posts(server) == 3  # the refs, and again with the commit
    assert texts(repository, commit) == {"a.yaml": "a", "b.yaml": "b"}


def test_another_part_is_fetched_of_what_is_kept_too(
    forge: Forge, repository: Repository, remote: Callable[[], Remote]
) -> None:
    first = forge.commit(TEXTS)
    repository.point(GOOD, remote().fetch(repository, SHOP))
    second = forge.commit({"deploy/other/c.yaml": "c 2"})
    other = Part(path="deploy/other")
    remote().fetch(repository, other, first)

    assert texts(repository, second, "deploy/other") == {"c.yaml": "c 2"}
    assert texts(repository, first, "deploy/other") == {"c.yaml": "c"}
    assert size(repository) < 2**16
    commit = remote().fetch(repository)
    assert texts(repository, commit, "deploy") == {"a.yaml": "a", "b.yaml": "b", "c.yaml": "c 2"}
    assert size(repository) > 2**20


def test_a_remote_that_leaves_nothing_out_gives_all(
    forge: Forge, repository: Repository, remote: Callable[[], Remote]
) -> None:
    forge.git("config", "uploadpack.allowFilter", "false")
    for n in range(3):
        commit = forge.commit({**TEXTS, "deploy/shop/a.yaml": f"{n}"})
        remote().fetch(repository, SHOP)

    assert texts(repository, commit) == {"a.yaml": "2", "b.yaml": "b"}
    assert size(repository) > 2**20


def test_a_remote_that_forbids_the_filter_gives_all(
    forge: Forge, repository: Repository, ssh: SshForge
) -> None:
    forge.git("config", "uploadpackfilter.allow", "false")
    commit = forge.commit(TEXTS)
    Remote(reached_by(ssh, forge), SECONDS).fetch(repository, SHOP)

    assert texts(repository, commit) == {"a.yaml": "a", "b.yaml": "b"}


@pytest.mark.parametrize("any_object", [True, False])
def test_a_remote_of_the_old_protocol_is_followed(
    forge: Forge, repository: Repository, ssh: SshForge, any_object: bool
) -> None:
    """This sshd takes no GIT_PROTOCOL, so it is spoken to as git did before version 2."""
    forge.git("config", "uploadpack.allowAnySHA1InWant", str(any_object).lower())
    source = reached_by(ssh, forge)
    for n in range(3):
        commit = forge.commit({**TEXTS, "deploy/shop/a.yaml": f"{n}", "deploy/other/c.yaml": "c"})
        assert Remote(source, SECONDS).fetch(repository, SHOP) == commit
        assert texts(repository, commit) == {"a.yaml": f"{n}", "b.yaml": "b"}

    assert (size(repository) < 2**16) is any_object
    assert size(repository) < 2**21  # the bulk has come once


def test_a_remote_that_dies_between_the_requests_is_asked_for_the_rest(
    forge: Forge, repository: Repository, server: HttpsForge, remote: Callable[[], Remote]
) -> None:
    (forge.path / "deploy/shop").mkdir(parents=True)
    (forge.path / "deploy/shop/large.yaml").write_text(os.urandom(2**14).hex())
    commit = forge.commit(TEXTS)
    server.cut = 2**12
    with pytest.raises(Fault, match="cannot be fetched"):
        remote().fetch(repository, SHOP)
    cut = repository.commit(FETCHED)
    server.cut = 0
    remote().fetch(repository, SHOP)

    assert cut == commit
    assert set(texts(repository, commit)) == {"a.yaml", "b.yaml", "large.yaml"}
    assert size(repository) < 2**18
    assert not list(Path(repository.path).rglob("tmp_*"))


def truncate_packs(path: Path) -> None:
    for pack in path.glob("objects/pack/*.pack"):
        pack.chmod(0o600)
        os.truncate(pack, pack.stat().st_size // 2)


def remove_contents(path: Path) -> None:
    """Remove all packs but the largest, which has the trees."""
    *others, _ = sorted(path.glob("objects/pack/*.pack"), key=lambda pack: pack.stat().st_size)
    for pack in others:
        for suffix in (".pack", ".idx", ".promisor"):
            pack.with_suffix(suffix).unlink()


def spoil_refs(path: Path) -> None:
    for name in (FETCHED, GOOD):
        (path / name).write_text("")


def remove_marks(path: Path) -> None:
    for mark in path.glob("objects/pack/*.promisor"):
        mark.unlink()


@pytest.mark.parametrize(
    ("damage", "packed"),
    [
        (truncate_packs, False), (truncate_packs, True), (remove_contents, False),
        (spoil_refs, False), (remove_marks, True),
    ],
)  # fmt: skip
def test_a_damaged_repository_is_mended(
    forge: Forge,
    repository: Repository,
    remote: Callable[[], Remote],
    damage: Callable[[Path], None],
    packed: bool,
) -> None:
    first = forge.commit(TEXTS)
    repository.point(GOOD, remote().fetch(repository, SHOP))
    if packed:
        repository.tidy(now=True)
    damage(Path(repository.path))
    commit = forge.commit({"deploy/shop/a.yaml": "new"})
    kept = first if repository.commit(first) else ""

    assert remote().fetch(repository, SHOP, kept) == commit
    assert texts(repository, commit) == {"a.yaml": "new", "b.yaml": "b"}
    repository.point(GOOD, commit)
    assert repository.whole()
    assert os.listdir(os.path.dirname(repository.path)) == ["shop.git"]


def test_what_is_kept_outlives_a_renewal_and_goes_on_to_lack_the_rest(
    forge: Forge, repository: Repository, remote: Callable[[], Remote]
) -> None:
    first = forge.commit(TEXTS)
    repository.point(GOOD, remote().fetch(repository, SHOP))
    second = forge.commit({"deploy/shop/a.yaml": "a 2"})
    remote().fetch(repository, SHOP)
    repository.renew()

    assert texts(repository, first) == {"a.yaml": "a", "b.yaml": "b"}
    assert texts(repository, second) == {"a.yaml": "a 2", "b.yaml": "b"}
    assert repository.whole()
    third = forge.commit({"deploy/shop/a.yaml": "a 3"})
    assert remote().fetch(repository, SHOP) == third
    assert texts(repository, third) == {"a.yaml": "a 3", "b.yaml": "b"}
    assert size(repository) < 2**16


def test_a_repository_that_was_whole_loses_nothing_by_packing(
    forge: Forge, repository: Repository, remote: Callable[[], Remote]
) -> None:
    forge.commit(TEXTS)
    remote().fetch(repository)
    commit = forge.commit({"deploy/shop/a.yaml": "a 2"})
    remote().fetch(repository, SHOP)
    repository.tidy(now=True)

    assert texts(repository, commit) == {"a.yaml": "a 2", "b.yaml": "b"}
    assert repository.whole()


def test_revisions_that_nothing_names_are_packed_away(
    forge: Forge,
    repository: Repository,
    remote: Callable[[], Remote],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packing, "PACKS", 3)
    for _ in range(4):
        commit = forge.commit({"deploy/shop/a.yaml": os.urandom(2**14).hex()})
        repository.point(GOOD, remote().fetch(repository, SHOP))
        repository.keep([commit])
        repository.tidy()

    assert size(repository) < 3 * 2**15
    assert len(list(Path(repository.path).glob("objects/pack/*.pack"))) <= 3
    assert texts(repository, commit)
    assert repository.whole()


def test_another_path_shrinks_nothing_while_the_remote_is_away_and_may_be_gone_back_with(
    podpy: Podpy, forge: Forge, server: HttpsForge, token: Path
) -> None:
    forge.commit({"shop/a.yaml": config("a", "1"), "more/b.yaml": config("b", "1")})
    follow = ("sync", "reconcile", "shop")
    podpy.ok(
        "sync", "add", "shop", "--url", f"{server.origin}/shop/.git", "--path", "shop",
        "--token-file", str(token), "--ca-file", server.ca_file, "--timeout", "20s",
    )  # fmt: skip
    podpy.ok(*follow)
    forge.commit({"shop/a.yaml": config("a", "2"), "more/b.yaml": config("b", "2")})
    podpy.ok(*follow)
    file = Path(podpy.root, "etc/syncs.d/shop.yaml")
    file.write_text(file.read_text().replace("path: shop", "path: more"))
    server.elsewhere = "https://127.0.0.1:1"
    away = podpy.run(*follow)
    kept = podpy.ok("get", "configmaps", "-o", "name")
    server.elsewhere = ""
    back = podpy.ok(*follow)

    assert "SourceUnreachable" in away.stdout
    assert "the content of more/b.yaml was not fetched with its revision" in away.stdout
    assert kept == "configmap/a\n"
    assert "Ready" in back
    assert podpy.ok("get", "configmaps", "-o", "name") == "configmap/b\n"
    podpy.ok("sync", "rollback", "shop")
    assert podpy.ok("get", "configmap", "b", "-o", "jsonpath={.data.text}") == "1"
