"""Every key that a release of Podman's reads is one that podpy has a word for."""

from pathlib import Path

import pytest

from manifests.quadlet import reading

RENDERERS = Path(__file__).parents[3] / "renderers"


def keys_of(section: str) -> set[str]:
    table = next(RENDERERS.rglob("*keys.tsv"))
    rows = [line.split("\t") for line in table.read_text().splitlines() if line[0] != "#"]
    return {key for its, key, _ in rows if its == section}


@pytest.mark.parametrize("section", sorted(reading.TABLES))
def test_all_keys_are_known(section: str) -> None:
    known = reading.TABLES[section].keys

    assert keys_of(section) - known == set()
    later = {"UID", "GID"} if section == "Volume" else set()
    assert known - keys_of(section) - later == set()
