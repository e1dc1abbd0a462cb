"""Forges and webhooks are told once of each change, by real requests; none of them harms a pass."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import certificates
from tests.fixtures.command import wait_until
from tests.fixtures.forge import Forge
from tests.fixtures.listener import Listener
from tests.fixtures.objects import config, pod

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "forge")


def follow(podpy: Podpy, forge: Forge, receiver: str) -> None:
    podpy.ok("sync", "add", "shop", "--url", forge.url, "--branch", "main")
    file = Path(podpy.root) / "etc/syncs.d/shop.yaml"
    file.write_text(f"{file.read_text()}  notify: [{receiver}]\n")


def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("key\n")
    path.chmod(0o600)
    return path


def hook(listener: Listener, tmp_path: Path) -> str:
    return f"{{webhook: {{url: '{listener.url}/in', secretFile: {secret(tmp_path)}}}}}"


def test_a_webhook_is_told_of_each_change_once(
    podpy: Podpy, forge: Forge, listener: Listener, image: str, tmp_path: Path
) -> None:
    follow(podpy, forge, hook(listener, tmp_path))
    good = forge.commit({"web.yaml": pod(image)})
    podpy.ok("sync", "reconcile", "shop")
    podpy.ok("sync", "reconcile", "shop")
    bad = forge.commit({"more.yaml": pod(image, "more", "no-such-program")})
    podpy.run("sync", "reconcile", "shop")
    podpy.run("sync", "reconcile", "shop")
    forge.path.rename(forge.path.with_name("away"))
    podpy.run("sync", "reconcile", "shop")

    last = {one["reason"]: one for one in listener.told()}
    assert [one for one in listener.reasons() if one != "Progressing"] == [
        "Ready",
        "RolledBack",
        "SourceUnreachable",
    ]
    assert (last["Ready"]["commit"], last["Ready"]["state"]) == (good, "success")
    assert (last["RolledBack"]["commit"], last["RolledBack"]["state"]) == (bad, "failure")
    assert "no-such-program" not in json.dumps(listener.told())
    _, headers, body = listener.got[0]
    signature = hmac.new(b"key", body, hashlib.sha256).hexdigest()
    assert headers["X-Signature"] == f"sha256={signature}"


def test_a_commit_gets_a_status_with_the_token(
    podpy: Podpy, forge: Forge, listener: Listener, tmp_path: Path
) -> None:
    receiver = (
        f"{{commitStatus: {{provider: gitea, repository: a/b, url: '{listener.url}', "
        f"tokenFile: {secret(tmp_path)}}}}}"
    )
    follow(podpy, forge, receiver)
    commit = forge.commit({"page.yaml": config("page")})
    podpy.ok("sync", "reconcile", "shop")

    path, headers, _ = listener.got[-1]
    assert path == f"/api/v1/repos/a/b/statuses/{commit}"
    assert headers["Authorization"] == "token key"
    assert listener.told()[-1]["state"] == "success"
    assert "all sent" in podpy.ok("sync", "status", "shop")


def test_a_receiver_that_fails_fails_no_pass_and_is_told_later(
    podpy: Podpy, forge: Forge, listener: Listener, tmp_path: Path
) -> None:
    listener.status = 503
    follow(podpy, forge, hook(listener, tmp_path))
    forge.commit({"page.yaml": config("page")})
    podpy.ok("sync", "reconcile", "shop")
    waits = podpy.ok("sync", "status", "shop")
    events = podpy.ok("events")

    assert "1 to send" in waits
    assert "503" in waits
    assert "NotificationFailed" in events
    assert "key" not in waits


def test_a_receiver_that_refuses_is_not_asked_again(
    podpy: Podpy, forge: Forge, listener: Listener, tmp_path: Path
) -> None:
    listener.status = 403
    follow(podpy, forge, hook(listener, tmp_path))
    forge.commit({"page.yaml": config("page")})
    podpy.ok("sync", "reconcile", "shop")
    asked = len(listener.got)
    podpy.ok("sync", "reconcile", "shop")

    assert len(listener.got) == asked
    assert "given up" in podpy.ok("sync", "status", "shop")


@pytest.mark.parametrize("receiver", ["webhook", "commitStatus"])
def test_a_receiver_of_an_own_authority_is_told_over_tls_and_no_other(
    podpy: Podpy, forge: Forge, tmp_path: Path, receiver: str
) -> None:
    certificates.make(tmp_path / "tls")
    listener = Listener(tmp_path / "tls")
    given = {
        "webhook": f"url: '{listener.url}/in', secretFile: {secret(tmp_path)}",
        "commitStatus": f"provider: gitea, repository: a/b, url: '{listener.url}', "
        f"tokenFile: {secret(tmp_path)}",
    }[receiver]
    follow(podpy, forge, f"{{{receiver}: {{{given}}}}}")
    forge.commit({"page.yaml": config("page")})
    podpy.ok("sync", "reconcile", "shop")
    unknown, got = podpy.ok("sync", "status", "shop"), len(listener.got)
    file = Path(podpy.root) / "etc/syncs.d/shop.yaml"
    authority = f"{tmp_path}/tls/ca/ca.crt"
    file.write_text(file.read_text().replace(given, f"{given}, caFile: {authority}"))
    forge.commit({"page.yaml": config("page", "2")})
    forget_pauses(podpy)
    podpy.ok("sync", "reconcile", "shop")
    listener.close()

    assert "certificate verify failed" in unknown
    assert got == 0
    assert listener.told()[-1]["state"] == "success"
    assert "all sent" in podpy.ok("sync", "status", "shop")


def forget_pauses(podpy: Podpy) -> None:
    """Let what waits be due now."""
    with contextlib.closing(sqlite3.connect(podpy.paths.database)) as connection, connection:
        ((body,),) = connection.execute("SELECT body FROM notices").fetchall()
        boxes = json.loads(body)
        for box in boxes["boxes"]:
            box.pop("nextAt", None)
        connection.execute("UPDATE notices SET body = ?", (json.dumps(boxes),))


def test_a_receiver_that_does_not_answer_holds_up_no_pass_and_is_told_later(
    podpy: Podpy, forge: Forge, listener: Listener, tmp_path: Path
) -> None:
    listener.silent.set()
    follow(podpy, forge, hook(listener, tmp_path))
    forge.commit({"page.yaml": config("page")})
    done = podpy.ok("sync", "reconcile", "shop")
    waits = podpy.ok("sync", "status", "shop")
    listener.silent.clear()
    forget_pauses(podpy)
    podpy.ok("sync", "reconcile", "shop")
    podpy.ok("sync", "reconcile", "shop")

    assert "Ready" in done
    assert "1 to send (has not answered within 2 s)" in waits
    assert listener.reasons() == ["Ready"]
    assert "all sent" in podpy.ok("sync", "status", "shop")


def test_an_agent_that_is_killed_before_a_notice_has_arrived_sends_it_once(
    podpy: Podpy, forge: Forge, listener: Listener, tmp_path: Path
) -> None:
    listener.silent.set()
    follow(podpy, forge, hook(listener, tmp_path))
    forge.commit({"page.yaml": config("page")})
    killed = podpy.start("agent")
    wait_until(lambda: "Ready" in podpy.ok("sync", "ls") and listener.ignored, "the outcome")
    killed.kill()
    killed.wait(30)
    listener.silent.clear()
    for _ in range(2):
        agent = podpy.start("agent")
        wait_until(lambda: "all sent" in podpy.ok("sync", "status", "shop"), "the notice")
        agent.terminate()
        agent.wait(30)

    assert listener.reasons() == ["Ready"]


def test_an_agent_that_is_killed_before_it_can_tell_anybody_tells_it_when_it_is_back(
    podpy: Podpy, forge: Forge, listener: Listener, tmp_path: Path
) -> None:
    # Killed there, it has left what a pass without receivers leaves: an outcome, and no notice.
    podpy.ok("sync", "add", "shop", "--url", forge.url)
    forge.commit({"page.yaml": config("page")})
    podpy.ok("sync", "reconcile", "shop")
    file = Path(podpy.root) / "etc/syncs.d/shop.yaml"
    file.write_text(f"{file.read_text()}  notify: [{hook(listener, tmp_path)}]\n")
    agent = podpy.start("agent")
    wait_until(listener.reasons, "the notice")
    agent.terminate()
    agent.wait(30)
    podpy.ok("sync", "reconcile", "shop")

    assert listener.reasons() == ["Ready"]
