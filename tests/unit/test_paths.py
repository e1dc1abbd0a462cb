"""runtime.paths: names that fit, and places that cannot collide."""

from __future__ import annotations

import itertools
import os

from runtime.paths import NAME_BYTES, Paths, fitted

PATHS = Paths(state_dir="/lib", run_dir="/run", log_dir="/log")


def test_a_name_that_fits_stays_as_it_is() -> None:
    assert fitted("a" * 250, ".json") == "a" * 250 + ".json"


def test_longer_names_are_cut_and_stay_apart() -> None:
    names = [fitted("a" * 252 + last, ".json") for last in "bc"]

    assert [len(name) for name in names] == [NAME_BYTES, NAME_BYTES]
    assert names[0] != names[1]
    assert all(name.endswith(".json") for name in names)


def test_the_limit_is_in_bytes() -> None:
    assert len(fitted("ä" * 200).encode()) <= NAME_BYTES


def test_the_longest_pod_has_a_log_directory_that_ends_with_its_uid() -> None:
    uid = "0" * 36
    name = os.path.basename(PATHS.pod_logs("n" * 63, "p" * 253, uid))

    assert len(name) == NAME_BYTES
    assert name.startswith("n" * 63 + "_ppp")
    assert name.endswith(f"_{uid}")


def test_no_name_of_a_container_leads_to_another_thing_of_the_pod() -> None:
    names = ["emptydir", "containers", "upper", "work", "volumes", "app"]
    disks = [PATHS.container_disk("u", name) for name in names]
    volumes = [PATHS.empty_dir("u", name) for name in names]
    parts = [f"{disk}/{part}" for disk in disks for part in ("upper", "work", "volumes")]

    places = [*disks, *volumes, *parts]
    assert len(set(places)) == len(places)
    inside = [
        (inner, outer)
        for inner, outer in itertools.permutations([*disks, *volumes], 2)
        if inner.startswith(f"{outer}/")
    ]
    assert inside == []
