"""Kubernetes' capability requests, resolved as containerd resolves them."""

from __future__ import annotations

import pytest

from manifests.faults import Invalid
from renderers import capabilities
from renderers.capabilities import DEFAULT, KNOWN, resolve


def test_a_container_that_asks_for_nothing_gets_the_default() -> None:
    assert set(resolve()) == DEFAULT
    assert len(DEFAULT) == 14


@pytest.mark.parametrize(
    ("add", "drop", "result"),
    [
        (("NET_ADMIN",), (), DEFAULT | {"CAP_NET_ADMIN"}),
        (("cap_net_admin",), (), DEFAULT | {"CAP_NET_ADMIN"}),
        ((), ("MKNOD", "CAP_NET_RAW"), DEFAULT - {"CAP_MKNOD", "CAP_NET_RAW"}),
        ((), ("ALL",), set()),
        (("CHOWN",), ("ALL",), {"CAP_CHOWN"}),
        (("ALL",), (), set(KNOWN)),
        (("ALL",), ("SYS_ADMIN",), set(KNOWN) - {"CAP_SYS_ADMIN"}),
        (("ALL",), ("ALL",), set()),
        (("SYS_TIME",), ("SYS_TIME",), DEFAULT),
    ],
)
def test_add_and_drop(add: tuple[str, ...], drop: tuple[str, ...], result: set[str]) -> None:
    assert set(resolve(add, drop)) == result


def test_what_is_asked_for_in_bulk_is_cut_to_what_there_is() -> None:
    available = ("CAP_CHOWN", "CAP_SYS_ADMIN")

    assert resolve(("ALL",), available=available) == available
    assert resolve(privileged=True, available=available) == available
    assert resolve(available=available) == ("CAP_CHOWN",)


def test_a_single_name_that_cannot_be_given_is_refused() -> None:
    with pytest.raises(Invalid, match="CAP_SYS_TIME"):
        resolve(("SYS_TIME",), available=("CAP_CHOWN",))


def test_a_misspelt_name_is_refused() -> None:
    with pytest.raises(Invalid, match="NET_ADMINS"):
        resolve(("NET_ADMINS",))


def test_a_mask_of_proc_names_its_capabilities() -> None:
    assert capabilities.from_mask(0b1000_0001) == ("CAP_CHOWN", "CAP_SETUID")
