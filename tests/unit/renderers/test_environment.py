"""renderers.environment: what templates may do, and how their mistakes are told."""

from __future__ import annotations

from typing import Any

import pytest

from renderers import environment

VARIABLES: dict[str, Any] = {
    "values": {"port": 80, "names": ["a", "b"]},
    "host": {"name": "web-1", "labels": {"role": "web"}},
}


def render(text: str, **others: str) -> tuple[str, list[str]]:
    found, wrong = environment.render({"a.yaml.j2": text, **others}, ["a.yaml.j2"], VARIABLES)
    return found.get("a.yaml.j2", ""), [f"{one.file}:{one.line}: {one.message}" for one in wrong]


def test_values_and_facts_are_written_out() -> None:
    text = "port: {{ values.port }}\n{% for one in values.names %}\n- {{ one }}\n{% endfor %}\n"

    assert render(text) == ("port: 80\n- a\n- b\n", [])
    assert render("{{ host.labels.role | tojson }}") == ('"web"', [])


def test_a_template_includes_and_imports_files_of_the_source() -> None:
    macro = "{% macro greet(who) %}hello {{ who }}{% endmacro %}"

    text = '{% from "lib/m.j2" import greet %}{{ greet("x") }} {% include "b.txt" %}'
    assert render(text, **{"lib/m.j2": macro, "b.txt": "plain"}) == ("hello x plain", [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\n{{ values.prot }}", "a.yaml.j2:2: 'dict object' has no attribute 'prot'"),
        ("{{ nothing }}", "a.yaml.j2:1: 'nothing' is undefined"),
        ("a\n\n{% if %}", "a.yaml.j2:3: Expected an expression, got 'end of statement block'"),
        ('\n{% include "/etc/passwd" %}', 'a.yaml.j2:2: the source has no file "/etc/passwd"'),
        ('{% include "../x" %}', 'a.yaml.j2:1: the source has no file "../x"'),
        ("{% for i in range(10**9) %}x{% endfor %}", "a.yaml.j2:1: Range too big."),
        ("{{ 1 / 0 }}", "a.yaml.j2:1: division by zero"),
        ("{{ values.names | random }}", "a.yaml.j2:1: No filter named 'random'."),
        ("{{ lipsum() }}", "a.yaml.j2:1: 'lipsum' is undefined"),
        ("{{ values.update({'x': 1}) }}", "a.yaml.j2:1: "),
        ("{{ ''.__class__.__mro__ }}", "a.yaml.j2:1: "),
        ("{{ cycler.__init__.__globals__.os.popen('id') }}", "a.yaml.j2:1: "),
        ("{% include 'a.yaml.j2' %}", "a.yaml.j2:1: includes or calls itself"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, said: str) -> None:
    found, wrong = render(text)

    assert found == ""
    assert [one[: len(said)] for one in wrong] == [said]


def test_a_mistake_in_an_included_file_is_told_there() -> None:
    assert render('{% include "b.j2" %}', **{"b.j2": "\n{{ x }}"})[1] == [
        "b.j2:2: 'x' is undefined"
    ]


def test_every_template_with_a_mistake_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"a": "{{ x }}", "b": "ok", "c": "{{ y }}"}
    found, wrong = environment.render(texts, list(texts), {})

    assert found == {"b": "ok"}
    assert [one.file for one in wrong] == ["a", "c"]


def test_what_is_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "LARGEST", 50)

    assert "gives too much" in render("{% for i in range(100) %}{{ i }}\n{% endfor %}")[1][0]
