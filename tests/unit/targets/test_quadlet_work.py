"""What a Sync with target: quadlet would do: files and units in, work and plan out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests import kinds, load
from manifests.faults import Invalid
from manifests.ref import Ref
from reconciler.plan.wish import Wished
from reconciler.targets.quadlet import health, units, wanted, work
from reconciler.targets.quadlet.records import Known, Record
from reconciler.targets.quadlet.wanted import Wanted
from reconciler.targets.quadlet.work import Seen, Work
from runtime.systemd_bus import Unit
from tests.fixtures import rendered

if TYPE_CHECKING:
    from pathlib import Path

WEB = Ref(kind="Pod", namespace="default", name="web")
RUNS = ("active", "running")


def made(tmp_path: Path, text: str) -> Wanted:
    path = tmp_path / "app.yaml"
    path.write_text(text)
    loaded = load.load([str(path)], load.APPLY)
    assert loaded.errors == ()
    return wanted.make([Wished.of(one.object, one.digest) for one in loaded.objects], "5.4.2")


def two(word: str = "one") -> str:
    env = [{"name": "W", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "w"}}}]
    containers = [{"name": "a", "env": env}, {"name": "b"}]
    return rendered.configmap("c", w=word) + rendered.pod(containers=containers)


def digests(files: Wanted) -> dict[str, str]:
    return {name: repr(file.content) for name, file in files.files.items()}


def record(files: Wanted) -> Record:
    known = {
        name: Known(digests=(one,), of=files.owners.get(name))
        for name, one in digests(files).items()
    }
    return Record(objects=(WEB,), files=known)


def seen(files: Wanted, before: Wanted | None = None, **states: str) -> Seen:
    """All runs, but the services (a, b, pod) that are said to be otherwise."""
    names = {"a": "web-a.service", "b": "web-b.service", "pod": "web-pod.service"}
    return Seen(
        wanted=digests(files),
        disk=digests(before) if before else {},
        units={
            name: Unit(name=name, load="loaded", active=states.get(short, "active"), tried=1)
            for short, name in names.items()
        },
    )


def found(files: Wanted, before: Wanted | None, now: Seen, kept: tuple[Ref, ...] = ()) -> Work:
    services = units.services(files.files, files.owners)
    return work.find(files, services, record(before) if before else Record(), now, kept)


def test_what_is_there_already_is_no_work(tmp_path: Path) -> None:
    files = made(tmp_path, two())

    assert not found(files, files, seen(files, files)).effective


def test_what_is_new_is_written_and_its_pod_begins_once(tmp_path: Path) -> None:
    files = made(tmp_path, two())

    todo = found(files, None, seen(files))

    assert (set(todo.write), todo.restart) == (set(files.files), ("web-pod.service",))


def test_only_the_container_begins_anew_whose_variables_changed(tmp_path: Path) -> None:
    before, files = made(tmp_path, two()), made(tmp_path, two("two"))

    todo = found(files, before, seen(files, before))

    assert (todo.restart, todo.affected) == (("web-a.service",), frozenset({WEB}))
    assert todo.changed[WEB] == ("web-a.container changed",)


def test_what_is_stopped_or_changed_by_hand_is_mended(tmp_path: Path) -> None:
    files = made(tmp_path, two())
    now = seen(files, files, b="inactive")
    now = now.replace(disk={**now.disk, "web-a.container": "mine"})

    todo = found(files, files, now)

    assert (todo.restart, todo.start) == (("web-a.service",), ("web-b.service",))
    told = ("web-a.container was changed by hand", "web-b.service does not run")
    assert (todo.drifted[WEB], todo.changed) == (told, {})


def test_of_a_stopped_pod_only_the_pod_is_started(tmp_path: Path) -> None:
    files = made(tmp_path, two())

    todo = found(files, files, seen(files, files, a="inactive", b="inactive", pod="inactive"))

    assert todo.start == ("web-pod.service",)


def test_a_restart_that_a_killed_pass_has_left_is_done(tmp_path: Path) -> None:
    files = made(tmp_path, two())
    left = record(files).replace(due=("web-b.service", "gone.service"), reload=True)

    services = units.services(files.files, files.owners)
    todo = work.find(files, services, left, seen(files, files), ())

    assert (todo.restart, todo.reload) == (("web-b.service",), True)


def test_what_is_gone_is_stopped_pods_first_and_what_is_kept_back_stays(tmp_path: Path) -> None:
    files, nothing = made(tmp_path, two()), Wanted()
    now = seen(nothing, files)

    todo = found(nothing, files, now)

    assert set(todo.remove) == set(files.files)
    assert todo.stop[0] == "web-pod.service"
    assert todo.stop[-1] == "podpy-network.service"
    assert not found(nothing, files, now, kept=(WEB,)).remove


def test_a_file_of_somebody_else_is_not_written_over(tmp_path: Path) -> None:
    files = made(tmp_path, two())
    now = seen(files).replace(disk={"web.pod": "theirs"})

    with pytest.raises(Invalid, match=r"web\.pod"):
        found(files, None, now)


def test_the_first_line_says_whose_a_unit_is_wherever_it_is_written(tmp_path: Path) -> None:
    one, other = made(tmp_path, two()), made(tmp_path, "\n\n# moved\n" + two())

    assert digests(one) == digests(other)
    assert one.files["web.pod"].content.startswith(b"# Written by podpy for Pod/web")


@pytest.mark.parametrize(
    ("unit", "healthy", "final"),
    [
        (Unit(name="", load="loaded", active="active", sub="running", entered=1), True, False),
        (Unit(name="", load="loaded", active="active", entered=9_900_000), False, False),
        (Unit(name="", load="loaded", active="activating", sub="start"), False, False),
        (Unit(name="", load="loaded", active="failed", result="exit-code"), False, True),
        (Unit(name="", load="loaded", active="activating", sub="auto-restart"), False, False),
        (
            Unit(name="", load="loaded", active="activating", sub="auto-restart", restarts=3),
            False,
            True,
        ),
        (Unit(name="", load="loaded", active="failed", job=True), False, False),
        (Unit(name="", load="loaded", active="active", entered=1, restarts=1), False, False),
        (Unit(name=""), False, True),
    ],
)
def test_health_is_what_systemd_says(
    tmp_path: Path, unit: Unit, *, healthy: bool, final: bool
) -> None:
    files = made(tmp_path, two())
    services = units.services(files.files, files.owners)
    well = Unit(name="", load="loaded", active="active", sub="running", entered=1)
    unit = unit.replace(name="web-a.service")
    states = {one.name: unit if one.name == unit.name else well for one in services}

    seen_now = health.assess(services, states, 10_000_000, running=None)

    assert (seen_now.healthy, seen_now.final) == (healthy, final)
    assert healthy or "web-a" in seen_now.why


def test_how_a_container_ended_with_its_pod_tells_nothing_while_that_begins(tmp_path: Path) -> None:
    files = made(tmp_path, two())
    services = units.services(files.files, files.owners)
    failed = Unit(name="", load="loaded", active="failed")
    pod = Unit(name="web-pod.service", load="loaded", active="activating", job=True)
    states = {one.name: pod if one.role is units.Role.POD else failed for one in services}

    seen_now = health.assess(services, states, 10_000_000, running=None)

    assert (seen_now.why, seen_now.final) == ("web-pod.service is about to begin", False)


def test_a_container_that_has_ended_under_an_active_service_is_not_well(tmp_path: Path) -> None:
    files = made(tmp_path, two())
    services = units.services(files.files, files.owners)
    well = Unit(name="", load="loaded", active="active", sub="running", entered=1)
    states = {one.name: well for one in services}

    def why(**running: str) -> str:
        names = {f"web-{name}": said for name, said in running.items()}
        return health.assess(services, states, 10_000_000, running=names).why

    assert (why(a="", b=""), why(a="")) == ("", "web-b has ended, as Podman says")


def test_every_file_has_its_object(tmp_path: Path) -> None:
    files = made(tmp_path, two())

    assert set(files.files) - set(files.owners) == {"podpy.network"}
    assert kinds.ORDER[files.owners["web.pod"].kind] >= 0
