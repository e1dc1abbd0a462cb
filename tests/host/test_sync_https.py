"""A Sync over https: a token, an own authority, and remotes that misbehave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures import git_https
from tests.fixtures.command import wait_until
from tests.fixtures.forge import Forge
from tests.fixtures.git_https import TOKEN, HttpsForge
from tests.fixtures.objects import config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fixtures.command import Done, Podpy

pytestmark = pytest.mark.host


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "served" / "shop")


@pytest.fixture
def server(forge: Forge, tmp_path: Path) -> Iterator[HttpsForge]:
    with git_https.running(forge.path.parent, tmp_path / "certificates") as serving:
        yield serving


@pytest.fixture
def token(tmp_path: Path) -> Path:
    return git_https.write_token(tmp_path)


@pytest.fixture
def follow(podpy: Podpy, server: HttpsForge, token: Path) -> Callable[..., Done]:
    podpy.ok(
        "sync", "add", "shop", "--url", f"{server.origin}/shop/.git", "--token-file", str(token),
        "--ca-file", server.ca_file, "--timeout", "20s",
    )  # fmt: skip
    return lambda: podpy.run("sync", "reconcile", "shop")


def status(podpy: Podpy) -> dict[str, Any]:
    found: dict[str, Any] = podpy.json("sync", "status", "shop", "-o", "json")[0]["status"]
    return found


def packs(server: HttpsForge) -> int:
    """How often a client wanted objects, or refs, by POST."""
    return sum(path.endswith("/git-upload-pack") for path, _ in server.asked)


def test_a_token_opens_the_remote_and_is_seen_nowhere(
    podpy: Podpy, forge: Forge, server: HttpsForge, follow: Callable[[], Done]
) -> None:
    commit = forge.commit({"page.yaml": config("page")})
    done = follow()

    assert done.stdout.endswith(f"Ready {commit[:12]}\n")
    assert TOKEN in [word for _, word in server.asked]
    assert server.leaked == []
    assert TOKEN not in done.stdout + done.stderr + podpy.ok("sync", "status")
    kept = [path for path in Path(podpy.root).rglob("*") if path.is_file()]
    assert not [path for path in kept if TOKEN.encode() in path.read_bytes()]


def test_a_second_pass_of_an_unchanged_remote_fetches_nothing(
    forge: Forge, server: HttpsForge, follow: Callable[[], Done]
) -> None:
    forge.commit({"page.yaml": config("page")})
    follow()
    server.asked.clear()
    follow()

    assert packs(server) == 1  # the question for the refs
    assert follow().status == 0


def test_a_wrong_token_is_told_without_being_shown(
    forge: Forge, follow: Callable[[], Done], token: Path
) -> None:
    forge.commit({"page.yaml": config("page")})
    token.write_text("another-secret\n")
    done = follow()

    assert done.status == 1
    assert "Authentication failed" in done.stdout
    assert "look at spec.source.git: its url, ref and credentials" in done.stdout
    assert "another-secret" not in done.stdout + done.stderr


def test_a_token_that_others_can_read_is_not_used(
    forge: Forge, server: HttpsForge, follow: Callable[[], Done], token: Path
) -> None:
    forge.commit({"page.yaml": config("page")})
    token.chmod(0o640)
    done = follow()

    assert f"{token} can be read by others (hint: chmod 600 {token})" in done.stdout
    assert server.asked == []


def test_a_host_that_it_is_sent_to_is_not_told_the_token(
    forge: Forge, server: HttpsForge, follow: Callable[[], Done], tmp_path: Path
) -> None:
    forge.commit({"page.yaml": config("page")})
    with git_https.running(forge.path.parent, tmp_path / "certificates") as other:
        server.elsewhere = other.origin
        done = follow()

        assert done.status == 1
        assert other.asked, done.stdout
        assert {word for _, word in other.asked} == {""}


def test_an_authority_that_is_not_given_is_not_trusted(
    podpy: Podpy, forge: Forge, server: HttpsForge
) -> None:
    forge.commit({"page.yaml": config("page")})
    podpy.ok("sync", "add", "shop", "--url", f"{server.origin}/shop/.git")
    done = podpy.run("sync", "reconcile", "shop")

    assert done.status == 1
    assert "certificate" in done.stdout
    assert server.asked == []


def test_a_remote_that_dies_in_the_middle_harms_nothing_and_is_asked_again(
    podpy: Podpy, forge: Forge, server: HttpsForge, follow: Callable[[], Done]
) -> None:
    good = forge.commit({"page.yaml": config("page")})
    follow()
    more = forge.commit({f"{n}.yaml": config(f"page-{n}", f"{n}" * 1000) for n in range(100)})
    server.cut = 2000
    cut = follow()
    kept = status(podpy)["applied"]
    server.cut = 0
    after = follow()

    assert "SourceUnreachable" in cut.stdout
    assert server.origin in cut.stdout
    assert kept == good
    assert after.stdout.endswith(f"Ready {more[:12]}\n")
    assert not list(Path(podpy.paths.sources).rglob("tmp_*"))


def test_a_fetch_in_which_podpy_is_killed_is_done_again(
    podpy: Podpy, forge: Forge, server: HttpsForge, follow: Callable[[], Done]
) -> None:
    commit = forge.commit({f"{n}.yaml": config(f"page-{n}", f"{n}" * 1000) for n in range(100)})
    server.cut, server.hang = 2000, True
    child = podpy.start("sync", "reconcile", "shop")
    assert server.hanging.wait(git_https.DEADLINE)
    child.kill()
    child.wait(git_https.DEADLINE)
    server.ended.set()
    wait_until(lambda: git_https.command_lines_with(podpy.paths.sources) == [], "git has ended")
    server.cut = 0
    after = follow()

    assert after.stdout.endswith(f"Ready {commit[:12]}\n")
    assert not list(Path(podpy.paths.sources).rglob("tmp_*"))
    assert not list(Path(podpy.paths.sources).rglob("*.lock"))
