"""A Sync of a registry that wants TLS and a password, or that this host cannot trust."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from manifests import digests
from tests.fixtures import artifacts, registry
from tests.fixtures.git_https import command_lines_with
from tests.fixtures.objects import config
from tests.fixtures.shop import LOGIN, Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fixtures.command import Podpy
    from tests.fixtures.registry import Registry

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Give a registry that wants TLS and a password."""
    with registry.running(tmp_path_factory.mktemp("private"), tls=True, login=True) as serving:
        yield serving


@pytest.fixture
def shop(podpy: Podpy, local_registry: Registry, tmp_path: Path) -> Shop:
    return Shop(podpy, local_registry, tmp_path)


def test_a_private_registry_takes_a_password_that_is_seen_nowhere(
    podpy: Podpy, private: Registry, tmp_path: Path
) -> None:
    shop = Shop(podpy, private, tmp_path)
    digest = shop.push(artifacts.flux({"page.yaml": config("page")}))
    password = tmp_path / "password"
    password.write_text(f"{registry.PASSWORD}\n")
    password.chmod(0o600)
    given = ("--username", registry.USER, "--password-file", str(password))
    shop.add(*given, "--ca-file", f"{private.certificates}/ca.crt")
    child = podpy.start("sync", "reconcile", "shop")
    leaked = []
    while child.poll() is None:
        leaked += command_lines_with(registry.PASSWORD)
    stdout, stderr = child.communicate()
    password.write_text("another-word\n")
    wrong = shop.follow()
    password.chmod(0o644)
    open_to_all = shop.follow()

    assert stdout.endswith(f"Ready {digests.short(digest)}\n"), stderr
    assert leaked == []
    assert "access refused" in wrong.stdout
    assert "look at spec.source.oci.credentials" in wrong.stdout
    assert "another-word" not in wrong.stdout + wrong.stderr
    assert f"{password} can be read by others" in open_to_all.stdout
    kept = [path for path in Path(podpy.root).rglob("*") if path.is_file()]
    assert not [path for path in kept if registry.PASSWORD.encode() in path.read_bytes()]


def test_an_auth_file_opens_a_private_registry(
    podpy: Podpy, private: Registry, tmp_path: Path
) -> None:
    shop = Shop(podpy, private, tmp_path)
    digest = shop.push(artifacts.flux({"page.yaml": config("page")}))
    file = tmp_path / "auth.json"
    word = base64.b64encode(LOGIN.encode()).decode()
    file.write_text(json.dumps({"auths": {private.address: {"auth": word}}}))
    file.chmod(0o600)
    shop.add("--auth-file", str(file), "--ca-file", f"{private.certificates}/ca.crt")

    assert shop.follow().stdout.endswith(f"Ready {digests.short(digest)}\n")


def test_a_registry_of_an_unknown_authority_or_without_tls_is_told(
    podpy: Podpy, private: Registry, shop: Shop, tmp_path: Path
) -> None:
    Shop(podpy, private, tmp_path).add()
    unknown = podpy.run("sync", "reconcile", "shop")
    podpy.ok("sync", "rm", "shop")
    shop.push(artifacts.flux({"page.yaml": config("page")}))
    shop.add()
    plain = shop.follow()

    assert "name its CA in spec.source.oci.credentials.caFile" in unknown.stdout
    assert "speaks plain HTTP (hint: spec.source.oci.insecure: true" in plain.stdout


def test_what_does_not_exist_is_told(shop: Shop) -> None:
    shop.add("--insecure", "--tag", "gone")
    done = shop.follow()

    assert done.status == 1
    assert f"{shop.url}:gone: does not exist" in done.stdout
