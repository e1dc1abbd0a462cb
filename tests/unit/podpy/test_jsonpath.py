from __future__ import annotations

from typing import Any

import pytest

from manifests.faults import Invalid
from podpy import jsonpath

PODS: dict[str, Any] = {
    "kind": "List",
    "items": [
        {
            "metadata": {"name": "web", "annotations": {"example.com/team": "a"}},
            "spec": {"containers": [{"name": "app", "image": "x:1"}, {"name": "side"}]},
            "status": {
                "phase": "Running",
                "restarts": 3,
                "conditions": [
                    {"type": "Initialized", "status": "True"},
                    {"type": "Ready", "status": "False"},
                ],
            },
        },
        {"metadata": {"name": "db"}, "status": {"phase": "Pending", "restarts": 0}},
    ],
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.items[*].metadata.name}", "web db"),
        ("{.items..name}", "web app side db"),
        ("{..restarts}", "3 0"),
        (".items[0].metadata.name", "web"),
        ("{.items[-1].metadata.name}", "db"),
        ("{.items[0:1].metadata.name}", "web"),
        ("{.items[:].metadata['name']}", "web db"),
        ("{.items[0].metadata['name','annotations']}", 'web {"example.com/team":"a"}'),
        ("{.items[0,1].metadata.name}", "web db"),
        ('{.items[0].status.conditions[?(@.type=="Ready")].status}', "False"),
        ("{.items[?(@.status.phase!='Running')].metadata.name}", "db"),
        ("{.items[?(@.status.restarts > 1)].metadata.name}", "web"),
        ("{.items[?(@.spec)].metadata.name}", "web"),
        ("{.items[?(@.metadata.name==$.items[1].metadata.name)].status.phase}", "Pending"),
        (r"{.items[0].metadata.annotations.example\.com/team}", "a"),
        ("{.items[0].metadata.annotations['example.com/team']}", "a"),
        ('{range .items[*]}{.metadata.name}{"\\t"}{.status.phase}{"\\n"}{end}',
         "web\tRunning\ndb\tPending\n"),
        ("{range .items[*]}{range .spec.containers[*]}[{.name}]{end};{end}", "[app][side];;"),
        ("kind: {.kind}, {$.kind} {.none}.", "kind: List, List ."),
        ("{.items[9].metadata.name}", ""),
        ("{.items[0].status.conditions[0]}", '{"type":"Initialized","status":"True"}'),
    ],
)  # fmt: skip
def test_template_prints_what_kubectl_prints(template: str, text: str) -> None:
    assert jsonpath.parse(template).text(PODS) == text


@pytest.mark.parametrize(
    "template",
    [
        "{.items[*}",
        "{range .items[*]}{.a}",
        "{end}",
        "{.a",
        "{items}",
        "{.items[?(@.a=~'b')]}",
        "{.a b}",
        "{.[x]}",
        "{}",
    ],
)
def test_what_is_not_understood_is_said(template: str) -> None:
    with pytest.raises(Invalid, match="jsonpath"):
        jsonpath.parse(template)


@pytest.mark.parametrize("text", [".metadata.name", "metadata.name", "{.metadata.name}"])
def test_path_of_a_column_may_leave_out_dot_and_braces(text: str) -> None:
    assert jsonpath.path(text).find(PODS["items"][0]) == ["web"]


def test_path_with_more_behind_it_is_refused() -> None:
    with pytest.raises(Invalid):
        jsonpath.path(".metadata.name}{.kind")
