"""What a plan is made of: changes, why each is made, and what it costs those who use the object."""

from __future__ import annotations

from manifests.ref import Ref
from manifests.strenum import StrEnum
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.kinds import Object
    from manifests.loaded import Elsewhere
    from reconciler.workloads.expand import WantedPod


class Op(StrEnum):
    """What happens to an object. REPAIR puts back what the host has lost of an unchanged one."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    REPAIR = "repair"
    DELETE = "delete"
    KEEP = "keep"


class Effect(StrEnum):
    """What a change costs: nothing that runs, a container's restart, a new pod, data."""

    NONE = "none"
    IN_PLACE = "in place"
    RESTART = "restart"
    RECREATE = "recreate"
    DATA_LOSS = "data loss"


class Reason(Value):
    """One field that changed (`path`, `old`, `new`), or, without a path, one sentence in `text`.

    `where` is file:line of the wish, empty where the host drifted.
    """

    text: str = ""
    path: str = ""
    old: str | None = None
    new: str | None = None
    where: str = ""

    def __str__(self) -> str:
        if not self.path:
            said = self.text
        elif self.old is None:
            said = f"{self.path} added: {self.new}"
        elif self.new is None:
            said = f"{self.path} removed: {self.old}"
        else:
            said = f"{self.path} changed {self.old} -> {self.new}"
        return f"{said} ({self.where})" if self.where else said


class Change(Value):
    """One object's change. `object` is set for what users write, `pod` for a pod to make or keep.

    `uid` is the pod on the host that is replaced, deleted, updated or repaired. `of` is the object
    that the change belongs to, for pods of workloads. `needs` are changes that come first. `after`
    are objects that are to be healthy first, and are not: the change is not for now. Of what goes,
    that with the highest `turn` goes first.
    """

    op: Op
    ref: Ref
    reasons: tuple[Reason, ...] = ()
    effect: Effect = Effect.NONE
    needs: tuple[Ref, ...] = ()
    of: Ref | None = None
    object: Object | None = None
    pod: WantedPod | None = None
    uid: str = ""
    after: tuple[Ref, ...] = ()
    turn: int = 0


class Plan(Value):
    """Changes in the order in which they are shown; execution follows their needs.

    `kept_back` are objects that were applied from here before, are gone from the source, and stay
    because pruning was not asked for. `elsewhere` are those of the source that are for other hosts.
    """

    changes: tuple[Change, ...]
    kept_back: tuple[Ref, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()

    def effective(self) -> tuple[Change, ...]:
        """The changes that change something."""
        return tuple(change for change in self.changes if change.op is not Op.KEEP)

    def held(self) -> tuple[Change, ...]:
        """Those of them that wait until other objects are healthy."""
        return tuple(change for change in self.effective() if change.after)
