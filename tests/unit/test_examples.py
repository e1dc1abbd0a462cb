"""Every example is a manifest without a problem: nothing wrong in it, and nothing unsupported."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifests import load, sources
from reconciler.source import inputs
from renderers import environment

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted(EXAMPLES.glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_an_example_is_valid_and_wholly_supported(file: Path) -> None:
    loaded = load.load([str(file)])

    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.objects


def test_the_shop_is_valid_as_a_directory() -> None:
    loaded = load.load([str(EXAMPLES / "shop")])

    assert [str(problem) for problem in loaded.problems] == []
    assert {item.object.kind for item in loaded.objects} >= {"Deployment", "Job", "Secret"}


def test_the_unit_files_are_valid_as_a_directory() -> None:
    loaded = load.load([str(EXAMPLES / "quadlet")])

    assert [str(problem) for problem in loaded.problems] == []
    kinds = {item.object.kind for item in loaded.objects}
    assert kinds == {"Network", "PersistentVolumeClaim", "Job", "Pod"}


def test_the_templates_come_to_valid_manifests() -> None:
    folder = EXAMPLES / "templates"
    values = inputs.mapping((folder / "values.yaml").read_bytes(), "values.yaml")
    host = {"name": "web-1", "labels": {"role": "web"}}
    name = "page.yaml.j2"
    found, wrong = environment.render(
        {name: (folder / name).read_text()}, [name], {"values": values, "host": host}
    )
    page = sources.File(name=name, data=found[name].encode())
    sync = sources.File(name="sync.yaml", data=(folder / "sync.yaml").read_bytes())

    assert wrong == ()
    assert load.load([sources.Bundle(name="templates", files=(page, sync))]).problems == ()
