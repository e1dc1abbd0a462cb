"""What every Kubernetes object carries: metadata, and selectors over labels."""

from __future__ import annotations

from collections.abc import Mapping

from manifests.strenum import StrEnum
from manifests.value import EMPTY, Value

DEFAULT_NAMESPACE = "default"


class OwnerReference(Value):
    """The object that an object was made for; podpy finds it by kind and name, not by uid."""

    api_version: str
    kind: str
    name: str
    uid: str = ""
    controller: bool = False


class ObjectMeta(Value):
    """`uid`, `owner_references` and `creation_timestamp` are podpy's to set, never the user's."""

    name: str = ""
    namespace: str = ""
    labels: Mapping[str, str] = EMPTY
    annotations: Mapping[str, str] = EMPTY
    uid: str = ""
    owner_references: tuple[OwnerReference, ...] = ()
    creation_timestamp: str = ""


class TemplateMeta(Value):
    """The metadata of a pod template."""

    name: str = ""
    namespace: str = ""
    labels: Mapping[str, str] = EMPTY
    annotations: Mapping[str, str] = EMPTY


class Operator(StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Requirement(Value):
    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.DOES_NOT_EXIST:
                return self.key not in labels


class LabelSelector(Value):
    """All of its requirements must hold; with none it selects everything."""

    match_labels: Mapping[str, str] = EMPTY
    match_expressions: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )
