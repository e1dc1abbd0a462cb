"""podpy rollout: when a workload is all there, and how far it is before."""

from __future__ import annotations

import pytest

from podpy.commands import rollout
from podpy.counts import Counts

DONE = Counts(wanted=3, there=3, updated=3, ready=3)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (DONE, 'deployment "web" successfully rolled out'),
        (DONE.replace(updated=1), "1 out of 3 new replicas have been updated..."),
        (DONE.replace(there=5), "2 old replicas are pending termination..."),
        (DONE.replace(ready=0), "0 of 3 updated replicas are available..."),
        (Counts(wanted=0, there=0, updated=0, ready=0), "successfully rolled out"),
        (Counts(wanted=0, there=1, updated=0, ready=1), "1 old replicas are pending termination"),
    ],
)
def test_how_far_a_workload_is_is_said_in_kubectls_words(found: Counts, said: str) -> None:
    assert said in rollout.worded("deployment", "web", found)
    assert rollout.rolled_out(found) is ("successfully" in said)


def test_a_daemon_set_has_pods() -> None:
    told = rollout.worded("daemon set", "log", Counts(wanted=1, there=1, updated=1, ready=0))

    assert told == (
        'Waiting for daemon set "log" rollout to finish: 0 of 1 updated pods are available...'
    )
