"""Every example is a manifest without a problem: nothing wrong in it, and nothing unsupported."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifests import load

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
