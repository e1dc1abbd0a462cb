"""manifests.documents: objects out of files, with the place of each field."""

from __future__ import annotations

import json

from manifests import documents
from manifests.problems import Severity
from manifests.sources import File

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"


def parse(text: str, name: str = "f.yaml") -> tuple[list[documents.Document], list[str]]:
    found, problems = documents.parse([File(name=name, data=text.encode())])
    return list(found), [str(problem) for problem in problems]


def test_document_knows_what_it_is_and_where() -> None:
    (first, second), problems = parse(
        POD + "---\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: ns}\n"
    )

    assert problems == []
    assert (first.file, first.index, first.api_version, first.kind) == ("f.yaml", 0, "v1", "Pod")
    assert (first.name, first.namespace, first.line, first.label) == ("web", "", 1, "Pod/web")
    assert (second.index, second.line, second.label) == (1, 6, "Pod/ns/b")
    assert second.position(("metadata", "name")) == (8, 12)


def test_problem_of_a_field_has_its_place() -> None:
    (document,), _ = parse(POD + "spec:\n  containers:\n  - imagee: x\n")

    assert str(
        document.problem(("spec", "containers", 0, "imagee"), "unknown field", Severity.WARNING)
    ) == ("f.yaml:6:5: Pod/web .spec.containers[0].imagee: unknown field")


def test_lists_are_opened_and_keep_their_places() -> None:
    found, problems = parse(
        "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ''}\nitems:\n"
        "- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: a\n"
        "- apiVersion: v1\n  kind: ConfigMapList\n  items:\n  - metadata:\n      name: b\n"
    )

    assert problems == []
    assert [(one.label, one.api_version, one.line, one.index) for one in found] == [
        ("Pod/a", "v1", 5, 0),
        ("ConfigMap/b", "v1", 12, 1),
    ]
    assert found[1].position(("metadata", "name")) == (13, 7)


def test_an_empty_list_holds_nothing() -> None:
    assert parse("apiVersion: v1\nkind: List\nitems:\n") == ([], [])


def test_what_old_servers_wrote_into_a_list_is_no_matter() -> None:
    assert parse("apiVersion: v1\nkind: List\nitems: []\nselfLink: ''\nresourceVersion: ''\n") == (
        [],
        [],
    )


def test_a_kind_that_ends_in_list_and_has_no_items_is_an_object() -> None:
    (found,), problems = parse("apiVersion: a.io/v1\nkind: AllowList\nspec: {ports: [80]}\n")

    assert problems == []
    assert (found.kind, found.raw["spec"]) == ("AllowList", {"ports": [80]})


def test_apiversion_in_another_case_is_pointed_at() -> None:
    _, problems = parse("apiversion: v1\nkind: Pod\nmetadata: {name: web}\n")

    assert problems == [
        'f.yaml:1:1: Pod/web .apiVersion: is required; "apiversion" is not the same'
    ]


def test_a_kustomization_needs_no_kind_to_be_told() -> None:
    _, problems = parse("resources:\n- web.yaml\n", name="app/kustomization.yaml")

    assert problems == [
        "app/kustomization.yaml:1:1: is for kustomize, which podpy does not run: "
        "give podpy what `kubectl kustomize DIR` prints"
    ]


def test_a_list_takes_no_other_fields() -> None:
    _, problems = parse("apiVersion: v1\nkind: List\nitem: []\n")

    assert problems == ["f.yaml:3:1: List .item: unknown field of a List"]


def test_what_is_no_object_is_told() -> None:
    _, problems = parse("- a\n---\ntext\n---\nkind: 5\napiVersion:\n---\nspec: {}\n")

    assert problems == [
        "f.yaml:1:1: is a list, not an object with apiVersion and kind",
        "f.yaml:3:1: is a single value, not an object with apiVersion and kind",
        "f.yaml:6:1: .apiVersion: is required",
        "f.yaml:5:1: .kind: must be a string",
        "f.yaml:8:1: .apiVersion: is required",
        "f.yaml:8:1: .kind: is required",
    ]


def test_problems_of_all_files_are_collected() -> None:
    found, problems = documents.parse(
        [
            File(name="a", data=b"a: [\n"),
            File(name="b", data=POD.encode()),
            File(name="c", data=b"\xff"),
        ]
    )

    assert [one.label for one in found] == ["Pod/web"]
    assert [problem.file for problem in problems] == ["a", "c"]


def test_json_is_read_as_json() -> None:
    text = json.dumps(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "😀"}, "n": 1.0}, indent="\t"
    )
    (document,), problems = parse(text)

    assert problems == []
    assert document.name == "😀"
    assert isinstance(document.raw["n"], int)
    assert document.position(("metadata", "name")) == (5, 3)


def test_json_documents_in_a_row() -> None:
    one = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s"}}'
    found, problems = parse(f"{one % 'a'}\n{one % 'b'}\n")

    assert problems == []
    assert [(document.label, document.line) for document in found] == [("Pod/a", 1), ("Pod/b", 2)]


def test_mistakes_in_json_are_told_with_their_place() -> None:
    _, twice = parse('{"apiVersion": "v1",\n "kind": "Pod", "kind": "Pod"}')
    _, broken = parse('{"apiVersion": "v1",\n "kind": }}')
    _, deep = parse('{"a":' * 2000 + "1" + "}" * 2000)

    assert twice == ['f.yaml:2:17: the key "kind" is already set in line 2']
    assert broken[0].startswith("f.yaml:2:")
    assert deep[0].endswith("is nested deeper than 100 levels")


def test_flow_mapping_that_is_no_json_is_yaml() -> None:
    (document,), problems = parse("{apiVersion: v1, kind: Pod, metadata: {name: web}}")

    assert problems == []
    assert document.label == "Pod/web"
