"""reconciler.plan.order: what waits for whom, and in which turn objects go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifests import kinds
from manifests.ref import Ref
from reconciler.health import assess
from reconciler.plan import order
from reconciler.plan.change import Op
from tests.unit.reconciler.builders import (
    NOW,
    applied,
    config_map,
    container,
    deployment,
    exited,
    pod,
    spec,
    states,
    template,
)
from tests.unit.reconciler.planning import plan, remembered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from manifests.kinds import Object
    from manifests.observed import PodState
    from reconciler.plan.wish import Remembered


def turn(name: str, wave: int = 0, depends_on: str = "", image: str = "busybox") -> Object:
    given = {"depends-on": depends_on} if depends_on else {}
    return pod(name, spec(container(image=image)), wave=str(wave), **given)


def waits(
    things: Sequence[Object],
    pods: Sequence[PodState] = (),
    before: Mapping[Ref, Remembered] | None = None,
    *,
    recreate: bool = False,
) -> dict[str, list[str]]:
    """Name -> what its changes wait for, of those that are for later."""
    made = plan(things, pods, before or {}, recreate=recreate)
    objects = {kinds.ref(thing): thing for thing in things}
    held = order.hold(
        made.changes,
        {ref: order.place(thing, "app") for ref, thing in objects.items()},
        lambda ref: assess.assess(objects[ref], pods, NOW),
    )
    return {
        (change.of or change.ref).name: [other.name for other in change.after]
        for change in held
        if change.after
    }


def test_waves_wait_for_lower_ones() -> None:
    things = [turn("c", 5), turn("a"), turn("b", 1)]

    assert waits(things) == {"b": ["a"], "c": ["a", "b"]}


def test_dependencies_are_waited_for_whatever_their_wave() -> None:
    things = [turn("a"), turn("b", 0, "Pod/a"), turn("c")]

    assert waits(things) == {"b": ["a"]}


def test_what_is_healthy_is_not_waited_for() -> None:
    things = [turn("a"), turn("b", 1)]

    assert waits(things, applied(things[0]), remembered(things[0])) == {}


def test_old_pods_that_are_about_to_be_replaced_are_not_the_health_of_what_is_wanted() -> None:
    before = [turn("a"), turn("b", 1)]
    after = [turn("a", image="new"), turn("b", 1, image="new")]

    assert waits(after, applied(*before), remembered(*before)) == {"b": ["a"]}
    assert waits(before, applied(*before), remembered(*before), recreate=True) == {"b": ["a"]}


def test_what_has_begun_is_not_held_back_by_what_is_ill() -> None:
    things = [turn("a"), deployment(2, name="b", wave="1")]
    ill, first, _second = applied(*things)
    ill = ill.replace(containers=states(exited(code=1, backoff=40.0)))

    assert waits(things, [ill, first], remembered(*things)) == {}
    assert waits(things, [ill], remembered(*things)) == {"b": ["a"]}


def test_the_pods_of_an_earlier_template_stay_until_the_new_ones_may_begin() -> None:
    old = deployment(1, name="b", wave="1")
    new = deployment(1, template(spec(container(image="new"))), name="b", wave="1")
    made = plan([turn("a"), new], applied(old), remembered(old))
    places = {kinds.ref(thing): order.place(thing, "") for thing in (turn("a"), new)}
    missing = assess.Assessment(health=assess.Health.MISSING)
    held = [one for one in order.hold(made.changes, places, lambda _: missing) if one.after]

    assert sorted(change.op for change in held) == [Op.CREATE, Op.DELETE]


def test_what_has_no_pods_waits_for_nothing() -> None:
    settings = config_map()
    late = settings.replace(metadata=settings.metadata.replace(annotations={"podpy.dev/wave": "9"}))

    assert waits([turn("a"), late]) == {}


def test_waves_of_another_set_do_not_matter() -> None:
    things = [turn("a"), turn("b", 1)]
    made = plan(things)
    places = {kinds.ref(one): order.place(one, one.metadata.name) for one in things}
    missing = assess.Assessment(health=assess.Health.MISSING)

    assert [one.after for one in order.hold(made.changes, places, lambda _: missing)] == [(), ()]


def test_turns_follow_waves_and_dependencies() -> None:
    things = [turn("d", 3), turn("c", 1), turn("b", 0, "Pod/a"), turn("a"), turn("e", 3, "Pod/d")]

    assert {ref.name: number for ref, number in order.turns(things).items()} == {
        "a": 0,
        "b": 1,
        "c": 2,
        "d": 3,
        "e": 4,
    }


def test_turns_of_a_circle_have_an_end() -> None:
    things = [turn("a", 0, "Pod/b"), turn("b", 0, "Pod/a")]

    assert set(order.turns(things).values()) == {0}
