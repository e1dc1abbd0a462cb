"""With `verify`, a host follows only commits that somebody who may sign has signed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.forge import Forge
from tests.fixtures.objects import config
from tests.fixtures.signers import GpgSigner, SshSigner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fixtures.command import Done, Podpy

pytestmark = pytest.mark.host


@pytest.fixture(params=["sha1", "sha256"])
def forge(tmp_path: Path, request: pytest.FixtureRequest) -> Forge:
    return Forge(tmp_path / "forge", object_format=request.param)


@pytest.fixture
def sha1_forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "forge")


@pytest.fixture
def signer(tmp_path: Path) -> SshSigner:
    return SshSigner(tmp_path / "signer")


@pytest.fixture
def gpg(tmp_path: Path) -> Iterator[GpgSigner]:
    made = GpgSigner(tmp_path / "gpg")
    yield made
    made.close()


@pytest.fixture
def trust(podpy: Podpy, tmp_path: Path) -> Callable[..., Done]:
    """Write who may sign, and do a pass of the Sync `shop`, which is added by the first call."""
    file = tmp_path / "trusted"
    added: list[str] = []

    def follow(forge: Forge, trusted: str) -> Done:
        flag = "--gpg-keys-file" if "PGP" in trusted else "--allowed-signers-file"
        file.write_text(trusted)
        file.chmod(0o644)
        if not added:
            added.append(podpy.ok("sync", "add", "shop", "--url", forge.url, flag, str(file)))
        return podpy.run("sync", "reconcile", "shop")

    return follow


def signed(forge: Forge, text: str, settings: tuple[str, ...]) -> str:
    (forge.path / "page.yaml").write_text(config("page", text))
    forge.git("add", "--all")
    return forge.record("change", *settings)


def applied(podpy: Podpy) -> str:
    found: dict[str, str] = podpy.json("sync", "status", "shop", "-o", "json")[0]["status"]
    return found.get("applied", "")


def test_a_commit_of_an_allowed_ssh_key_is_followed_and_no_other(
    podpy: Podpy,
    forge: Forge,
    signer: SshSigner,
    trust: Callable[..., Done],
    tmp_path: Path,
) -> None:
    stranger = SshSigner(tmp_path / "stranger")
    good = signed(forge, "1", signer.settings)
    first = trust(forge, signer.line())
    signed(forge, "2", ())
    unsigned = trust(forge, signer.line())
    signed(forge, "3", stranger.settings)
    unknown = trust(forge, signer.line())
    kept = applied(podpy)
    last = signed(forge, "4", signer.settings)
    after = trust(forge, signer.line())

    assert first.stdout.endswith(f"Ready {good[:12]}\n")
    assert (unsigned.status, unknown.status) == (1, 1)
    assert f"sync/shop: Invalid {good[:12]}" in unsigned.stdout
    assert "it is not signed" in unsigned.stdout
    assert f"its key is not in {tmp_path}/trusted" in unknown.stdout
    assert kept == good
    assert after.stdout.endswith(f"Ready {last[:12]}\n")


def test_a_first_commit_that_is_not_signed_brings_nothing(
    podpy: Podpy, sha1_forge: Forge, signer: SshSigner, trust: Callable[..., Done]
) -> None:
    sha1_forge.commit({"page.yaml": config("page")})
    done = trust(sha1_forge, signer.line())

    assert (done.status, applied(podpy)) == (1, "")
    assert podpy.json("get", "configmaps", "-o", "json")["items"] == []


def test_a_key_that_is_out_of_date_signs_no_commit_that_claims_to_be_older(
    sha1_forge: Forge,
    signer: SshSigner,
    trust: Callable[..., Done],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2019-01-01T00:00:00Z")
    signed(sha1_forge, "1", signer.settings)
    done = trust(sha1_forge, signer.line('valid-before="20200101"'))

    assert done.status == 1
    assert "is not valid now" in done.stdout


def test_a_signature_of_another_commit_is_refused(
    sha1_forge: Forge, signer: SshSigner, trust: Callable[..., Done]
) -> None:
    commit = signed(sha1_forge, "1", signer.settings)
    text = sha1_forge.git("cat-file", "commit", commit).replace("change", "forged")
    (sha1_forge.path.parent / "forged").write_text(text + "\n")
    forged = sha1_forge.git("hash-object", "-t", "commit", "-w", f"{sha1_forge.path}/../forged")
    sha1_forge.git("reset", "--quiet", "--hard", forged)
    done = trust(sha1_forge, signer.line())

    assert done.status == 1
    assert "its signature is not of this commit" in done.stdout


def test_who_may_sign_is_no_secret_but_not_for_others_to_write(
    sha1_forge: Forge, signer: SshSigner, trust: Callable[..., Done], podpy: Podpy, tmp_path: Path
) -> None:
    signed(sha1_forge, "1", signer.settings)
    trust(sha1_forge, signer.line())
    (tmp_path / "trusted").chmod(0o666)
    writable = podpy.run("sync", "reconcile", "shop")
    (tmp_path / "trusted").unlink()
    gone = podpy.run("sync", "reconcile", "shop")

    assert "Invalid" in writable.stdout
    assert "chmod go-w" in writable.stdout
    assert "Invalid" in gone.stdout
    assert "cannot be read" in gone.stdout


def test_a_commit_of_a_known_gpg_key_is_followed_until_the_key_is_revoked(
    podpy: Podpy, forge: Forge, gpg: GpgSigner, trust: Callable[..., Done]
) -> None:
    good = signed(forge, "1", gpg.settings)
    first = trust(forge, gpg.keys())
    signed(forge, "2", ())
    unsigned = trust(forge, gpg.keys())
    signed(forge, "3", gpg.settings)
    gpg.revoke()
    revoked = trust(forge, gpg.keys())

    assert first.stdout.endswith(f"Ready {good[:12]}\n")
    assert "it is not signed" in unsigned.stdout
    assert "its key has been revoked" in revoked.stdout
    assert applied(podpy) == good
    assert not list(Path(podpy.paths.run_dir, "sources").rglob("keys"))


def test_a_gpg_key_that_has_expired_or_is_not_known_signs_nothing(
    sha1_forge: Forge, gpg: GpgSigner, trust: Callable[..., Done], tmp_path: Path
) -> None:
    stranger = GpgSigner(tmp_path / "stranger")
    try:
        signed(sha1_forge, "1", gpg.settings)
        unknown = trust(sha1_forge, stranger.keys())
        gpg.expire()
        time.sleep(2)
        expired = trust(sha1_forge, gpg.keys())
    finally:
        stranger.close()

    assert f"its key is not in {tmp_path}/trusted" in unknown.stdout
    assert "its key has expired" in expired.stdout


def test_keys_of_one_kind_let_none_of_the_other_sign(
    sha1_forge: Forge, gpg: GpgSigner, signer: SshSigner, trust: Callable[..., Done]
) -> None:
    signed(sha1_forge, "1", gpg.settings)
    done = trust(sha1_forge, signer.line())

    assert done.status == 1
    assert "it is signed, but not with one SSH key" in done.stdout
