"""Every key of every file is one that the Podman release reads for which it was rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests import load
from manifests.problems import Severity
from reconciler.targets.quadlet import files as quadlet_files
from reconciler.targets.quadlet import sources as quadlet_sources
from renderers.quadlet.images import Forms
from renderers.quadlet_keys import Target
from tests.fixtures import corpus

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from manifests.loaded import Loaded
    from renderers.quadlet.unit import File

SYSTEMDS = {"Unit", "Service", "Install", "Timer"}
KINDS = ("build", "container", "image", "kube", "network", "pod", "timer", "volume")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder: Path = tmp_path_factory.mktemp("manifests")
    for name, text in corpus.manifests(60).items():
        (folder / name).write_text(text)
    loose = load.APPLY.replace(unsupported=Severity.WARNING, rendered=True)
    return load.load([str(folder)], loose)


def keys(file: File) -> set[tuple[str, str]]:
    section, found = "", set()
    for line in file.content.decode().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif section not in SYSTEMDS and not section.startswith("X-") and "=" in line:
            found.add((section, line.partition("=")[0]))
    return found


@pytest.mark.parametrize(
    ("version", "options"),
    [
        *((version, {}) for version in ("5.0", "5.1", "5.2", "5.3", "5.4", "5.6", "5.8", "6.0")),
        ("5.0", {"forms": Forms(whole=quadlet_sources.whole, units=True, tls_verify=False)}),
        ("5.2", {"building": lambda image, file: "/srv/context"}),
        ("4.4", {"kube": True}),
    ],
)
def test_a_release_reads_every_key(version: str, options: dict[str, Any], loaded: Loaded) -> None:
    target = Target(version, pods=not options.get("kube"))
    files, _ = quadlet_files.render(loaded, quadlet_files.Options(target=target, **options))
    units = [file for file in files if file.name.rpartition(".")[2] in KINDS]
    used = {pair for file in units if not file.private for pair in keys(file)}

    assert len(units) > 60
    assert {pair for pair in used if not target.knows(*pair)} == set()
