"""manifests.cache: what was read before is known again, and nobody else can put it there."""

from __future__ import annotations

import os
import pathlib
import pickle
import subprocess
import sys
from typing import Any

import pytest

from manifests import cache, load
from manifests.load import Options
from manifests.ref import Ref
from tests.unit.test_load import CLAIM, CONFIG, POD, SECRET


@pytest.fixture
def kept(folder: pathlib.Path) -> str:
    """A manifest in a.yaml; the directory of the cache that it was loaded with."""
    (folder / "a.yaml").write_text(f"{POD}---\n{CONFIG}")
    directory = f"{folder.parent}/cache"
    load.load(["a.yaml"], cache_dir=directory)
    return directory


def files(directory: str) -> list[str]:
    return [f"{directory}/{name}" for name in sorted(os.listdir(directory))]


def test_an_unchanged_file_gives_the_same_without_a_parser(kept: str) -> None:
    program = (
        "import sys; from manifests import load;"
        f"found = load.load(['a.yaml'], cache_dir={kept!r});"
        "print(len(found.objects), *[name for name in sys.modules if name.split('.')[0] in"
        " ('ruamel', 'yaml', 'jsonschema', 'pickle', 'dataclasses', 'pathlib')"
        " or name.startswith(('manifests.checks', 'manifests.documents', 'schemas'))])"
    )
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    path = os.pathsep.join([root, *(one for one in sys.path if "site-packages" in one)])
    command = [sys.executable, "-S", "-c", program]
    run = subprocess.run(
        command, env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )

    assert run.stdout.split() == ["2"]


def test_the_cache_gives_what_reading_gives(kept: str) -> None:
    assert load.load(["a.yaml"], cache_dir=kept) == load.load(["a.yaml"])


def test_the_cache_is_private(kept: str) -> None:
    (file,) = files(kept)

    assert os.stat(kept).st_mode & 0o777 == 0o700
    assert os.stat(file).st_mode & 0o777 == 0o600


def test_a_changed_file_is_read_again(kept: str, folder: pathlib.Path) -> None:
    (folder / "a.yaml").write_text(POD.replace("1.27", "1.28"))
    (found,) = load.load(["a.yaml"], cache_dir=kept).objects

    assert found.object.spec.containers[0].image == "nginx:1.28"  # type: ignore[union-attr]
    assert len(files(kept)) == 1


def test_what_is_only_compared_takes_nobodys_place(kept: str, folder: pathlib.Path) -> None:
    (file,) = files(kept)
    before = pathlib.Path(file).read_bytes()
    (folder / "a.yaml").write_text(POD.replace("1.27", "1.28"))
    (found,) = load.load(["a.yaml"], cache_dir=kept, keep=False).objects

    assert found.object.spec.containers[0].image == "nginx:1.28"  # type: ignore[union-attr]
    assert pathlib.Path(file).read_bytes() == before


def test_other_options_have_their_own_readings(kept: str) -> None:
    found = load.load(["a.yaml"], Options(namespace="shop"), cache_dir=kept)

    assert {one.object.metadata.namespace for one in found.objects} == {"shop"}


def test_warnings_are_told_again(folder: pathlib.Path, kept: str) -> None:
    (folder / "b.yaml").write_text(POD + CLAIM)
    first, second = (load.load(["b.yaml"], cache_dir=kept) for _ in range(2))

    assert len(first.problems) == 1
    assert first == second
    ref = Ref(kind="PersistentVolumeClaim", name="data", namespace="default")
    assert load.load(["b.yaml"], cache_dir=kept, known={ref}).problems == ()


def test_secrets_and_errors_are_not_kept(folder: pathlib.Path, kept: str) -> None:
    (folder / "many").mkdir()
    (folder / "many" / "a.yaml").write_text(SECRET)
    (folder / "many" / "b.yaml").write_text(POD)
    (folder / "many" / "c.yaml").write_text(POD.replace("image", "imagee"))
    load.load(["many"], cache_dir=kept)
    encoded = ("hunter2", "aHVudGVyMg==")

    for file in files(kept):
        data = pathlib.Path(file).read_bytes()
        assert not any(text.encode() in data for text in encoded)
        assert b"c.yaml" not in data


@pytest.mark.parametrize("damage", ["cut", "garbage", "head", "empty"])
def test_a_damaged_cache_counts_as_absent(kept: str, damage: str) -> None:
    (name,) = files(kept)
    file = pathlib.Path(name)
    data = file.read_bytes()
    damaged = {
        "cut": data[: len(data) // 2],
        "garbage": data[:90] + b"\xff" * 40,
        "head": b"x" + data,
        "empty": b"",
    }
    file.write_bytes(damaged[damage])

    assert len(load.load(["a.yaml"], cache_dir=kept).objects) == 2
    assert len(load.load(["a.yaml"], cache_dir=kept).objects) == 2


def test_a_cache_that_others_can_write_is_not_read(kept: str) -> None:
    (file,) = files(kept)
    slot = os.path.basename(file).removeprefix("manifests-")

    assert cache.read(kept, slot)
    os.chmod(file, 0o620)
    assert not cache.read(kept, slot)
    os.chmod(file, 0o600)
    os.chmod(kept, 0o777)
    assert not cache.read(kept, slot)


def test_a_link_in_the_place_of_the_cache_is_not_followed(kept: str) -> None:
    (file,) = files(kept)
    os.rename(file, f"{kept}/elsewhere")
    os.symlink(f"{kept}/elsewhere", file)

    assert not cache.read(kept, os.path.basename(file).removeprefix("manifests-"))


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("false",)


def test_a_pickle_of_anything_but_values_is_refused(kept: str) -> None:
    (name,) = files(kept)
    file = pathlib.Path(name)
    head = file.read_bytes().partition(b"\n")[0]
    file.write_bytes(head + b"\n" + pickle.dumps({"a": _Evil()}))

    assert cache.read(kept, os.path.basename(name).removeprefix("manifests-")) == {}


def test_a_cache_that_cannot_be_written_is_no_failure(folder: pathlib.Path) -> None:
    (folder / "a.yaml").write_text(POD)
    (folder / "file").write_text("")

    assert len(load.load(["a.yaml"], cache_dir="file/cache").objects) == 1


def test_old_files_of_the_cache_give_way(tmp_path: pathlib.Path) -> None:
    directory = str(tmp_path / "cache")
    for number in range(70):
        cache.write(directory, cache.slot(number), {"a": ()})

    assert len(files(directory)) == 64
