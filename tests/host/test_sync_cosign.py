"""With `verify`, a host follows only artifacts that a key which may sign has signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures import artifacts
from tests.fixtures.cosign import Signer, beside
from tests.fixtures.objects import config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fixtures.command import Done, Podpy
    from tests.fixtures.registry import Registry

pytestmark = pytest.mark.host


class Shop:
    """A repository with the tag `latest`, and the Sync `shop` of it."""

    def __init__(self, podpy: Podpy, serving: Registry, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self.name = f"{serving.address}/signed-{folder.name.replace('_', '-').lower()}"
        self.keys = folder / "cosign.pub"
        self.follow: Callable[[], Done] = lambda: podpy.run("sync", "reconcile", "shop")

    def put(self, held: artifacts.Artifact, tag: str) -> str:
        self._count += 1
        return artifacts.push(self._folder / f"{self._count}", held, f"{self.name}:{tag}")

    def push(self, text: str, *signers: Signer) -> str:
        digest = self.put(artifacts.flux({"page.yaml": config("page", text)}), "latest")
        if signers:
            self.sign(digest, *signers)
        return digest

    def sign(self, digest: str, *signers: Signer) -> None:
        tag = f"sha256-{digest.removeprefix('sha256:')}.sig"
        self.put(beside(*(signer.blob(digest) for signer in signers)), tag)


@pytest.fixture
def signer() -> Signer:
    return Signer()


@pytest.fixture
def shop(podpy: Podpy, local_registry: Registry, tmp_path: Path, signer: Signer) -> Shop:
    made = Shop(podpy, local_registry, tmp_path)
    signer.write(made.keys)
    words = ("--oci", f"oci://{made.name}", "--insecure", "--cosign-key-file", str(made.keys))
    podpy.ok("sync", "add", "shop", *words)
    return made


def applied(podpy: Podpy) -> str:
    found: dict[str, str] = podpy.json("sync", "status", "shop", "-o", "json")[0]["status"]
    return found.get("applied", "")


def test_what_an_allowed_key_has_signed_is_followed_and_nothing_else(
    podpy: Podpy, shop: Shop, signer: Signer
) -> None:
    good = shop.push("1", signer)
    first = shop.follow()
    shop.push("2")
    unsigned = shop.follow()
    shop.push("3", Signer())
    stranger = shop.follow()
    kept = applied(podpy)
    last = shop.push("4", Signer(), signer)
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
    podpy: Podpy, shop: Shop, signer: Signer
) -> None:
    digest = shop.push("1")
    early = shop.follow()
    shop.sign(digest, signer)

    assert early.status == 1
    assert shop.follow().status == 0
    assert applied(podpy) == digest


def test_the_signature_of_another_artifact_does_not_count(
    podpy: Podpy, shop: Shop, signer: Signer
) -> None:
    other = shop.push("1", signer)
    digest = shop.push("2")
    tag = f"sha256-{digest.removeprefix('sha256:')}.sig"
    shop.put(beside(signer.blob(other)), tag)

    assert "none of the keys that may sign has signed it" in shop.follow().stdout
    assert applied(podpy) == ""


def test_keys_that_were_changed_are_gone_by_at_once(
    podpy: Podpy, shop: Shop, signer: Signer
) -> None:
    other = Signer()
    good = shop.push("1", signer)
    shop.follow()
    other.write(shop.keys)
    revoked = shop.follow()
    shop.sign(good, signer, other)
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


def test_a_signature_is_asked_for_once(podpy: Podpy, shop: Shop, signer: Signer) -> None:
    digest = shop.push("1", signer)
    shop.follow()
    shop.put(artifacts.flux({"a": "no signature"}), f"sha256-{digest.removeprefix('sha256:')}.sig")

    assert shop.follow().status == 0
    assert applied(podpy) == digest
