from __future__ import annotations

import pytest

from manifests import kinds
from manifests.faults import Invalid
from manifests.observed import Observed
from reconciler.plan import supervised
from reconciler.plan.wish import Wish, Wished
from reconciler.workloads.expand import expand
from tests.unit.reconciler import builders

THEIRS = builders.pod("web", supervisor="systemd")


def judge(*things: kinds.Object) -> None:
    (state,) = builders.applied(THEIRS)
    wish = Wish(objects=tuple(Wished.of(one, "x", "app.yaml", 3) for one in things))
    supervised.refuse_wished(wish, expand(things, [state], builders.NOW), Observed(pods=(state,)))


def test_a_wish_for_a_pod_that_systemd_runs_is_refused() -> None:
    with pytest.raises(Invalid, match=r"app.yaml:3: Pod/web is run by units of systemd's"):
        judge(builders.pod("web"))


def test_a_wish_for_a_pod_that_is_meant_for_systemd_is_refused() -> None:
    with pytest.raises(Invalid, match="Pod/other is run by"):
        judge(builders.pod("other", supervisor="systemd"))


def test_others_are_not_concerned() -> None:
    judge(builders.pod("other"), builders.deployment())

    supervised.refuse_removal([kinds.ref(builders.pod("other"))], builders.applied(THEIRS))


def test_who_removes_it_is_told_which_unit_to_stop() -> None:
    with pytest.raises(Invalid) as refused:
        supervised.refuse_removal([kinds.ref(THEIRS)], builders.applied(THEIRS))

    assert refused.value.hint == "systemctl disable --now podpy-default_web.service"
