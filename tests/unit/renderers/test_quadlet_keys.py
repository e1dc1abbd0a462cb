from __future__ import annotations

import pytest

from manifests.faults import Invalid
from renderers.quadlet_keys import Target


def test_a_release_knows_the_keys_that_it_and_earlier_ones_brought() -> None:
    assert not Target("5.4.2").knows("Container", "Memory")
    assert Target("5.5").knows("Container", "Memory")
    assert Target("5.10").knows("Container", "Memory")
    assert not Target("5.4").knows("Pod", "Memory")


@pytest.mark.parametrize("version", ["4.9", "5", "x.y", "5.4.1.2", ""])
def test_what_has_no_pod_files_or_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(Invalid):
        Target(version)


def test_kube_files_are_older_than_pod_files() -> None:
    assert Target("4.4", pods=False).knows("Kube", "Yaml")
    assert not Target("4.4", pods=False).knows("Kube", "LogDriver")
    with pytest.raises(Invalid):
        Target("4.3", pods=False)
