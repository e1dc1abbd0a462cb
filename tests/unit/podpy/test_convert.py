"""`podpy convert`: one form of manifests in, another out, and what is lost in between."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from manifests import load
from manifests.faults import Invalid
from podpy import parser as parsers
from podpy.commands import convert

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = "[Container]\nImage=docker.io/library/a:1\n"


def run(*words: str) -> int:
    parser = parsers.Parser(prog="podpy convert")
    convert.configure(parser)
    return convert.run(parser.parse_args(list(words)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "units"
    made.mkdir()
    (made / "web.container").write_text(
        IMAGE + "EnvironmentFile=web.env\nVolume=data.volume:/data\nPublishPort=80:80\n"
    )
    (made / "data.volume").write_text("[Volume]\n")
    (made / "web.env").write_text("PASSWORD=x\n")
    return made


def test_units_become_files_of_yaml(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("-f", str(folder), "--to", "kubernetes", "-o", str(out)) == 0

    names = sorted(one.name for one in out.iterdir() if one.name[0] != ".")
    assert names == ["data.persistentvolumeclaim.yaml", "web-env.secret.yaml", "web.pod.yaml"]
    assert stat.S_IMODE((out / "web-env.secret.yaml").stat().st_mode) == 0o600
    assert "namespace" not in (out / "web.pod.yaml").read_text()
    before = {one.digest for one in load.load([str(folder)]).objects}
    assert {one.digest for one in load.load([str(out)]).objects} == before


def test_what_is_printed_is_read_back(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("-f", str(folder), "--to", "kubernetes", "-o", "-")
    (tmp_path / "all.yaml").write_text(capsys.readouterr().out)

    found = load.load([str(tmp_path / "all.yaml")])
    assert [one.object.kind for one in found.objects] == ["Secret", "PersistentVolumeClaim", "Pod"]


def test_a_loss_is_told_and_refused_with_strict(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "web.container").write_text(IMAGE + "AddDevice=/dev/fuse\n")
    words = ("-f", str(folder), "--to", "kubernetes", "-o", str(tmp_path / "out"))

    assert run(*words) == 0
    assert "web.container:3: warning: [Container] AddDevice" in capsys.readouterr().err
    with pytest.raises(Invalid, match="1 field would be lost"):
        run(*words, "--strict")


def test_yaml_becomes_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
        "spec: {containers: [{name: c, image: docker.io/library/a:1}]}\n"
    )
    run("-f", str(tmp_path / "a.yaml"), "--to", "quadlet", "-o", str(tmp_path / "out"))
    run("-f", str(tmp_path / "a.yaml"), "--to", "quadlet", "-o", "-")

    assert (tmp_path / "out/web.pod").exists()
    printed = capsys.readouterr().out
    assert "# FileName=web\n" in printed
    assert "\n---\n# FileName=" in printed


def test_secrets_of_units_are_not_printed(folder: Path) -> None:
    with pytest.raises(Invalid, match="is no unit"):
        run("-f", str(folder), "--to", "quadlet", "-o", "-")


def test_nothing_is_written_where_something_is_wrong(folder: Path, tmp_path: Path) -> None:
    (folder / "web.container").write_text("[Container]\nImagee=x\n")

    with pytest.raises(Invalid, match="nothing was written"):
        run("-f", str(folder), "--to", "kubernetes", "-o", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
