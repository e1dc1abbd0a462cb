"""podpy.cli: words in, an exit status and what is said out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest

from podpy import cli
from podpy.parser import Parser

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gte", "pods"], 'unknown command "gte"; did you mean "get"?'),
        (["ps", "-a"], 'unknown command "ps" (hint: podpy get pods)'),
        (["restart", "web"], "podpy rollout restart deploy NAME"),
        (["rollout", "redo"], "'redo' is none of status, restart"),
        (["pod", "ps"], 'unknown command "pod" (hint: podpy get pods)'),
        (["secret", "ls"], "(hint: podpy get secrets)"),
        (["--kubeconfig", "x", "get", "pods"], "unknown flag --kubeconfig (hint: podpy works on"),
        (["get", "pods", "--context=x"], "unknown flag --context (hint: podpy works on this host"),
        (["apply", "-k", "."], "unknown flag -k (hint: kubectl kustomize DIR | podpy apply -f -)"),
        (["apply", "-f", "x", "--force"], "unknown flag --force (hint: leave it out"),
        (["describe", "pod", "x", "-o", "json"], "unknown flag -o (hint: podpy get -o json)"),
        (["apply", "-f", "x", "--timeout", "1x"], '"1x" is no duration'),
        (["get", "pods", "--output-watch-events"], "nothing is watched (hint: with -w"),
        (["get", "pods", "--outptu", "yaml"], 'unknown flag --outptu; did you mean "--output"?'),
        (["get", "pods", "--sel", "a=b"], "unknown flag --sel"),
        (["sync", "add", "x", "--url", "y", "--depends-on", "z"], "unknown flag --depends-on"),
        (["get", "podz"], 'there is no kind "podz"; did you mean "pod"?'),
        (["get", "pods", "-o", "yamll"], 'no output form "yamll"; did you mean "yaml"?'),
        (
            ["network", "lss"],
            "'lss' is none of create, ls, inspect, rm, prune; did you mean \"ls\"?",
        ),
        (["top", "pods", "--sort-by", "mem"], "'mem' is none of cpu, memory"),
        (["apply"], "arguments are required: -f/--filename"),
        (["version", "more"], "unknown argument more"),
    ],
)
def test_a_slip_is_answered_with_what_was_likely_meant(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == cli.FAILED

    told = capsys.readouterr()
    assert said in told.err
    assert told.err.startswith("Error: ")
    assert told.out == ""


@pytest.mark.parametrize(
    ("root", "instance", "said"),
    [
        ("relative", "x", "PODPY_ROOT=relative: is no absolute path"),
        ("/tmp/x", "a b", "PODPY_INSTANCE=a b: is no name"),
        ("/dev/null", "x", "Error: this host refuses: not a directory: /dev/null/run/pods"),
    ],
)
def test_a_place_that_cannot_be_is_told_without_a_traceback(
    root: str,
    instance: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PODPY_ROOT", root)
    monkeypatch.setenv("PODPY_INSTANCE", instance)

    assert cli.main(["get", "pods"]) == cli.FAILED
    assert said in capsys.readouterr().err


def test_help_of_a_command_has_two_forms(capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for words in (["help", "get"], ["get", "--help"]):
        with pytest.raises(SystemExit):
            cli.main(words)
        told.append(capsys.readouterr().out)

    assert told[0] == told[1]


@pytest.mark.parametrize(("words", "status"), [(["kube", "play"], 125), (["diff"], 2)])
def test_the_status_of_an_error_is_the_peers(words: list[str], status: int) -> None:
    assert cli.main(words) == status


@pytest.mark.parametrize(
    ("words", "watch", "no_headers"),
    [
        (["-w"], True, False),
        (["--watch=true", "--no-headers=false"], True, False),
        (["--watch=false", "--no-headers=true"], False, True),
        (["--watch", "--watch=0", "--no-headers=false", "--no-headers=True"], False, True),
    ],
)
def test_a_flag_may_be_given_true_or_false(words: list[str], watch: bool, no_headers: bool) -> None:
    parsed = cli.parser_of("get", importlib.import_module("podpy.commands.get")).parse_args(
        ["pods", *words]
    )

    assert (parsed.watch, parsed.no_headers) == (watch, no_headers)


@pytest.mark.parametrize(
    "line",
    [
        "-n shop -l a=b -w pod one two",
        "pod -n shop one -l a=b two -w",
        "pod one -wn shop two -la=b",
        "-nshop pod one --selector=a=b two --watch",
        "pod --namespace shop -l a=b -w -- one two",
    ],
)
def test_flags_may_stand_among_the_words(line: str) -> None:
    parser = cli.parser_of("get", importlib.import_module("podpy.commands.get"))

    parsed = parser.parse_args(line.split())

    assert (parsed.words, parsed.namespace) == (["pod", "one", "two"], "shop")
    assert (parsed.selector, parsed.watch) == ("a=b", True)


@pytest.mark.parametrize("words", [["-n", "shop"], ["-nshop"], ["--namespace=shop"]])
def test_the_namespace_may_stand_before_the_command(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PODPY_ROOT", str(tmp_path))

    assert cli.main([*words, "get", "pods"]) == 0
    assert capsys.readouterr().err == "No resources found in shop namespace.\n"


def test_a_value_may_look_like_a_flag_where_it_is_a_number() -> None:
    parser = cli.parser_of("logs", importlib.import_module("podpy.commands.logs"))

    parsed = parser.parse_args(["web", "--tail", "-1", "-f", "app"])

    assert (parsed.pod, parsed.name, parsed.tail, parsed.follow) == ("web", "app", -1, True)


def test_a_switch_takes_its_value_behind_an_equals_sign_only() -> None:
    parser = Parser()
    parser.switch("--dry-run", ("none", "client"), "client", default="none")
    parser.add_argument("words", nargs="*")

    parsed = [
        parser.parse_args(line.split()) for line in ("pod", "--dry-run pod", "--dry-run=none")
    ]

    assert [one.dry_run for one in parsed] == ["none", "client", "none"]
    assert parsed[1].words == ["pod"]


@pytest.mark.parametrize("name", [*cli.COMMANDS])
def test_help_tells_what_a_command_does_with_examples_and_each_flag(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*name.split(" "), "--help"])

    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"examples:\n  podpy {name}" in told
    module = importlib.import_module(f"podpy.commands.{cli.COMMANDS[name][0]}")
    parser = cli.parser_of(name, module)
    for one in (parser, *parser.verbs.values()):
        nameless = [flag for flag, action in one.flags.items() if not action.help]
        assert nameless == []
