"""Name one object: `Ref(kind="Pod", namespace="default", name="web")`."""

from __future__ import annotations

from manifests.meta import DEFAULT_NAMESPACE
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NewType

    PodUid = NewType("PodUid", str)
    ContainerId = NewType("ContainerId", str)
    ImageId = NewType("ImageId", str)
    SpecHash = NewType("SpecHash", str)
else:
    PodUid = ContainerId = ImageId = SpecHash = str


class Ref(Value):
    """`namespace` is empty for kinds that live outside of namespaces."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        """Pod/web, or Pod/shop/web outside the default namespace, as podpy's messages name it."""
        if self.namespace in ("", DEFAULT_NAMESPACE):
            return f"{self.kind}/{self.name}"
        return f"{self.kind}/{self.namespace}/{self.name}"

    def __hash__(self) -> int:
        """As Value's, without its generality: a pass asks thousands of times."""
        return hash((self.kind, self.namespace, self.name))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ref):
            return NotImplemented
        return self.key() == other.key()

    def key(self) -> tuple[str, str, str]:
        return self.kind, self.namespace, self.name
