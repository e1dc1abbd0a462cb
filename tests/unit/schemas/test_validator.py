"""schemas.validator: violations as the user reads them, each at its place in the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from manifests import documents
from manifests.sources import File
from schemas import validator


def cases() -> list[tuple[str, list[str]]]:
    with open(os.path.join(os.path.dirname(__file__), "violations.txt"), encoding="utf-8") as file:
        texts = file.read().split("====\n")
    return [
        (text.partition("=> ")[0], text.partition("=> ")[2].rstrip("\n").split("\n=> "))
        for text in texts
    ]


@pytest.mark.parametrize(("text", "said"), cases())
def test_violations_read_as_sentences(text: str, said: list[str]) -> None:
    (document,), problems = documents.parse([File(name="f", data=text.encode())])
    for found in validator.violations(document.raw, document.api_version, document.kind):
        quotes = "; put it in quotes" if found.quote else ""
        problems += (document.problem(found.path, found.message + quotes),)

    assert [str(problem) for problem in problems] == said


def pod(**container: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "a", **container}]},
    }


@pytest.mark.parametrize(
    "container",
    [
        {"image": None, "env": None},
        {"resources": {"limits": {"cpu": 1, "memory": "1Gi", "example.org/x": 0.5}}},
        {"livenessProbe": {"httpGet": {"port": "web"}}},
        {"livenessProbe": {"httpGet": {"port": 80}}},
        {"imagePullPolicy": ""},
        {"ports": [{"containerPort": 80, "hostPort": None}]},
    ],
)
def test_what_the_api_server_takes_is_no_violation(container: dict[str, Any]) -> None:
    assert validator.violations(pod(**container), "v1", "Pod") == ()


def test_null_is_missing_where_a_field_is_required() -> None:
    (violation,) = validator.violations(pod(name=None), "v1", "Pod")

    assert violation.path == ("spec", "containers", 0, "name")
    assert violation.message == "is required"


def test_open_schemas_stay_open() -> None:
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "x"},
        "spec": {
            "group": "g",
            "names": {"kind": "X", "plural": "xs"},
            "scope": "Cluster",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "default": {"any": ["thing", 1, None]},
                            "properties": {"a": {"type": "string", "enum": ["x", 1]}},
                            "additionalProperties": True,
                        }
                    },
                }
            ],
        },
    }

    assert (
        validator.violations(definition, "apiextensions.k8s.io/v1", "CustomResourceDefinition")
        == ()
    )


def test_suggestion_is_given_apart_from_the_sentence() -> None:
    found = validator.violations(pod(imagee="x", imagePullPolicy="always"), "v1", "Pod")

    assert [violation.suggestion for violation in found] == ["Always", "image"]


def test_a_right_object_costs_no_jsonschema() -> None:
    program = f"""
import sys
from schemas import validator
assert validator.violations({json.loads(json.dumps(pod()))!r}, "v1", "Pod") == ()
print("jsonschema" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout.strip() == b"False"
