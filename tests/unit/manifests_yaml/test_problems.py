"""manifests.problems: one line for a problem, and field paths as text."""

from __future__ import annotations

import pytest

from manifests.problems import (
    Problem,
    Severity,
    errors,
    object_name,
    ordered,
    path_text,
)
from tests.fixtures import field_paths


def test_problem_reads_as_one_line_with_place_object_and_path() -> None:
    problem = Problem(
        file="web.yaml",
        line=12,
        column=9,
        object="Pod/web",
        path=".spec.containers[0].imagee",
        message='unknown field; did you mean "image"?',
    )

    assert str(problem) == (
        'web.yaml:12:9: Pod/web .spec.containers[0].imagee: unknown field; did you mean "image"?'
    )


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem(message="is empty"), "is empty"),
        (Problem(file="a.yaml", message="is empty"), "a.yaml: is empty"),
        (Problem(file="a.yaml", line=3, message="tab"), "a.yaml:3: tab"),
        (Problem(object="Pod/x/y", message="is bad"), "Pod/x/y: is bad"),
        (Problem(path=".spec", message="is bad"), ".spec: is bad"),
    ],
)
def test_unknown_places_are_left_out(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_nothing_that_is_named_steers_the_terminal_or_begins_a_line() -> None:
    problem = Problem(
        file="a\udcff.yaml", line=3, object="Pod/\x1b[31mred\x07", message='"a\nb: é" is bad\x9b'
    )

    assert str(problem) == 'a\\udcff.yaml:3: Pod/\\x1b[31mred\\x07: "a\\nb: é" is bad\\x9b'


PATHS = [
    ((), ""),
    (("spec", "containers", 0, "image"), ".spec.containers[0].image"),
    (
        ("metadata", "labels", "app.kubernetes.io/name"),
        '.metadata.labels["app.kubernetes.io/name"]',
    ),
    (("data", 'a"b\\c'), '.data["a\\"b\\\\c"]'),
    (("data", ""), '.data[""]'),
    (("data", "a-b"), ".data.a-b"),
    (("data", "0"), '.data["0"]'),
    (("data", "-a"), '.data["-a"]'),
    (("data", "ä"), '.data["ä"]'),
    (("$defs", "_x"), ".$defs._x"),
]


@pytest.mark.parametrize(("path", "text"), PATHS)
def test_paths_become_text_and_come_back(path: tuple[str | int, ...], text: str) -> None:
    assert path_text(path) == text
    assert field_paths.parse(text) == path


def test_a_warning_is_shown_as_one() -> None:
    problem = Problem(file="a.yaml", line=2, column=1, object="Pod/web", message="odd")

    assert problem.shown == "a.yaml:2:1: Pod/web: odd"
    assert problem.replace(severity=Severity.WARNING).shown == "a.yaml:2:1: warning: Pod/web: odd"


def test_problems_sort_by_file_line_and_column() -> None:
    last = Problem(file="b.yaml", line=1, message="x")
    second = Problem(file="a.yaml", line=10, column=2, message="x")
    first = Problem(file="a.yaml", line=9, column=30, message="x")

    assert ordered([last, second, first]) == (first, second, last)


def test_errors_leave_warnings_out() -> None:
    warning = Problem(message="x", severity=Severity.WARNING)
    error = Problem(message="x")

    assert errors([warning, error]) == (error,)


def test_object_names() -> None:
    assert object_name("Pod", "web") == "Pod/web"
    assert object_name("Pod", "web", "ns") == "Pod/ns/web"
