"""`podpy render quadlet` against Podman 5.4's own generator and systemd-analyze."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from renderers import systemd_text
from tests.fixtures import quadlet_generator

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

EXAMPLES = Path(__file__).parents[2] / "examples"
SOURCES = [*sorted(EXAMPLES.glob("*.yaml")), EXAMPLES / "shop"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.stem))
def test_podman_and_systemd_accept_every_file_of_an_example(
    source: Path, podpy: Podpy, tmp_path: Path
) -> None:
    podpy.ok("render", "quadlet", "-f", str(source), "-o", str(tmp_path / "units"))
    complaints = quadlet_generator.generate(tmp_path / "units", tmp_path / "services")

    assert complaints == ""
    assert quadlet_generator.verify(tmp_path / "services") == ""


def test_words_reach_the_command_line_as_they_were(tmp_path: Path) -> None:
    words = ("sh", "$HOME 100%", "a\"b'c\\d", "x\n\ty", "", ";", "a;b", "é 漢", "%i", "$$")
    units = tmp_path / "units"
    units.mkdir()
    text = f"[Container]\nImage=localhost/a:1\nExec={systemd_text.words(words)}\n"
    (units / "a.container").write_text(text)
    complaints = quadlet_generator.generate(units, tmp_path / "services")
    service = (tmp_path / "services/a.service").read_text()

    assert complaints == ""
    _, found, command = service.partition("localhost/a:1 sh ")
    assert found
    assert command.splitlines()[0] == (
        r""""$$HOME 100%%" "a\"b'c\\d" "x\n\ty" %i ;%i a;b "é 漢" %%i $$$$"""
    )


SECRETS = """\
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {word: hush}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: srv
      image: localhost/a:1
      env: [{name: W, valueFrom: {secretKeyRef: {name: key, key: word}}}]
      volumeMounts: [{name: v, mountPath: /v}]
  volumes: [{name: v, secret: {secretName: key, defaultMode: 0444}}]
"""


def test_nobody_else_reaches_what_secrets_hold(podpy: Podpy, tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(SECRETS)
    units = tmp_path / "units"
    podpy.ok("render", "quadlet", "-f", str(tmp_path / "app.yaml"), "-o", str(units))
    modes = {
        str(path.relative_to(units)): f"{path.stat().st_mode & 0o7777:o}"
        for path in units.rglob("*")
        if "secret" in str(path)
    }

    assert modes == {
        "web-srv.secret.env": "600",
        "web-v.secret": "700",
        "web-v.secret/files": "755",
        "web-v.secret/files/word": "444",
    }
    assert quadlet_generator.generate(units, tmp_path / "services") == ""
    service = (tmp_path / "services/web-srv.service").read_text()
    assert f"-v {units}/web-v.secret/files:/v:ro" in service
    assert f"--env-file {units}/web-srv.secret.env" in service


def test_other_forms_take_the_place_of_files_that_are_stale(podpy: Podpy, tmp_path: Path) -> None:
    units, app = tmp_path / "units", tmp_path / "app.yaml"
    app.write_text(SECRETS)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/Containerfile").write_text("FROM scratch\n")
    render = ("render", "quadlet", "-f", str(app), "-o", str(units))

    podpy.ok(*render, "--build")
    assert (units / "localhost-a-1.build").exists()
    assert quadlet_generator.generate(units, tmp_path / "built") == ""
    podpy.ok(*render, "--as", "kube", "--prune")

    left = sorted(path.name for path in units.iterdir() if path.name[0] != ".")
    assert left == ["podpy.network", "web.kube", "web.yaml"]
    assert (units / "web.yaml").stat().st_mode & 0o777 == 0o600
    assert quadlet_generator.generate(units, tmp_path / "played") == ""
    assert podpy.run(*render, "--podman-version", "4.9").status == 1


def test_nothing_is_written_where_a_field_would_be_lost(podpy: Podpy, tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(
        SECRETS.replace("  containers:", "  subdomain: x\n  containers:")
    )
    words = ("-f", str(tmp_path / "app.yaml"), "-o", str(tmp_path / "units"))
    done = podpy.run("render", "quadlet", *words, "--strict")

    assert (done.status, "app.yaml:" in done.stderr) == (1, True)
    assert not (tmp_path / "units").exists()
