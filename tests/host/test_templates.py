"""A Sync whose manifests are rendered: values make revisions, and mistakes change nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.source import kustomize
from tests.fixtures.forge import Forge
from tests.fixtures.objects import config, pod

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

ROLLED_BACK = 3
NAME = os.uname().nodename.lower()
TEXT = config("page", "{{ values.text }} on {{ host.name }}")


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "forge")


@pytest.fixture
def values(tmp_path: Path) -> Path:
    """The values of this host."""
    path = tmp_path / "values.yaml"
    path.write_text("text: one\n")
    return path


def follow(podpy: Podpy, url: str, template: str) -> None:
    """Follow a source as the Sync `shop`, with what its spec.template says."""
    podpy.ok("sync", "add", "shop", "--url", url, "--branch", "main")
    file = Path(podpy.root) / "etc/syncs.d/shop.yaml"
    file.write_text(f"{file.read_text()}  template: {template}\n")


def text_of(podpy: Podpy) -> str:
    return podpy.ok("get", "configmap", "page", "-o", "jsonpath={.data.text}")


def status(podpy: Podpy) -> dict[str, Any]:
    found: dict[str, Any] = podpy.json("sync", "status", "shop", "-o", "json")[0]["status"]
    return found


def test_values_of_the_host_make_a_revision_and_nothing_else_does(
    podpy: Podpy, forge: Forge, values: Path
) -> None:
    commit = forge.commit({"page.yaml.j2": TEXT, "plain.yaml": config("plain")})
    follow(podpy, forge.url, f"{{jinja2: {{hostValues: [{values}]}}}}")
    planned = podpy.run("plan", "shop")
    podpy.ok("sync", "reconcile", "shop")
    first, text = status(podpy), text_of(podpy)
    again = podpy.ok("sync", "reconcile", "shop")
    unchanged = status(podpy)
    values.write_text("text: two\n")
    after = podpy.ok("sync", "reconcile", "shop")

    assert "+ ConfigMap/page  create" in planned.stdout
    assert text == f"one on {NAME}"
    assert first["good"] not in ("", commit)
    assert first["commit"] == commit
    assert again.count("\n") == 1
    assert unchanged["good"] == first["good"]
    assert "configmap/page configured" in after
    assert text_of(podpy) == f"two on {NAME}"
    assert status(podpy)["good"] != first["good"]


def test_values_with_which_nothing_runs_are_taken_back(
    podpy: Podpy, forge: Forge, values: Path, image: str
) -> None:
    values.write_text("text: one\nprogram: sleep\n")
    forge.commit({"web.yaml.j2": pod(image, command="{{ values.program }}"), "page.yaml.j2": TEXT})
    follow(podpy, forge.url, f"{{jinja2: {{hostValues: [{values}]}}}}")
    podpy.ok("sync", "reconcile", "shop")
    values.write_text("text: two\nprogram: no-such-program\n")
    bad = podpy.run("sync", "reconcile", "shop")
    kept = text_of(podpy)
    values.write_text("text: three\nprogram: sleep\n")

    assert (bad.status, kept) == (ROLLED_BACK, f"one on {NAME}")
    assert podpy.run("sync", "reconcile", "shop").status == 0
    assert text_of(podpy) == f"three on {NAME}"


def test_a_mistake_is_told_at_its_place_and_changes_nothing(
    podpy: Podpy, forge: Forge, values: Path
) -> None:
    forge.commit({"page.yaml.j2": TEXT})
    follow(podpy, forge.url, f"{{jinja2: {{hostValues: [{values}]}}}}")
    podpy.ok("sync", "reconcile", "shop")
    forge.commit({"page.yaml.j2": TEXT + "\n# {{ values.txet }}\n"})
    undefined = podpy.run("sync", "reconcile", "shop")
    forge.commit({"page.yaml.j2": "{% if true %}\nkind: ConfigMapp\n{% endif %}\n"})
    invalid = podpy.run("sync", "reconcile", "shop")
    values.write_text("- no\n")
    unusable = podpy.run("sync", "reconcile", "shop")

    assert (undefined.status, invalid.status, unusable.status) == (1, 1, 1)
    assert "page.yaml.j2:7: 'dict object' has no attribute 'txet'" in undefined.stdout
    assert "page.yaml.j2 (rendered):1:" in invalid.stdout + invalid.stderr
    assert "Invalid" in unusable.stdout
    assert text_of(podpy) == f"one on {NAME}"


def test_templates_that_come_to_nothing_empty_no_host(podpy: Podpy, forge: Forge) -> None:
    forge.commit({"page.yaml.j2": config("page"), "values.yaml": "a: 1\n"})
    follow(podpy, forge.url, "{jinja2: {values: [values.yaml]}}")
    podpy.ok("sync", "reconcile", "shop")
    forge.commit({"page.yaml.j2": "{% if values.off is defined %}x{% endif %}"})
    done = podpy.run("sync", "reconcile", "shop")

    assert done.status == 4
    assert "nothing would be left" in done.stdout
    assert text_of(podpy) == "1"


def test_a_pushed_template_is_rendered_before_it_is_taken(
    podpy: Podpy, forge: Forge, tmp_path: Path
) -> None:
    podpy.ok("receive", "init", "shop", "--no-link")
    file = Path(podpy.root) / "etc/syncs.d/shop.yaml"
    file.write_text(f"{file.read_text()}  template: {{jinja2: {{}}}}\n")
    url = f"{podpy.root}/lib/receive/shop.git"

    def push() -> subprocess.CompletedProcess[str]:
        words = ["git", "-C", str(forge.path), "push", url, "main"]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    forge.commit({"page.yaml.j2": "{{ nothing }}"})
    refused = push()
    forge.commit({"page.yaml.j2": config("page", "{{ host.name }}")})
    taken = push()

    assert refused.returncode != 0
    assert "page.yaml.j2:1: 'nothing' is undefined" in refused.stderr
    assert taken.returncode == 0
    assert text_of(podpy) == NAME


def test_a_directory_is_rendered_as_it_is(podpy: Podpy, tmp_path: Path, values: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "page.yaml.j2").write_text(TEXT)
    podpy.ok("sync", "add", "shop", "--directory", str(source))
    file = Path(podpy.root) / "etc/syncs.d/shop.yaml"
    file.write_text(f"{file.read_text()}  template: {{jinja2: {{hostValues: [{values}]}}}}\n")
    podpy.ok("sync", "reconcile", "shop")

    assert text_of(podpy) == f"one on {NAME}"


@pytest.mark.skipif(kustomize.program() is None, reason="neither kustomize nor kubectl is here")
def test_a_kustomization_is_followed(podpy: Podpy, forge: Forge) -> None:
    forge.commit(
        {
            "base/kustomization.yaml": "resources: [page.yaml]\n",
            "base/page.yaml": config("page"),
            "prod/kustomization.yaml": "resources: [../base]\nnameSuffix: -prod\n",
        }
    )
    podpy.ok("sync", "add", "shop", "--url", forge.url, "--branch", "main", "--path", "prod")
    file = Path(podpy.root) / "etc/syncs.d/shop.yaml"
    file.write_text(f"{file.read_text()}  template: {{kustomize: {{}}}}\n")
    podpy.ok("sync", "reconcile", "shop")
    again = podpy.ok("sync", "reconcile", "shop")

    assert podpy.ok("get", "configmap", "page-prod", "-o", "jsonpath={.data.text}") == "1"
    assert again.count("\n") == 1
