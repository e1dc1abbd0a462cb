"""Init containers and sidecars of Quadlet files: who waits for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fixtures.rendered import lines, pod, rendered

if TYPE_CHECKING:
    from pathlib import Path

FIRST = {"name": "first"}
SIDE = {"name": "side", "restartPolicy": "Always"}
LAST = {"name": "last"}
BEHIND = pod(initContainers=[FIRST, SIDE, LAST], containers=[{"name": "a"}, {"name": "b"}])


def test_init_containers_run_to_their_end_one_after_the_other(tmp_path: Path) -> None:
    files, lost = rendered(tmp_path, BEHIND)
    first, last = files["web-first.container"], files["web-last.container"]

    assert lost == ()
    for unit in (first, last):
        assert lines(unit, "Type") == ["oneshot"]
        assert lines(unit, "RemainAfterExit") == ["yes"]
        assert lines(unit, "Restart") == ["on-failure"]
        assert lines(unit, "Pod") == ["web.pod"]
    assert lines(first, "Before") == ["web-side.service"]
    assert lines(last, "Requires") == ["web-first.service"]
    assert lines(last, "Wants") == ["web-side.service"]
    assert lines(last, "After") == ["web-first.service web-side.service"]
    assert lines(last, "ExecStartPost") == [
        "/usr/bin/systemctl --no-block start web-a.service web-b.service"
    ]


def test_containers_wait_for_all_of_them_and_a_sidecar_goes_on(tmp_path: Path) -> None:
    files, _ = rendered(tmp_path, BEHIND)
    side, main = files["web-side.container"], files["web-a.container"]

    assert (lines(side, "Type"), lines(side, "Restart")) == ([], ["always"])
    assert lines(main, "Requires") == ["web-first.service web-last.service"]
    assert lines(main, "Wants") == ["web-side.service"]
    assert lines(main, "After") == ["web-first.service web-last.service web-side.service"]


def test_the_pod_stays_between_an_init_container_and_the_next(tmp_path: Path) -> None:
    once = pod(restartPolicy="Never", initContainers=[FIRST], containers=[{"name": "a"}])
    files, _ = rendered(tmp_path, once, "5.6")
    plain, _ = rendered(tmp_path, pod(restartPolicy="Never", containers=[{"name": "a"}]), "5.6")

    assert lines(files["web.pod"], "ExitPolicy") == ["continue"]
    assert lines(files["web-first.container"], "Restart") == ["no"]
    assert lines(plain["web.pod"], "ExitPolicy") == []


def test_the_users_instance_is_asked_by_the_users_units(tmp_path: Path) -> None:
    files, _ = rendered(tmp_path, BEHIND, user=True)

    assert lines(files["web-first.container"], "ExecStartPost") == [
        "/usr/bin/systemctl --user --no-block start web-side.service"
    ]


def test_a_pod_may_start_as_slowly_as_its_containers(tmp_path: Path) -> None:
    files, _ = rendered(tmp_path, pod(containers=[{"name": "a"}]))

    for name in ("web.pod", "web-a.container"):
        assert lines(files[name], "TimeoutStartSec") == ["900"]


def test_a_deadline_stops_the_pod_for_good(tmp_path: Path) -> None:
    files, _ = rendered(tmp_path, pod(activeDeadlineSeconds=20, containers=[{"name": "a"}]))
    begin, over = lines(files["web.pod"], "ExecStartPre"), lines(files["web.pod"], "ExecStopPost")

    assert "--on-active=20 /usr/bin/systemctl stop web-pod.service" in begin[0]
    assert over == ["-/usr/bin/systemctl stop web-pod-deadline.timer"]
    assert lines(files["web-a.container"], "RuntimeMaxSec") == []
