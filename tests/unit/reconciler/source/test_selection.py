"""reconciler.source.selection: which files of a revision are its manifests."""

from __future__ import annotations

import pytest

from reconciler.source import selection


@pytest.mark.parametrize(
    ("path", "glob", "matches"),
    [
        ("a.yaml", "*.yaml", True),
        ("apps/a.yaml", "*.yaml", True),
        ("apps/a.yaml", "apps", True),
        ("apps/x/a.yaml", "x", True),
        ("apps/a.yaml", "apps/*.yaml", True),
        ("apps/x/a.yaml", "apps/*.yaml", False),
        ("apps/x/a.yaml", "apps/**", True),
        ("apps/x/a.yaml", "**/x/*.yaml", True),
        ("x/a.yaml", "**/x/**", True),
        ("applications/a.yaml", "apps", False),
        ("apps/a.yaml", "app?/a.yaml", True),
        ("a.yaml", "a?yaml", True),
        ("aXyaml", "a.yaml", False),
    ],
)
def test_globs_mean_files_and_whole_directories(path: str, glob: str, matches: bool) -> None:
    assert selection.matches(path, glob) is matches


@pytest.mark.parametrize(
    ("path", "include", "exclude", "chosen"),
    [
        ("web.yaml", (), (), True),
        ("web.yml", (), (), True),
        ("web.json", (), (), True),
        ("readme.md", (), (), False),
        (".github/workflows/ci.yaml", (), (), False),
        ("x/.hidden.yaml", (), (), False),
        ("a/web.yaml", ("a",), (), True),
        ("b/web.yaml", ("a",), (), False),
        ("a/test/web.yaml", ("a",), ("test",), False),
    ],
)
def test_hidden_and_excluded_files_are_left_out(
    path: str, include: tuple[str, ...], exclude: tuple[str, ...], chosen: bool
) -> None:
    assert selection.chosen(path, include, exclude) is chosen
