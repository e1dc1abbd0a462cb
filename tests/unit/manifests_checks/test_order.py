"""manifests.ordering and manifests.checks.order: what objects may say of their turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from manifests import ordering, settings
from manifests.checks import objects, sets
from manifests.problems import path_text
from manifests.ref import Ref

Make = Callable[..., Any]


def pod(make: Make, name: str, **annotations: str) -> Any:
    given = {f"podpy.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return make(
        "Pod",
        {
            ".metadata": {"name": name, "annotations": given},
            ".spec": {"containers": [{"name": "app", "image": "a"}]},
        },
    )


def flaws(thing: Any) -> list[str]:
    here = '.metadata.annotations["podpy.dev/'
    found = ((path_text(flaw.path), flaw.message) for flaw in objects.check(thing))
    return [message for path, message in found if path.startswith(here)]


def clashes(*things: Any) -> list[str]:
    return [f"{clash.index} {clash.message}" for clash in sets.check(things)]


@pytest.mark.parametrize(
    ("annotations", "fault"),
    [
        ({"wave": "3"}, ""),
        ({"wave": "-2"}, ""),
        ({"wave": "1.5"}, '"1.5" must be an integer, as "1"'),
        ({"wave": ""}, '"" must be an integer, as "1"'),
        ({"wave": "1_0"}, '"1_0" must be an integer, as "1"'),
        ({"wave": "99999999"}, '"99999999" must be an integer, as "1"'),
        ({"depends_on": "Deployment/db, Job/shop/load"}, ""),
        ({"depends_on": "Deployment"}, '"Deployment" must be KIND/NAME or KIND/NAMESPACE/NAME'),
        ({"depends_on": "Pod/a,"}, '"" must be KIND/NAME or KIND/NAMESPACE/NAME'),
        ({"depends_on": "Network/x/y"}, '"Network/x/y": a Network is in no namespace'),
        ({"hook": "pre-sync"}, "a hook is a Job, and this is a Pod"),
        (
            {"hook_delete_policy": "HookFailed"},
            "is for hooks, and this is none: podpy.dev/hook is not there",
        ),
    ],
)
def test_values_are_judged(make: Make, annotations: dict[str, str], fault: str) -> None:
    assert flaws(pod(make, "web", **annotations)) == ([fault] if fault else [])


def test_an_unknown_kind_is_told_with_those_that_there_are(make: Make) -> None:
    (told,) = flaws(pod(make, "web", depends_on="Deploy/db"))

    assert told.startswith('"Deploy" is no kind that podpy runs: Namespace, ')


def test_what_is_named_is_in_the_same_namespace_unless_it_says_another(make: Make) -> None:
    thing = pod(make, "web", depends_on="Pod/a,Pod/shop/b")

    assert ordering.depends_on(thing) == (
        Ref(kind="Pod", namespace="default", name="a"),
        Ref(kind="Pod", namespace="shop", name="b"),
    )


def test_a_template_has_no_turn(make: Make) -> None:
    annotations = {".spec.template.metadata.annotations": {settings.WAVE: "1"}}
    found = [flaw.message for flaw in objects.check(make("Deployment", annotations))]

    assert "belongs on the Deployment itself, not on its template" in found


def test_what_is_not_there_is_missing(make: Make) -> None:
    (clash,) = sets.check([pod(make, "web", depends_on="Pod/db")])

    assert clash.message == "Pod/db is not declared"
    assert (str(clash.missing), clash.lenient) == ("Pod/db", False)


def test_nothing_depends_on_a_later_wave(make: Make) -> None:
    web = pod(make, "web", depends_on="Pod/db", wave="1")

    assert clashes(web, pod(make, "db", wave="1")) == []
    assert clashes(web, pod(make, "db", wave="2")) == [
        "0 Pod/db is of wave 2, which begins after this one's, 1"
    ]


def test_a_circle_is_told_once_at_its_first_object(make: Make) -> None:
    a = pod(make, "a", depends_on="Pod/b")
    b = pod(make, "b", depends_on="Pod/c")
    c = pod(make, "c", depends_on="Pod/a")
    outside = pod(make, "d", depends_on="Pod/a")

    assert clashes(outside, a, b, c) == ["1 depends on itself: Pod/a -> Pod/b -> Pod/c -> Pod/a"]
    assert clashes(pod(make, "a", depends_on="Pod/a")) == ["0 depends on itself: Pod/a -> Pod/a"]


def test_a_hooks_policy_is_one_of_argo_cds(make: Make) -> None:
    def job(policy: str) -> Any:
        given = {settings.HOOK: "pre-sync", settings.HOOK_DELETE_POLICY: policy}
        metadata = {"name": "load", "annotations": given}
        return make("Job", {".metadata": metadata})

    assert flaws(job("HookSucceeded, HookFailed")) == []
    assert flaws(job("HookSucceeded,Sometimes")) == [
        '"Sometimes" must be one of BeforeHookCreation, HookSucceeded, HookFailed'
    ]
    assert ordering.delete_policies(job("HookSucceeded, HookFailed")) == {
        ordering.DeletePolicy.SUCCEEDED,
        ordering.DeletePolicy.FAILED,
    }
