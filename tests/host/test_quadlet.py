"""`podpy render quadlet` against Podman 5.4's own generator and systemd-analyze."""

from __future__ import annotations

import os
import subprocess
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


def generate(units: Path, services: Path) -> str:
    """Run Podman's generator over `units`; return what it complains of."""
    services.mkdir()
    done = subprocess.run(
        [quadlet_generator.program(), "-no-kmsg-log", str(services)],
        env={**os.environ, "QUADLET_UNIT_DIRS": str(units), "PODMAN": "/bin/true"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.stem))
def test_podman_and_systemd_accept_every_file_of_an_example(
    source: Path, podpy: Podpy, tmp_path: Path
) -> None:
    podpy.ok("render", "quadlet", "-f", str(source), "-o", str(tmp_path / "units"))
    complaints = generate(tmp_path / "units", tmp_path / "services")

    assert complaints == ""
    services = sorted((tmp_path / "services").glob("*.service"))
    for service in services:
        service.write_text(service.read_text().replace("/usr/bin/podman", "/bin/true"))
    if services:
        verified = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *map(str, services)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert verified.stderr == ""


def test_words_reach_the_command_line_as_they_were(tmp_path: Path) -> None:
    words = ("sh", "$HOME 100%", "a\"b'c\\d", "x\n\ty", "", ";", "a;b", "é 漢", "%i", "$$")
    units = tmp_path / "units"
    units.mkdir()
    text = f"[Container]\nImage=localhost/a:1\nExec={systemd_text.words(words)}\n"
    (units / "a.container").write_text(text)
    complaints = generate(units, tmp_path / "services")
    service = (tmp_path / "services/a.service").read_text()

    assert complaints == ""
    _, found, command = service.partition("localhost/a:1 sh ")
    assert found
    assert command.splitlines()[0] == (
        r""""$$HOME 100%%" "a\"b'c\\d" "x\n\ty" %i ;%i a;b "é 漢" %%i $$$$"""
    )
