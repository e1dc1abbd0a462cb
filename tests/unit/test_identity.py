"""runtime.observe.identity: a host's labels, and that nothing wrong in them is passed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from manifests.faults import Fault
from runtime.observe import identity
from runtime.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    root = str(tmp_path)
    return Paths(state_dir=root, run_dir=root, log_dir=root, config_dir=root)


def test_a_host_has_labels_of_its_own_without_any_setting(paths: Paths) -> None:
    found = identity.read(paths)

    assert found.name == os.uname().nodename.lower()
    assert found.labels[identity.HOSTNAME] == found.name
    assert found.labels[identity.OS] == "linux"
    assert found.labels[identity.ARCH]


def test_the_administrator_adds_labels(paths: Paths) -> None:
    Path(paths.settings).write_text('[host.labels]\nrole = "web"\n"example.com/zone" = "a"\n')

    labels = identity.read(paths).labels

    assert (labels["role"], labels["example.com/zone"]) == ("web", "a")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[host.label]\n", 'unknown setting "host.label"'),
        ("[hosts]\n", 'unknown setting "hosts"'),
        ("host = 1\n", "host must be a table"),
        ("[host.labels]\nrole = 1\n", '"role": must be text'),
        ('[host.labels]\n"a b" = "c"\n', '"a b"'),
        ('[host.labels]\nrole = "a b"\n', '"role"'),
        ('[host.labels]\n"kubernetes.io/os" = "x"\n', "podpy sees to it"),
        ("[host.labels\n", "cannot be read"),
    ],
)
def test_what_is_wrong_is_told(paths: Paths, text: str, said: str) -> None:
    Path(paths.settings).write_text(text)

    with pytest.raises(Fault, match=said):
        identity.read(paths)
