"""reconciler.plan.removal: what goes with an object, and what stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifests import kinds
from reconciler.plan import removal
from reconciler.plan.change import Effect, Reason
from tests.unit.reconciler.builders import applied, claim, config_map, daemon_set, deployment
from tests.unit.reconciler.planning import reasons

if TYPE_CHECKING:
    from manifests.kinds import Object
    from manifests.ref import Ref

ASKED = Reason(text="asked for")


def test_a_claims_data_goes_only_with_consent() -> None:
    things: dict[Ref, Object] = {kinds.ref(each): each for each in (claim(), config_map())}
    kept = removal.remove(things, (), ASKED)
    lost = removal.remove(things, (), ASKED, data=True)

    assert [change.effect for change in kept] == [Effect.NONE, Effect.NONE]
    assert [change.effect for change in lost] == [Effect.DATA_LOSS, Effect.NONE]
    assert reasons(lost[0]) == ["asked for"]


def test_removing_a_workload_removes_its_pods_and_no_others() -> None:
    things: list[Object] = [deployment(2), daemon_set("web"), deployment(namespace="shop")]

    made = removal.remove({kinds.ref(things[0]): things[0]}, applied(*things), ASKED)

    assert [change.uid for change in made] == ["uid-0", "uid-1", ""]
