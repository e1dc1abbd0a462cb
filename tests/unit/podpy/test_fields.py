from __future__ import annotations

import pytest

from manifests.config import ConfigMap
from manifests.faults import Invalid
from manifests.meta import ObjectMeta
from manifests.ref import Ref
from podpy import fields
from podpy.inventory import Item

ITEM = Item(
    ref=Ref(kind="ConfigMap", namespace="shop", name="page"),
    thing=ConfigMap(metadata=ObjectMeta(name="page", namespace="shop")),
)


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("", True),
        ("metadata.name=page", True),
        ("metadata.name==page,metadata.namespace=shop", True),
        ("metadata.name=other", False),
        ("metadata.name!=page", False),
        ("metadata.name=page,metadata.namespace!=shop", False),
    ],
)
def test_all_terms_have_to_hold(selector: str, selected: bool) -> None:
    assert fields.matches(fields.parse(selector), ITEM, 0.0) is selected


def test_what_is_no_term_is_refused() -> None:
    with pytest.raises(Invalid, match="not understood"):
        fields.parse("metadata.name")


def test_a_field_that_the_kind_cannot_be_selected_by_is_refused() -> None:
    with pytest.raises(Invalid, match=r"status\.phase"):
        fields.check(fields.parse("status.phase=Running"), "ConfigMap")
    fields.check(fields.parse("status.phase=Running"), "Pod")
