"""Units on a disk, loaded as `podpy validate` loads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Protocol

import pytest

from manifests import kinds, load
from manifests.loaded import Loaded
from manifests.problems import Severity

VALIDATE = load.KUBE_PLAY.replace(missing=Severity.WARNING)


class Units(Protocol):
    def __call__(
        self, files: dict[str, str], *names: str, apply: bool = False, rendered: bool = False
    ) -> Loaded: ...


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Units:
    """Write files, and load them all, or those of the names."""
    monkeypatch.chdir(tmp_path)

    def loaded(
        files: dict[str, str], *names: str, apply: bool = False, rendered: bool = False
    ) -> Loaded:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        options = (load.APPLY if apply else VALIDATE).replace(rendered=rendered)
        return load.load(list(names) or [str(tmp_path)], options)

    return loaded


def raw(loaded: Loaded, kind: str, name: str = "") -> dict[str, Any]:
    """The object of that kind, as YAML would have it."""
    assert not loaded.errors, [str(one) for one in loaded.problems]
    found = [one.object for one in loaded.objects if one.object.kind == kind]
    chosen = [one for one in found if name in ("", one.metadata.name)]
    assert len(chosen) == 1, [one.metadata.name for one in found]
    return kinds.dump(chosen[0])


def said(loaded: Loaded) -> list[str]:
    """What was said, with the names of files less their directory."""
    return [re.sub(r"\S*/test_[^/ ]*/", "", one.shown) for one in loaded.problems]
