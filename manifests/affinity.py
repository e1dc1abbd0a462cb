"""Node affinity: which hosts a pod may run on, as far as podpy honours it. Preferences are none."""

from __future__ import annotations

from manifests.meta import Operator, Requirement
from manifests.strenum import StrEnum
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class NodeOperator(StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GT = "Gt"
    LT = "Lt"


class NodeRequirement(Value):
    key: str
    operator: NodeOperator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether it holds; Gt and Lt compare whole numbers, and hold for nothing else."""
        if self.operator in (NodeOperator.GT, NodeOperator.LT):
            return self._compares(labels.get(self.key, ""))
        operator = Operator(str(self.operator))
        return Requirement(key=self.key, operator=operator, values=self.values).matches(labels)

    def _compares(self, held: str) -> bool:
        try:
            mine, bound = int(held), int(self.values[0])
        except (ValueError, IndexError):
            return False
        return mine > bound if self.operator is NodeOperator.GT else mine < bound

    def __str__(self) -> str:
        return " ".join(filter(None, (self.key, self.operator, ",".join(self.values))))


class NodeSelectorTerm(Value):
    """All of its requirements must hold; a term without any holds nowhere, as in Kubernetes."""

    match_expressions: tuple[NodeRequirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        wanted = self.match_expressions
        return bool(wanted) and all(one.matches(labels) for one in wanted)

    def __str__(self) -> str:
        return " and ".join(map(str, self.match_expressions))


class NodeSelector(Value):
    """One of its terms must hold."""

    node_selector_terms: tuple[NodeSelectorTerm, ...]


class NodeAffinity(Value):
    required_during_scheduling_ignored_during_execution: NodeSelector | None = None


class Affinity(Value):
    node_affinity: NodeAffinity | None = None
