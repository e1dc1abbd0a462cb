"""reconciler.targets.host.confinement: which AppArmor profile and SELinux label are in force."""

from __future__ import annotations

from typing import Any

import pytest

from manifests import codec
from manifests.container import SecurityContext
from manifests.pod import PodSecurityContext
from reconciler.targets.host import blocked, confinement
from reconciler.targets.host.confinement import Armor

ARMOR = Armor(default="podpy-default", loaded=frozenset({"mine"}))
MINE = {"type": "Localhost", "localhostProfile": "mine"}


def context(**fields: Any) -> SecurityContext:
    return codec.restore(SecurityContext, fields)


def pods(**fields: Any) -> PodSecurityContext:
    return codec.restore(PodSecurityContext, fields)


@pytest.mark.parametrize(
    ("own", "of_pod", "name"),
    [
        ({}, {}, "podpy-default"),
        ({"appArmorProfile": {"type": "RuntimeDefault"}}, {"appArmorProfile": MINE},
         "podpy-default"),
        ({"appArmorProfile": {"type": "Unconfined"}}, {}, "unconfined"),
        ({}, {"appArmorProfile": {"type": "Unconfined"}}, "unconfined"),
        ({"appArmorProfile": MINE}, {}, "mine"),
        ({}, {"appArmorProfile": MINE}, "mine"),
        ({"privileged": True}, {"appArmorProfile": MINE}, ""),
    ],
)  # fmt: skip
def test_the_apparmor_profile_in_force(own: Any, of_pod: Any, name: str) -> None:
    found = confinement.apparmor_profile(context(**own), pods(**of_pod), ARMOR, label="")

    assert found == name


@pytest.mark.parametrize("kind", ["RuntimeDefault", "Unconfined"])
def test_without_apparmor_a_container_names_no_profile(kind: str) -> None:
    own = context(appArmorProfile={"type": kind})

    assert confinement.apparmor_profile(own, pods(), None, label="") == ""


@pytest.mark.parametrize(
    ("armor", "why"),
    [(None, "this host has no AppArmor"), (Armor(default=""), "it is not loaded")],
)
def test_a_profile_that_the_kernel_lacks_is_refused(armor: Armor | None, why: str) -> None:
    own = context(appArmorProfile=MINE)

    assert confinement.wants_localhost(own, pods())
    with pytest.raises(blocked.Blocked, match=rf'Pod/web: AppArmor profile "mine" .*: {why}'):
        confinement.apparmor_profile(own, pods(), armor, label="Pod/web")


def test_an_selinux_label_is_refused_where_the_host_has_none() -> None:
    own = context(seLinuxOptions={"level": "s0:c1,c2"})

    assert confinement.selinux_label(own, pods(), enabled=True, label="") == (
        "system_u:system_r:container_t:s0:c1,c2"
    )
    with pytest.raises(blocked.Blocked, match="seLinuxOptions cannot be enforced"):
        confinement.selinux_label(own, pods(), enabled=False, label="Pod/web")
