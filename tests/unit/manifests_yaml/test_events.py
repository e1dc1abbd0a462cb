"""manifests.yaml.events: the C parser alone, and the pure one where there is no extension."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from manifests.yaml import events, marks, reader


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_c_parser_is_in_use() -> None:
    assert events.PARSER is not None
    assert events.PARSER.__name__ == "CParser"


def test_reading_loads_no_more_of_ruamel_than_its_events() -> None:
    program = """
        import sys
        from manifests.yaml import reader
        reader.read("a: [1, x]", "f")
        print(sorted(name for name in sys.modules if name.startswith("ruamel.yaml.")))
    """

    loaded = run(program)

    assert "ruamel.yaml.events" in loaded
    for module in ("constructor", "comments", "main", "representer", "scanner"):
        assert f"'ruamel.yaml.{module}'" not in loaded


def test_the_whole_library_still_works_afterwards() -> None:
    program = """
        from manifests.yaml import reader
        from ruamel.yaml import YAML
        print(YAML(typ="safe").load("a: [1, x]"), dict(YAML().load("b: 1")))
    """

    assert run(program) == "{'a': [1, 'x']} {'b': 1}"


def test_the_whole_library_may_be_there_before() -> None:
    program = """
        import ruamel.yaml
        from manifests.yaml import events, reader
        print(events.PARSER.__name__, reader.read("a: {", "f").problems[0])
    """

    assert run(program).startswith("CParser f:2:1: a value is missing")


def test_the_pure_parser_steps_in_without_the_extension() -> None:
    program = """
        import sys
        sys.modules["_ruamel_yaml"] = None
        sys.modules["_ruamel_yaml_clibz"] = None
        from manifests.yaml import events, reader
        good = reader.read("a: [0644, 'x', ! \\"2\\"]\\nb: &x {c: yes}\\nd: *x", "f")
        bad = reader.read("a: b: c", "f")
        print(events.PARSER, good.documents[0].value, good.problems, bad.problems[0])
    """

    assert run(program) == (
        "None {'a': [420, 'x', '2'], 'b': {'c': True}, 'd': {'c': True}} () "
        'f:1:5: a second ": " in this place; quote the value, or check the indentation'
    )


def test_a_colon_inside_of_braces_is_read_as_kubectl_reads_it() -> None:
    text = "a: 1\n---\nb: {image: busybox:1, c: [::1, http://x/y]}\n"
    reading = reader.read(text, "f")

    assert reading.problems == ()
    assert [document.value for document in reading.documents] == [
        {"a": 1},
        {"b": {"image": "busybox:1", "c": ["::1", "http://x/y"]}},
    ]
    assert marks.Marks(text).position(1, ("b", "c", 1)) == (3, 32)


def test_of_a_large_text_only_what_needs_it_is_read_slowly() -> None:
    large = f"a: {'x' * 2**20}\n"
    text = f"{large}--- # 1\nb: {{image: busybox:1}}\n---\nc: 1\n--- {{d: e:f}}\n...\n---\n{large}"
    reading = reader.read(text, "f")
    at = marks.Marks(text)

    assert reading.problems == ()
    assert [list(document.value.values()) for document in reading.documents[1:4]] == [
        [{"image": "busybox:1"}],
        [1],
        ["e:f"],
    ]
    assert [document.line for document in reading.documents] == [1, 3, 5, 6, 9]
    assert at.position(1, ("b", "image")) == (3, 5)
    assert at.position(4, ("a",)) == (9, 1)


@pytest.mark.parametrize(
    "text",
    [
        f"a: {{image: busybox:1, b: {'x' * 2**20}}}\n",
        "--- {image: busybox:1}\n" * 501,
    ],
)
def test_a_text_too_big_to_be_read_slowly_gets_a_hint(text: str) -> None:
    (problem,) = reader.read(text, "f").problems

    assert problem.message == "a colon in brackets or braces; put the value in quotes"


def test_a_mistake_behind_such_a_colon_is_told_at_its_line() -> None:
    text = "---\nb: {image: busybox:1}\n---\nc: ]\n"

    (problem,) = reader.read(text, "f").problems

    assert problem.line == 4
