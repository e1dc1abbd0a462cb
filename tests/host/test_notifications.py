"""Forges and webhooks are told once of each change, by real requests; none of them harms a pass."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import sqlite3
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import certificates
from tests.fixtures.command import wait_until
from tests.fixtures.forge import Forge
from tests.fixtures.listener import Listener
from tests.fixtures.objects import config, pod

if TYPE_CHECKING:
    from collections.abc import Callable

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


def by_apprise(listener: Listener, tmp_path: Path) -> tuple[Path, str]:
    """A file with a URL that leads to the listener, and what the Sync says of it."""
    file = tmp_path / "chat.url"
    place = listener.url.removeprefix("http://")
    file.write_text(f"# the chat\njson://podpy:sesame@{place}/in\n")
    file.chmod(0o600)
    return file, f"{{apprise: {{urlFile: {file}}}}}"


def test_people_are_told_through_apprise_and_nobody_sees_the_url(
    podpy: Podpy, forge: Forge, listener: Listener, image: str, tmp_path: Path
) -> None:
    follow(podpy, forge, by_apprise(listener, tmp_path)[1])
    good = forge.commit({"web.yaml": pod(image)})
    podpy.ok("sync", "reconcile", "shop")
    forge.commit({"more.yaml": pod(image, "more", "no-such-program")})
    podpy.run("sync", "reconcile", "shop")
    podpy.run("sync", "reconcile", "shop")
    quiet = podpy.run("sync", "status", "shop")
    listener.status = 500
    forge.commit({"more.yaml": None})
    failed = podpy.run("sync", "reconcile", "shop")
    said = "".join([*failed[1:], podpy.ok("sync", "status", "shop"), podpy.ok("events")])

    told = [(one["type"], one["title"].partition(": ")[2]) for one in listener.told()[:2]]
    assert told == [("success", "Ready"), ("failure", "RolledBack")]
    assert listener.told()[0]["message"] == f"{good[:12]} runs"
    assert listener.got[0][1]["Authorization"] == f"Basic {b64encode(b'podpy:sesame').decode()}"
    assert "all sent" in quiet.stdout
    assert "1 to send" in said
    assert "chat.url could not be told" in said
    assert "sesame" not in said
    assert "json://" not in said


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda file: file.chmod(0o644), "chat.url can be read by others"),
        (lambda file: file.write_text("nonsense\n"), "chat.url holds no URL that Apprise knows"),
        (lambda file: file.write_text("json://a\njson://b\n"), "must hold one URL, and holds 2"),
        (lambda file: file.unlink(), "chat.url cannot be read: No such file or directory"),
    ],
    ids=["open to others", "no url", "two", "gone"],
)
def test_a_file_of_apprises_that_is_no_good_fails_no_pass(
    podpy: Podpy,
    forge: Forge,
    listener: Listener,
    tmp_path: Path,
    spoil: Callable[[Path], object],
    why: str,
) -> None:
    file, receiver = by_apprise(listener, tmp_path)
    follow(podpy, forge, receiver)
    forge.commit({"page.yaml": config("page")})
    spoil(file)
    podpy.ok("sync", "reconcile", "shop")

    assert why in podpy.ok("sync", "status", "shop")
    assert listener.got == []


def test_a_receiver_behind_apprise_that_does_not_answer_holds_up_no_pass(
    podpy: Podpy, forge: Forge, listener: Listener, tmp_path: Path
) -> None:
    listener.silent.set()
    follow(podpy, forge, by_apprise(listener, tmp_path)[1])
    forge.commit({"page.yaml": config("page")})
    podpy.ok("sync", "reconcile", "shop")
    waits = podpy.ok("sync", "status", "shop")
    listener.silent.clear()
    forget_pauses(podpy)
    podpy.ok("sync", "reconcile", "shop")

    assert "1 to send (has not answered within 2 s)" in waits
    assert [one["title"].partition(": ")[2] for one in listener.told()] == ["Ready"]


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


def test_a_push_is_answered_though_a_receiver_does_not(
    podpy: Podpy, forge: Forge, listener: Listener, tmp_path: Path
) -> None:
    listener.silent.set()
    podpy.ok("receive", "init", "shop", "--no-link")
    file = Path(podpy.root) / "etc/syncs.d/shop.yaml"
    file.write_text(f"{file.read_text()}  notify: [{hook(listener, tmp_path)}]\n")
    forge.commit({"page.yaml": config("page")})
    words = ["git", "-C", str(forge.path), "push", f"{podpy.root}/lib/receive/shop.git", "main"]
    pushed = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    assert pushed.returncode == 0
    assert "sync/shop: Ready" in pushed.stderr
    waits = podpy.ok("sync", "status", "shop")
    assert "1 to send (has not answered within 2 s)" in waits


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
