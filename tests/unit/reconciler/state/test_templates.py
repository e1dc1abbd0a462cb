"""reconciler.state.templates: which templates a Deployment has had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.state import templates
from reconciler.state.templates import Past
from tests.unit.reconciler.builders import NOW, container, deployment, spec, template

if TYPE_CHECKING:
    from manifests.workloads import Deployment


def of(image: str, limit: int = 10) -> Deployment:
    thing = deployment(of=template(spec(container(image=image))))
    return thing.replace(spec=thing.spec.replace(revision_history_limit=limit))


def told(*images: str, limit: int = 10) -> list[tuple[int, str]]:
    """The revisions after a Deployment has had these images, one after the other."""
    past, before = Past(), of(images[0])
    for image in images[1:]:
        thing = of(image, limit)
        past, before = templates.after(past, before, thing, NOW), thing
    return [(one.number, one.template.spec.containers[0].image) for one in past.revisions]


def test_each_change_of_the_template_is_a_revision() -> None:
    assert told("a", "b", "c") == [(1, "a"), (2, "b"), (3, "c")]


def test_what_leaves_the_template_alone_is_none() -> None:
    assert told("a", "a") == []
    assert told("a", "b", "b") == [(1, "a"), (2, "b")]


def test_a_template_that_comes_back_gets_the_next_number() -> None:
    assert told("a", "b", "a") == [(2, "b"), (3, "a")]


def test_old_revisions_are_kept_up_to_the_limit() -> None:
    assert told("a", "b", "c", "d", limit=1) == [(3, "c"), (4, "d")]
    assert told("a", "b", limit=0) == [(2, "b")]
