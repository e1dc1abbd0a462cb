"""Make plans in tests: what is wished, remembered and on the host, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifests import kinds
from manifests.observed import Drift, Mend, NetworkState, Observed, PodState
from manifests.ref import Ref
from manifests.value import EMPTY
from manifests.volumes import ConfigMapVolume, SecretVolume, Volume
from reconciler.plan import make
from reconciler.plan.change import Change, Plan
from reconciler.plan.wish import Remembered, Wish, Wished
from reconciler.state import objects
from reconciler.workloads.expand import expand
from tests.unit.reconciler.builders import NOW, pod, spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from manifests.kinds import Object

SETTINGS = Volume(name="v", config_map=ConfigMapVolume(name="settings"))
LOGIN = Volume(name="w", secret=SecretVolume(secret_name="login"))


def digest(thing: Object) -> str:
    """Any text that differs where the objects do."""
    return repr(kinds.dump(thing))


def wished(thing: Object) -> Wished:
    return Wished.of(thing, digest(thing), "web.yaml", 7)


def remembered(*things: Object, applyset: str = "app") -> dict[Ref, Remembered]:
    """What the database tells of objects that were applied before."""
    return {
        kinds.ref(thing): Remembered(
            body=objects.entry(thing, digest="", applyset="").body,
            digest=digest(thing),
            applyset=applyset,
        )
        for thing in things
    }


def plan(
    things: Sequence[Object],
    pods: Sequence[PodState] = (),
    before: Mapping[Ref, Remembered] = EMPTY,
    *,
    prune: bool = False,
    recreate: bool = False,
    networks: Mapping[str, NetworkState] = EMPTY,
    claims: frozenset[tuple[str, str]] = frozenset(),
) -> Plan:
    shown = {
        kinds.ref(each): digest(each) for each in things if each.kind in ("ConfigMap", "Secret")
    }
    wish = Wish(
        objects=tuple(wished(thing) for thing in things),
        applyset="app",
        prune=prune,
        recreate=recreate,
        remembered=before,
        digests=shown,
    )
    observed = Observed(pods=tuple(pods), networks=networks, claims=claims)
    return make.make(wish, expand(things, pods, NOW), observed)


def ops(made: Plan) -> list[tuple[str, str]]:
    return [(change.op.value, change.ref.kind) for change in made.changes]


def reasons(change: Change) -> list[str]:
    return [str(reason) for reason in change.reasons]


def drifted(state: PodState, *mends: Mend) -> PodState:
    return state.replace(drift=tuple(Drift(mend=mend, text=f"lost {mend}") for mend in mends))


def reads(volume: Volume) -> Object:
    """A Pod that shows the volume."""
    return pod(of=spec(volumes=[volume]))
