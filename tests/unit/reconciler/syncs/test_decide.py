"""reconciler.syncs.decide: which revision, whether to prune, whether at all."""

from __future__ import annotations

import pytest

from manifests.ref import Ref
from manifests.sync import DirectorySource, PruneLimit, SyncName, SyncSource, SyncSpec
from reconciler.syncs import decide
from reconciler.syncs.status import SyncStatus

SPEC = SyncSpec(source=SyncSource(directory=DirectorySource(path="/srv")))
NOON = 1769860800.0  # 2026-01-31T12:00:00Z


@pytest.mark.parametrize(
    ("spec", "status", "suspended"),
    [
        ({}, {}, False),
        ({"suspend": True}, {}, True),
        ({"suspend_until": "2026-01-31T12:00:01Z"}, {}, True),
        ({"suspend_until": "2026-01-31T12:00:00Z"}, {}, False),
        ({"suspend": True, "suspend_until": "2026-01-31T11:00:00Z"}, {}, False),
        ({}, {"suspended": True}, True),
        ({}, {"suspended": True, "suspended_until": NOON + 1}, True),
        ({}, {"suspended": True, "suspended_until": NOON}, False),
    ],
)
def test_a_suspension_ends_at_its_time(
    spec: dict[str, object], status: dict[str, object], suspended: bool
) -> None:
    assert decide.suspended(SPEC.replace(**spec), SyncStatus(**status), NOON) is suspended  # type: ignore[arg-type]


def test_a_sync_waits_for_those_that_are_not_ready_or_not_there() -> None:
    spec = SPEC.replace(depends_on=tuple(SyncName(name=name) for name in "abc"))

    assert decide.waits_for(spec, {"a": True, "b": False}) == ("b", "c")


@pytest.mark.parametrize(
    ("candidate", "status", "chosen"),
    [
        ("new", {}, "new"),
        ("new", {"good": "old"}, "new"),
        ("new", {"good": "old", "bad": ("new",)}, "old"),
        ("new", {"bad": ("new",)}, ""),
        ("", {"good": "old"}, "old"),
        ("", {}, ""),
        ("new", {"good": "old", "put_off": "new", "put_off_until": NOON + 1}, "old"),
        ("new", {"good": "old", "put_off": "new", "put_off_until": NOON}, "new"),
        ("newer", {"good": "old", "put_off": "new", "put_off_until": NOON + 1}, "newer"),
        ("new", {"good": "old", "put_off": "new", "put_off_until": NOON + 86_400}, "new"),
    ],
)
def test_a_bad_or_missing_revision_gives_way_to_the_good_one(
    candidate: str, status: dict[str, object], chosen: str
) -> None:
    assert decide.revision(candidate, SyncStatus(**status), NOON) == chosen  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "hosts"),
    [
        ("Pod/web: cannot be made: No space left on device", True),
        ("crun: mkdir /x: cannot allocate memory", True),
        ("Pod/web: no-such-program: executable file not found", False),
        ("Pod/web: hostPath /x is not a directory", False),
    ],
)
def test_a_fault_tells_whether_the_host_is_to_blame(said: str, hosts: bool) -> None:
    assert decide.of_the_host(["Pod/other: is wrong", said]) is hosts


def test_what_the_host_fails_is_tried_again_less_and_less_often() -> None:
    assert [decide.rest(number) for number in (1, 2, 3, 100)] == [60.0, 120.0, 240.0, 1800.0]


@pytest.mark.parametrize(
    ("rollback", "status", "kept"),
    [
        (True, {"good": "1", "applied": "2", "seen": "2"}, "1"),
        (False, {"good": "1", "applied": "2", "seen": "2"}, "2"),
        (False, {"good": "1", "applied": "2", "seen": "2", "bad": ("2",)}, "1"),
        (False, {"good": "1", "applied": "2", "seen": "3"}, "2"),
        (False, {"good": "1", "applied": "1", "seen": "2", "bad": ("2",)}, "1"),
        (False, {"good": "1"}, "1"),
        (False, {}, ""),
    ],
)
def test_who_wants_no_rollback_keeps_what_failed_while_the_source_is_away(
    rollback: bool, status: dict[str, object], kept: str
) -> None:
    assert decide.kept(SPEC.replace(rollback=rollback), SyncStatus(**status)) == kept  # type: ignore[arg-type]


def test_what_people_say_during_a_pass_is_kept_at_its_end() -> None:
    before = SyncStatus(good="1", bad=("x", "y"), approved="", put_off="p", attempts=2)
    after = before.replace(good="2", bad=("x", "y", "z"), applied="2")
    said = before.replace(suspended=True, bad=(), approved="2", put_off="", attempts=0)
    back = before.replace(good="0", bad=("x", "y", "2"))

    kept = decide.recorded(before, said, after)
    assert (kept.suspended, kept.bad, kept.approved, kept.put_off) == (True, ("z",), "2", "")
    assert (kept.good, kept.applied) == ("2", "2")
    gone_back = decide.recorded(before, back, after)
    assert (gone_back.good, gone_back.bad) == ("0", ("x", "y", "2", "z"))
    assert decide.recorded(before, before, after) == after


@pytest.mark.parametrize(
    ("gone", "owned", "claims", "why"),
    [
        (2, 2, 0, ""),
        (3, 6, 0, ""),
        (3, 5, 0, "3 of 5 objects would be removed"),
        (1, 9, 1, "a claim that may hold data would be removed"),
        (2, 9, 2, "2 claims that may hold data would be removed"),
    ],
)
def test_removals_beyond_the_limit_need_consent(
    gone: int, owned: int, claims: int, why: str
) -> None:
    assert decide.needs_consent(gone, owned, claims, PruneLimit()) == why


def test_the_last_ones_never_go_by_themselves() -> None:
    ref = Ref(kind="ConfigMap", name="a", namespace="default")

    assert decide.asks([ref], 1, 0, PruneLimit()) == "nothing would be left"
    assert decide.asks([ref], 1, 1, PruneLimit()) == ""
    assert decide.asks([], 0, 0, PruneLimit()) == ""


def test_a_limit_of_nothing_asks_each_time() -> None:
    assert decide.needs_consent(1, 100, 0, PruneLimit(percent=0, objects=0)) != ""


def test_bad_revisions_are_kept_once_and_not_for_ever() -> None:
    status = SyncStatus(bad=tuple(str(number) for number in range(50)))

    assert decide.with_bad(status, "3")[-1] == "3"
    assert len(decide.with_bad(status, "3")) == 50
    assert "0" not in decide.with_bad(status, "new")
    after = status.replace(bad=decide.with_bad(status, "new"))
    assert decide.recorded(status, status, after) == after


def test_syncs_come_after_what_they_depend_on_and_circles_last() -> None:
    needs: dict[str, list[str]] = {"c": ["b"], "b": ["a"], "a": [], "x": ["y"], "y": ["x"]}

    assert decide.order(needs) == ("a", "b", "c", "x", "y")


def test_a_pass_may_use_its_timeout_to_fetch_to_reach_to_go_back_and_for_each_hook() -> None:
    assert decide.longest_pass(SPEC.replace(timeout="2m")) == 720.0


def test_a_retry_during_a_pass_is_remembered() -> None:
    before = SyncStatus(bad=("a",))
    retried = before.replace(bad=(), retries=1)

    assert decide.recorded(before, retried, before.replace(good="b")).retries == 1


@pytest.mark.parametrize(
    ("depends_on", "circle"),
    [
        ({}, ()),
        ({"a": ["b", "c"], "b": ["c"], "c": []}, ()),
        ({"a": ["b"], "b": ["a"]}, ("a", "b")),
        ({"a": ["b", "z"], "b": [], "y": ["a"], "z": ["a"]}, ("a", "z")),
        ({"a": ["c"], "c": ["d"], "d": ["c"]}, ("c", "d")),
    ],
)
def test_a_circle_is_found(depends_on: dict[str, list[str]], circle: tuple[str, ...]) -> None:
    assert decide.circle(depends_on) == circle
