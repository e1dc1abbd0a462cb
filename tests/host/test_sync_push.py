"""`podpy sync push`: a directory becomes an artifact that a Sync follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests import digests
from tests.fixtures import registry
from tests.fixtures.objects import config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.registry import Registry

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry.running(tmp_path_factory.mktemp("private"), tls=True, login=True) as serving:
        yield serving


@pytest.fixture
def deploy(tmp_path: Path) -> Path:
    """Give a directory of manifests, with what is not to be pushed."""
    folder = tmp_path / "deploy"
    (folder / "apps").mkdir(parents=True)
    (folder / "apps" / "page.yaml").write_text(config("page"))
    (folder / ".env").write_text("hidden")
    (folder / "link.yaml").symlink_to("/etc/passwd")
    return folder


def test_what_is_pushed_is_followed(podpy: Podpy, local_registry: Registry, deploy: Path) -> None:
    url = f"oci://{local_registry.address}/team/pushed"
    words = ("sync", "push", f"{url}:1.0.0", "-f", str(deploy), "--insecure")
    said, again = podpy.ok(*words), podpy.ok(*words)
    digest = said.split()[-1]
    podpy.ok("sync", "add", "shop", "--oci", url, "--semver", "^1", "--insecure")
    done = podpy.run("sync", "reconcile", "shop")
    next_pass = podpy.ok("sync", "reconcile", "shop")
    (deploy / "apps" / "page.yaml").write_text(config("page", "2"))
    podpy.ok("sync", "push", f"{url}:1.1.0", "-f", str(deploy), "--insecure")
    changed = podpy.ok("sync", "reconcile", "shop")

    assert said == again == f"pushed {url}:1.0.0 {digest}\n"
    assert done.stdout.endswith(f"sync/shop: Ready {digests.short(digest)}\n")
    assert done.stderr == ""
    assert next_pass.count("\n") == 1
    assert "configmap/page configured" in changed


def test_a_private_registry_is_pushed_to_with_a_password(
    podpy: Podpy, private: Registry, deploy: Path, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text(registry.PASSWORD)
    password.chmod(0o600)
    words = ("sync", "push", f"oci://{private.address}/shop", "-f", str(deploy))
    given = ("--username", registry.USER, "--password-file", str(password))
    authority = ("--ca-file", f"{private.certificates}/ca.crt")
    strange = podpy.run(*words, *given)
    nobody = podpy.run(*words, *authority)

    assert "give its CA with --ca-file" in strange.stderr
    assert "access refused" in nobody.stderr
    assert "--password-file" in nobody.stderr
    assert podpy.ok(*words, *given, *authority).startswith(
        f"pushed oci://{private.address}/shop:latest sha256:"
    )


@pytest.mark.parametrize(
    ("target", "folder", "said"),
    [
        ("registry.example/shop", "deploy", "must be oci://REGISTRY[:PORT]/REPOSITORY"),
        ("oci://registry.example/shop:a/b:1", "deploy", "must have no tag"),
        ("oci://registry.example/shop:.x", "deploy", '".x" is no name of a tag'),
        ("oci://registry.example/shop", "gone", "is no directory"),
        ("oci://registry.example/shop", "empty", "holds no file"),
    ],
)
def test_what_cannot_be_pushed_is_told(
    podpy: Podpy, deploy: Path, target: str, folder: str, said: str
) -> None:
    (deploy.parent / "empty").mkdir()
    done = podpy.run("sync", "push", target, "-f", str(deploy.parent / folder))

    assert done.status == 1
    assert said in done.stderr
