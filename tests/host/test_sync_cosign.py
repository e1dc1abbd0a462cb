"""With `verify`, a host follows only artifacts that a key which may sign has signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.source import cosign
from tests.fixtures import artifacts
from tests.fixtures.cosign import Signer, beside
from tests.fixtures.objects import config
from tests.fixtures.shop import Shop

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.artifacts import Blob
    from tests.fixtures.command import Podpy
    from tests.fixtures.registry import Registry

pytestmark = pytest.mark.host


class Signed(Shop):
    """The Sync follows what `keys` have signed, and nothing else."""

    def __init__(self, podpy: Podpy, serving: Registry, folder: Path) -> None:
        super().__init__(podpy, serving, folder)
        self.keys = folder / "cosign.pub"

    def push_page(self, text: str, *signers: Signer) -> str:
        digest = self.push(artifacts.flux({"page.yaml": config("page", text)}))
        if signers:
            self.sign(digest, *(signer.blob(digest) for signer in signers))
        return digest

    def sign(self, digest: str, *blobs: Blob) -> None:
        self.push(beside(*blobs), cosign.tag_of(digest))


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def shop(podpy: Podpy, local_registry: Registry, tmp_path: Path, signer: Signer) -> Signed:
    made = Signed(podpy, local_registry, tmp_path)
    made.add("--insecure", "--cosign-key-file", signer.write(made.keys))
    return made


def applied(podpy: Podpy) -> str:
    found: dict[str, str] = podpy.json("sync", "status", "shop", "-o", "json")[0]["status"]
    return found.get("applied", "")


def test_what_an_allowed_key_has_signed_is_followed_and_nothing_else(
    podpy: Podpy, shop: Signed, signer: Signer
) -> None:
    good = shop.push_page("1", signer)
    first = shop.follow()
    shop.push_page("2")
    unsigned = shop.follow()
    shop.push_page("3", Signer())
    stranger = shop.follow()
    kept = applied(podpy)
    last = shop.push_page("4", Signer(), signer)
    after = shop.follow()

    assert first.status == 0, first.stdout
    assert (unsigned.status, stranger.status) == (1, 1)
    assert "sync/shop: Invalid" in unsigned.stdout
    assert "is not followed: it is not signed: there is no sha256-" in unsigned.stdout
    assert "none of the keys that may sign has signed it" in stranger.stdout
    assert kept == good
    assert after.status == 0
    assert applied(podpy) == last


def test_a_signature_that_comes_after_its_artifact_is_found_by_the_next_pass(
    podpy: Podpy, shop: Signed, signer: Signer
) -> None:
    digest = shop.push_page("1")
    early = shop.follow()
    shop.sign(digest, signer.blob(digest))

    assert early.status == 1
    assert shop.follow().status == 0
    assert applied(podpy) == digest


def test_the_signature_of_another_artifact_does_not_count(
    podpy: Podpy, shop: Signed, signer: Signer
) -> None:
    other = shop.push_page("1", signer)
    digest = shop.push_page("2")
    shop.sign(digest, signer.blob(other))

    assert "none of the keys that may sign has signed it" in shop.follow().stdout
    assert applied(podpy) == ""


def test_keys_that_were_changed_are_gone_by_at_once(
    podpy: Podpy, shop: Signed, signer: Signer
) -> None:
    other = Signer()
    good = shop.push_page("1", signer)
    shop.follow()
    other.write(shop.keys)
    revoked = shop.follow()
    shop.sign(good, signer.blob(good), other.blob(good))
    again = shop.follow()
    shop.keys.chmod(0o666)
    written = shop.follow()
    shop.keys.unlink()
    gone = shop.follow()

    assert "none of the keys that may sign" in revoked.stdout
    assert again.status == 0
    assert f"{shop.keys} can be written by others" in written.stdout
    assert f"{shop.keys} cannot be read" in gone.stdout
    assert applied(podpy) == good


def test_a_signature_is_asked_for_once(podpy: Podpy, shop: Signed, signer: Signer) -> None:
    digest = shop.push_page("1", signer)
    shop.follow()
    shop.push(artifacts.flux({"a": "no signature"}), cosign.tag_of(digest))

    assert shop.follow().status == 0
    assert applied(podpy) == digest
