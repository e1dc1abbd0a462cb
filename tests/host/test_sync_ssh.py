"""A Sync over ssh: a key, and a host that must be the one that is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import git_ssh
from tests.fixtures.forge import Forge
from tests.fixtures.objects import config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fixtures.command import Done, Podpy
    from tests.fixtures.git_ssh import SshForge

pytestmark = pytest.mark.host


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    made = Forge(tmp_path / "forge")
    made.commit({"page.yaml": config("page")})
    return made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshForge]:
    with git_ssh.running(tmp_path / "a folder") as serving:
        yield serving


@pytest.fixture
def follow(podpy: Podpy, forge: Forge, server: SshForge) -> Callable[..., Done]:
    podpy.ok(
        "sync", "add", "shop", "--url", server.url(forge.path), "--timeout", "20s",
        "--ssh-key-file", server.key_file, "--known-hosts-file", server.known_hosts_file,
    )  # fmt: skip
    return lambda: podpy.run("sync", "reconcile", "shop")


def test_a_key_opens_the_remote(forge: Forge, follow: Callable[[], Done]) -> None:
    first = follow()
    commit = forge.commit({"more.yaml": config("more")})
    after = follow()

    assert first.status == 0
    assert after.stdout.endswith(f"Ready {commit[:12]}\n")


def test_a_host_that_is_not_known_is_refused(server: SshForge, follow: Callable[[], Done]) -> None:
    Path(server.known_hosts_file).write_text("")
    done = follow()

    assert done.status == 1
    assert "Host key verification failed" in done.stdout
    assert "No ED25519 host key is known for" in done.stdout
    assert Path(server.known_hosts_file).read_text() == ""


def test_a_host_that_has_another_key_now_is_refused(
    server: SshForge, follow: Callable[[], Done]
) -> None:
    first = follow()
    server.restart(new_key=True)
    changed = follow()
    server.write_known()
    after = follow()

    assert (first.status, changed.status, after.status) == (0, 1, 0)
    assert "Host key verification failed" in changed.stdout


def test_a_key_that_others_can_read_or_the_remote_does_not_know_opens_nothing(
    server: SshForge, follow: Callable[[], Done], tmp_path: Path
) -> None:
    Path(server.key_file).chmod(0o644)
    readable = follow()
    Path(server.key_file).chmod(0o600)
    (tmp_path / "a folder/user.pub").write_text("")
    unknown = follow()

    assert f"{server.key_file} can be read by others" in readable.stdout
    assert "Permission denied (publickey)" in unknown.stdout
