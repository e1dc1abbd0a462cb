"""podpy.field_help: what is told of a field, and that every field of every kind can be told of."""

from __future__ import annotations

import pytest

from manifests import kinds
from manifests.faults import Invalid
from podpy import field_help, names
from podpy.commands import explain
from podpy.field_help import Field


def told(word: str) -> Field:
    kind, *path = word.split(".")
    return field_help.find(names.kind(kind), path).field


def test_a_field_is_told_with_its_type_values_and_whether_it_must_be() -> None:
    name = told("deploy.spec.template.spec.containers.name")
    policy = told("pod.spec.containers.imagePullPolicy")

    assert (name.type, name.required, name.honoured, name.note) == ("string", True, True, "")
    assert policy.values == ("Always", "IfNotPresent", "Never")
    assert told("pod.spec.containers").type == "[]Object"
    assert told("cm.data").type == "map[string]string"
    assert told("pod.spec.containers.env.valueFrom.secretKeyRef.key").honoured


@pytest.mark.parametrize(
    ("word", "note"),
    [
        ("pod.spec.topologySpreadConstraints", "not supported yet: the pod runs on this host"),
        ("pod.spec.topologySpreadConstraints.maxSkew", "not supported yet: the pod runs on this"),
        ("pod.spec.volumes.nfs", "nfs volumes are not supported yet"),
        ("pod.spec.tolerations", "any value: it changes nothing here"),
        ("ds.spec.template.spec.tolerations.key", "any value: it changes nothing here"),
        ("pod.spec.hostUsers", "only true: it changes nothing here"),
        ("pod.metadata.resourceVersion", "left out: an API server writes it"),
    ],
)
def test_what_podpy_does_not_honour_is_told_with_what_that_means(word: str, note: str) -> None:
    field = told(word)

    assert not field.honoured
    assert field.note.startswith(note)


def test_values_of_an_honoured_field_that_are_not_are_told() -> None:
    policy = told("pod.spec.containers.restartPolicy")

    assert policy.honoured
    assert policy.note.startswith("Never, OnFailure is not supported yet: the pod's restartPolicy")


def test_a_field_that_does_not_exist_is_answered_with_one_that_does() -> None:
    with pytest.raises(Invalid, match=r'Pod\.spec has no field "container"; did you mean "cont'):
        told("pod.spec.container")


@pytest.mark.parametrize("info", kinds.KINDS, ids=lambda info: info.kind)
def test_every_field_of_every_kind_is_told_once(info: kinds.KindInfo) -> None:
    fields = list(explain._listed(field_help.find(info, ()), recursive=True))

    paths = [field.path for field in fields]
    assert ("metadata", "name") in paths
    assert len(paths) == len(set(paths))
    assert all(field.note for field in fields if not field.honoured)
