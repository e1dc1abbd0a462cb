"""reconciler.plan.diff: which fields differ, shown short."""

from __future__ import annotations

import pytest

from reconciler.plan.diff import HIDDEN, LONGEST_SHOWN, Difference, differences


def test_equal_values_do_not_differ() -> None:
    assert differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}) == ()


def test_changed_added_and_removed_fields_are_told_with_their_path() -> None:
    old = {"image": "nginx:1", "tty": True, "resources": {"limits": {"cpu": "1"}}}
    new = {"image": "nginx:2", "stdin": True, "resources": {"limits": {"cpu": "2"}}}

    assert differences(old, new) == (
        Difference(path=".image", old="nginx:1", new="nginx:2"),
        Difference(path=".tty", old="true"),
        Difference(path=".resources.limits.cpu", old="1", new="2"),
        Difference(path=".stdin", new="true"),
    )


def test_keys_that_are_no_words_are_quoted() -> None:
    assert differences({"app.kubernetes.io/name": "a"}, {}) == (
        Difference(path='["app.kubernetes.io/name"]', old="a"),
    )


@pytest.mark.parametrize(
    "steps",
    [
        ("spec", "containers", "app", "image"),
        ("spec", "containers", "my-app", "args", 3),
        ("metadata", "annotations", "app.kubernetes.io/name"),
        ("data", "8080"),
        ("data", "a.b[c].yaml"),
    ],
)
def test_a_path_is_read_back_as_its_steps(steps: tuple[str | int, ...]) -> None:
    def nested(leaf: str) -> object:
        value: object = leaf
        for step in reversed(steps):
            value = {step: value} if isinstance(step, str) else [*range(step), value]
        return value

    (found,) = differences(nested("old"), nested("new"))
    assert found.steps == steps


def test_named_items_are_matched_by_name() -> None:
    old = [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]
    new = [{"name": "b", "image": "z"}, {"name": "c", "image": "w"}]

    assert differences(old, new) == (
        Difference(path=".a", old='{"name": "a", "image": "x"}'),
        Difference(path=".b.image", old="y", new="z"),
        Difference(path=".c", new='{"name": "c", "image": "w"}'),
    )


def test_an_item_put_in_front_changes_no_other() -> None:
    old, new = [{"name": "b"}], [{"name": "a"}, {"name": "b"}]

    assert differences(old, new) == (Difference(path=".a", new='{"name": "a"}'),)


def test_another_order_of_named_items_is_a_difference() -> None:
    old, new = [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}]

    assert differences({"env": old}, {"env": new}) == (
        Difference(path=".env", old='["a", "b"]', new='["b", "a"]'),
    )


@pytest.mark.parametrize(
    "items",
    [
        [{"name": "a"}, {"name": "a"}],
        [{"name": "a"}, {"port": 1}],
        ["a", "b"],
        [{"name": 1}, {"name": 2}],
    ],
    ids=["one name twice", "not all named", "no mappings", "names that are no text"],
)
def test_other_items_are_matched_by_position(items: list[object]) -> None:
    changed = [*items[:1], {"name": "z", "x": 1}]

    assert {item.path[:3] for item in differences(items, changed)} == {"[1]"}


def test_lists_that_grow_or_shrink_tell_the_items() -> None:
    assert differences([1], [1, 2]) == (Difference(path="[1]", new="2"),)
    assert differences([1, 2], [1]) == (Difference(path="[1]", old="2"),)


def test_another_type_is_a_change() -> None:
    assert differences({"a": [1]}, {"a": {"b": 1}}) == (
        Difference(path=".a", old="[1]", new='{"b": 1}'),
    )


def test_secret_values_are_never_shown() -> None:
    old = {"token": "hunter2", "list": [{"name": "a", "x": "hunter2"}], "gone": "hunter2"}
    new = {"token": "hunter3", "list": [{"name": "b", "x": "hunter3"}], "come": "hunter3"}
    found = differences(old, new, secret=True)

    assert {".token", ".gone", ".come"} < {item.path for item in found}
    assert {value for item in found for value in (item.old, item.new)} == {HIDDEN, None}


def test_long_values_are_cut_and_lines_joined() -> None:
    found = differences({"a": "x" * 200}, {"a": "one\n  two"})[0]

    assert found.old == "x" * (LONGEST_SHOWN - 3) + "..."
    assert found.new == "one two"


def test_an_empty_value_is_seen() -> None:
    assert differences({"a": ""}, {"a": "x"}) == (Difference(path=".a", old='""', new="x"),)


def test_long_values_that_part_late_are_shown_from_there() -> None:
    start = "page " * 100
    found = differences({"a": start + "old end"}, {"a": start + "new end"})[0]

    assert found.old is not None
    assert found.new is not None
    assert found.old.endswith('old end"')
    assert found.new.endswith('new end"')
    assert max(len(found.old), len(found.new)) <= LONGEST_SHOWN


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a b", "a  b"),
        ("a", "a\n"),
        ("x" * 100, "x" * 101),
        ("1", 1),
        ("true", True),
        ("null", None),
    ],
)
def test_values_that_differ_never_look_the_same(old: object, new: object) -> None:
    found = differences({"a": old}, {"a": new})[0]

    assert found.old != found.new


def test_a_manifest_cannot_speak_to_the_terminal() -> None:
    found = differences({"a": "x"}, {"a": "\x1b[2Jgone\x07\x9b"})[0]

    assert found.new is not None
    assert found.new.isprintable()
