"""Kernel settings, read and written in a network namespace of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests.faults import HostFault
from runtime.kernel import sysctls

if TYPE_CHECKING:
    from runtime.kernel.inside import Inside

pytestmark = pytest.mark.host

NAME = "net.ipv4.ping_group_range"


def test_a_setting_is_the_callers_namespaces(apart: Inside) -> None:
    apart.call(sysctls.write, NAME, "0 7")

    assert apart.call(sysctls.read, NAME).split() == ["0", "7"]
    assert sysctls.read(NAME).split() != ["0", "7"]


@pytest.mark.parametrize("name", ["net.no.such", "net/../../etc/passwd"])
def test_what_the_kernel_does_not_have_is_named(name: str) -> None:
    with pytest.raises(HostFault, match=f"sysctl {name}"):
        sysctls.write(name, "1")
    with pytest.raises(HostFault, match=f"sysctl {name}"):
        sysctls.read(name)
