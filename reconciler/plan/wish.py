"""What a plan starts from: the wished objects, and what is remembered of earlier ones."""

from __future__ import annotations

from manifests import kinds
from manifests.ref import Ref
from manifests.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.kinds import Object


class Wished(Value):
    """One object that the user wants, and where it is written."""

    object: Object
    digest: str
    file: str = ""
    line: int = 0

    @property
    def ref(self) -> Ref:
        return kinds.ref(self.object)

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}" if self.file else ""


class Remembered(Value):
    """One object as it was applied; a Secret comes without its content."""

    object: Object
    digest: str
    applyset: str


class Wish(Value):
    """The wished objects and how to take them.

    `applyset` names the source; with `prune` an object that the source brought before and no
    longer holds is removed. `recreate` makes every pod anew, changed or not. `digests` gives the
    digest of every ConfigMap and Secret that a pod may show, wished or remembered.
    """

    objects: tuple[Wished, ...]
    applyset: str = ""
    prune: bool = False
    recreate: bool = False
    remembered: Mapping[Ref, Remembered] = EMPTY
    digests: Mapping[Ref, str] = EMPTY
