"""manifests.codec: JSON-shaped data to values and back, with every flaw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from manifests import codec
from manifests.codec import SecretBytes
from manifests.config import ConfigMap, Secret
from manifests.pod import Pod
from manifests.quantity import Quantity
from manifests.strenum import StrEnum
from manifests.value import EMPTY, Value


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Leaf(Value):
    host_ip: str
    count: int = 0
    on: bool | None = None


class Tree(Value):
    name: str
    leaf: Leaf | None = None
    leaves: tuple[Leaf, ...] = ()
    labels: Mapping[str, str] = EMPTY
    colour: Colour = Colour.RED
    amount: Quantity = Quantity("0")
    secret: SecretBytes = SecretBytes()
    anything: object = None


WHOLE: dict[str, Any] = {
    "name": "oak",
    "leaf": {"hostIP": "::1", "count": 2, "on": False},
    "leaves": [{"hostIP": "a"}, {"hostIP": "b"}],
    "labels": {"a": "b"},
    "colour": "blue",
    "amount": "64Mi",
    "secret": "eA==",
    "anything": [{"goes": 1}],
}


def flaws(raw: object, kind: type[Value] = Tree) -> list[tuple[codec.Path, str]]:
    value, found = codec.decode(kind, raw)
    assert (value is None) is bool(found)
    return [(flaw.path, flaw.message) for flaw in found]


def test_what_was_decoded_is_encoded_the_same() -> None:
    tree = codec.restore(Tree, WHOLE)

    assert codec.encode(tree) == WHOLE
    assert tree.leaf == Leaf(host_ip="::1", count=2, on=False)
    assert tree.colour is Colour.BLUE
    assert tree.secret == b"x"


def test_defaults_are_not_written() -> None:
    assert codec.encode(Tree(name="oak")) == {"name": "oak"}


def test_null_is_absent() -> None:
    raw = {"name": "oak", "leaf": None, "leaves": None, "colour": None, "unknown": None}

    assert codec.restore(Tree, raw) == Tree(name="oak")


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"name": 1}, ("name",), "must be a string"),
        ({"name": None}, ("name",), "is required"),
        ({"leaf": {}}, ("leaf", "hostIP"), "is required"),
        ({"leaf": {"hostIP": "a", "count": "1"}}, ("leaf", "count"), "must be an integer"),
        ({"leaf": {"hostIP": "a", "count": True}}, ("leaf", "count"), "must be an integer"),
        ({"leaf": {"hostIP": "a", "count": 1.0}}, ("leaf", "count"), "must be an integer"),
        ({"leaf": {"hostIP": "a", "on": 1}}, ("leaf", "on"), "must be a boolean"),
        ({"leaf": {"hostIP": "a", "hostIp": "b"}}, ("leaf", "hostIp"), "unknown field"),
        ({"leaf": "x"}, ("leaf",), "must be a mapping"),
        ({"leaves": {}}, ("leaves",), "must be a list"),
        ({"leaves": [{"hostIP": "a"}, 1]}, ("leaves", 1), "must be a mapping"),
        ({"labels": []}, ("labels",), "must be a mapping"),
        ({"labels": {"a": 1}}, ("labels", "a"), "must be a string"),
        ({"labels": {"a": None}}, ("labels", "a"), "must be a string"),
        ({"colour": "green"}, ("colour",), "must be one of red, blue"),
        ({"colour": 1}, ("colour",), "must be one of red, blue"),
        ({"colour": []}, ("colour",), "must be one of red, blue"),
        ({"amount": True}, ("amount",), "must be a quantity such as 500m or 64Mi"),
        ({"secret": "?"}, ("secret",), "must be a base64-encoded string"),
        ({"secret": 1}, ("secret",), "must be a base64-encoded string"),
    ],
)
def test_each_flaw_has_its_path(changes: dict[str, Any], path: codec.Path, message: str) -> None:
    assert flaws({**WHOLE, **changes}) == [(path, message)]


def test_all_flaws_are_found_at_once() -> None:
    assert len(flaws({"leaf": {"x": 1}, "labels": 1, "y": 2})) == 5


@pytest.mark.parametrize("raw", [None, [], "x", 1])
def test_what_is_no_mapping_is_no_value(raw: object) -> None:
    assert flaws(raw) == [((), "must be a mapping")]


def test_base64_may_be_wrapped_over_lines() -> None:
    assert codec.restore(Tree, {"name": "a", "secret": "aGVs\nbG8=\n"}).secret == b"hello"


@pytest.mark.parametrize(
    ("field", "wire"),
    [
        ("host_path", "hostPath"),
        ("host_ip", "hostIP"),
        ("pod_ips", "podIPs"),
        ("dns_config", "dnsConfig"),
        ("dns_policy", "dnsPolicy"),
        ("uid", "uid"),
        ("ip", "ip"),
        ("fs_group", "fsGroup"),
        ("se_linux_options", "seLinuxOptions"),
        ("api_version", "apiVersion"),
    ],
)
def test_wire_names_are_kubernetes(field: str, wire: str) -> None:
    assert codec.wire_name(field) == wire


def test_the_fields_of_a_class_are_what_it_honours() -> None:
    assert codec.fields(Leaf) == {"hostIP": "host_ip", "count": "count", "on": "on"}


def test_a_secret_shows_nothing() -> None:
    raw = {"metadata": {"name": "a"}, "data": {"k": "aHVudGVyMg=="}, "stringData": {"s": "hunter2"}}
    secret = codec.restore(Secret, raw)

    assert secret.content() == {"k": b"hunter2", "s": b"hunter2"}
    assert "hunter2" not in repr(secret) + str(secret.data) + repr(secret.content())


def test_the_content_of_a_config_map_is_bytes() -> None:
    raw = {"metadata": {"name": "a"}, "data": {"t": "ü"}, "binaryData": {"b": "/w=="}}

    assert codec.restore(ConfigMap, raw).content() == {"t": "ü".encode(), "b": b"\xff"}


def test_a_pod_survives_being_written_and_read() -> None:
    raw = {
        "metadata": {"name": "a", "labels": {"x": "y"}},
        "spec": {
            "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 1}]}],
            "volumes": [{"name": "v", "emptyDir": {}}],
            "dnsPolicy": "None",
        },
    }

    assert codec.encode(codec.restore(Pod, raw)) == raw
