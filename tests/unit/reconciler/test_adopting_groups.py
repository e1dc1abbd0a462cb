from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.adopting import groups
from tests.unit.inspected import samples

if TYPE_CHECKING:
    from manifests.inspected.facts import Subject

BACKEND = {
    "name": "backend",
    "driver": "bridge",
    "subnets": [{"subnet": "10.99.1.0/24", "gateway": "10.99.1.9"}, {"subnet": "fd00::/64"}],
    "options": {"mtu": "1400", "isolate": "true"},
}


def subject(name: str, volume: str = "", network: str = "podman") -> Subject:
    mounts: list[dict[str, Any]] = [{**samples.SHOP["Mounts"][0], "Name": volume}]
    changes = {
        "Name": name,
        "Mounts": mounts if volume else [],
        "NetworkSettings.Networks": {network: {}},
        "HostConfig.NetworkMode": "bridge",
    }
    return samples.alone(samples.facts(changes))


def names(found: tuple[groups.Group, ...]) -> list[list[str]]:
    return [[piece.pod for piece in one.pieces] for one in found]


def test_who_shares_a_volume_or_a_network_goes_together() -> None:
    subjects = [
        subject("a", "one"),
        subject("b", network="backend"),
        subject("c", "two"),
        subject("d", "one", "backend"),
    ]

    found = groups.make(subjects, {"backend": BACKEND}, "")

    assert names(found) == [["c"], ["b", "a", "d"]]
    kinds = [one["kind"] for one in found[1].documents]
    assert kinds == ["Network", "Pod", "PersistentVolumeClaim", "Pod", "Pod"]


def test_a_network_keeps_subnet_and_gateway_and_tells_what_it_cannot() -> None:
    (found,) = groups.make([subject("b", network="backend")], {"backend": BACKEND}, "")

    assert found.documents[0]["spec"] == {
        "subnet": "10.99.1.0/24",
        "gateway": "10.99.1.9",
        "mtu": 1400,
    }
    assert [one.field for one in found.losses] == ["subnets", "options.isolate"]


def test_the_default_network_ties_nobody() -> None:
    assert names(groups.make([subject("a"), subject("b")], {}, "")) == [["a"], ["b"]]
