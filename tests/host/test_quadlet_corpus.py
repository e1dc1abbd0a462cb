"""A hundred manifests, and any value, against Podman 5.4's own generator and systemd-analyze."""

from __future__ import annotations

import json
import random
import shutil
from typing import TYPE_CHECKING

import pytest

from manifests import load
from manifests.problems import Severity
from podpy import rendered_files
from reconciler.targets.quadlet import files as quadlet_files
from reconciler.targets.quadlet import sources as quadlet_sources
from renderers.quadlet.images import Forms
from renderers.quadlet_keys import Target
from tests.fixtures import corpus, quadlet_generator, systemd_words

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

pytestmark = pytest.mark.host

RANDOM = 60
SIGNS = "ab c\t\n\"'\\$%;#{}()[]=,:é漢\x01\x7f-*?~&|<>`!"


def written(source: Path, units: Path, **options: Any) -> None:
    loose = load.APPLY.replace(unsupported=Severity.WARNING, rendered=True)
    loaded = load.load([str(source)], loose)
    assert [problem.shown for problem in loaded.errors] == []
    wanted = quadlet_files.Options(target=Target("5.4"), **options)
    files, _ = quadlet_files.render(loaded, wanted)
    rendered_files.write(str(units), files, "", prune=False, whole=True)


@pytest.mark.parametrize(
    ("options", "least"),
    [
        ({}, 400),
        ({"user": True, "forms": Forms(whole=quadlet_sources.whole, units=True)}, 400),
        ({"kube": True}, 80),
    ],
    ids=["system", "user with images", "kube"],
)
def test_podman_and_systemd_accept_a_hundred_varied_manifests(
    options: dict[str, Any], least: int, tmp_path: Path
) -> None:
    source = tmp_path / "manifests"
    source.mkdir()
    for name, text in corpus.manifests().items():
        (source / name).write_text(text)
    written(source, tmp_path / "units", **options)

    user = options.get("user", False)
    complaints = quadlet_generator.generate(tmp_path / "units", tmp_path / "services", user=user)
    for timer in (tmp_path / "units").glob("*.timer"):
        shutil.copy(timer, tmp_path / "services")
    assert complaints == ""
    assert len(list((tmp_path / "services").glob("*.service"))) > least
    assert quadlet_generator.verify(tmp_path / "services", user=user) == ""


def values() -> list[str]:
    """Every trap, and texts of the signs that make them."""
    chance = random.Random(4)
    drawn = ("".join(chance.choices(SIGNS, k=chance.randrange(1, 12))) for _ in range(RANDOM))
    return [*corpus.TRICKY, *drawn]


def test_any_value_reaches_podman_as_it_was(tmp_path: Path) -> None:
    given = {f"v{number}": value for number, value in enumerate(values())}
    for name, value in given.items():
        container = {
            "name": "c",
            "image": "localhost/a:1",
            "command": ["run", value.replace("$(", "")],
            "args": ["first", value.replace("$(", "").replace("$$", "")],
            "env": [{"name": "V", "value": value.replace("$(", "").replace("$$", "")}],
            "livenessProbe": {"exec": {"command": ["check", value]}},
            "lifecycle": {"postStart": {"exec": {"command": ["warm", value]}}},
        }
        metadata = {"name": name, "annotations": {"note": value}}
        spec = {"containers": [container]}
        raw = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        text = json.dumps(raw, ensure_ascii=False).replace("\x7f", "\\u007f")
        (tmp_path / "manifests").mkdir(exist_ok=True)
        (tmp_path / "manifests" / f"{name}.json").write_text(text)
    written(tmp_path / "manifests", tmp_path / "units")
    assert quadlet_generator.generate(tmp_path / "units", tmp_path / "services") == ""

    for name, value in given.items():
        lines = (tmp_path / "services" / f"{name}-c.service").read_text().splitlines()
        start = next(line for line in lines if line.startswith("ExecStart="))
        after = next(line for line in lines if line.startswith("ExecStartPost="))
        words = systemd_words.split(start.partition("=")[2])
        plain = value.replace("$(", "").replace("$$", "")
        assert words[-2:] == ["first", plain]
        assert f"V={plain}" in words
        assert f"note={value}" in words
        assert json.loads(words[words.index("--health-cmd") + 1]) == ["check", value]
        entrypoint = json.loads(words[words.index("--entrypoint") + 1])
        assert entrypoint == ["run", value.replace("$(", "").replace("$$", "$")]
        assert systemd_words.split(after.partition("=")[2])[-2:] == ["warm", value]
