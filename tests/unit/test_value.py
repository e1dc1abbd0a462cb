"""manifests.value: frozen values."""

from __future__ import annotations

import pickle

import pytest

from manifests.value import EMPTY, Value


class Port(Value):
    number: int
    name: str = ""
    labels: dict[str, str] = EMPTY  # type: ignore[assignment]


class NamedPort(Port):
    alias: str = "x"


def test_fields_have_defaults_and_are_read_back() -> None:
    port = Port(number=80)

    assert (port.number, port.name, dict(port.labels)) == (80, "", {})


def test_a_missing_field_is_named() -> None:
    with pytest.raises(TypeError, match="number is missing"):
        Port(name="web")  # type: ignore[call-arg]


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(TypeError, match="has no colour"):
        Port(number=1, colour="red")  # type: ignore[call-arg]


def test_values_cannot_be_changed() -> None:
    port = Port(number=80)

    with pytest.raises(AttributeError, match="frozen"):
        port.number = 81  # type: ignore[misc]


def test_replace_changes_a_copy() -> None:
    port = Port(number=80, name="web")
    changed = port.replace(number=81)

    assert (port.number, changed.number, changed.name) == (80, 81, "web")


def test_equal_fields_make_equal_values_of_one_type() -> None:
    assert Port(number=80) == Port(number=80)
    assert Port(number=80) != Port(number=81)
    assert Port(number=80) != NamedPort(number=80)


def test_values_with_mappings_can_be_hashed() -> None:
    first = Port(number=1, labels={"a": "1", "b": "2"})
    second = Port(number=1, labels={"b": "2", "a": "1"})

    assert len({first, second}) == 1


def test_a_subclass_adds_fields() -> None:
    assert repr(NamedPort(number=1, alias="y")) == "NamedPort(number=1, alias='y')"


def test_values_with_default_mappings_survive_pickling() -> None:
    port = Port(number=80, name="web")

    assert pickle.loads(pickle.dumps(port)) == port
