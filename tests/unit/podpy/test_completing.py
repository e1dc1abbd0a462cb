"""podpy.completing: what a line may go on with, and the scripts that ask for it, run by bash."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from podpy import cli, completing

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["k"], ["kube"]),
        (["kube", ""], ["down", "play"]),
        (["get", "deploy"], ["deploy", "deployment", "deployments"]),
        (["get", "pods", "-o", "cu"], ["custom-columns="]),
        (["get", "pods", "-o", "j"], ["json", "jsonpath="]),
        (["get", "pods", "--no"], ["--no-headers"]),
        (["network", ""], ["inspect", "ls", "prune", "rm"]),
        (["network", "ls", "-o", ""], ["json", "text"]),
        (["completion", ""], ["bash", "fish", "zsh"]),
        (["apply", "-f", ""], []),
        (["exec", "web", "--", "-"], []),
        (["nothing", ""], []),
    ],
)
def test_words_are_completed(words: list[str], found: list[str]) -> None:
    assert completing.candidates(words) == found


def test_every_command_is_offered_with_its_flags() -> None:
    assert completing.candidates([""]) == sorted({name.split(" ")[0] for name in cli.COMMANDS})
    for name in cli.COMMANDS:
        assert "--help" in completing.candidates([*name.split(" "), "--"]) or name in (
            *("image", "network", "volume"),
        )


def completed(podpy: Podpy, *words: str) -> list[str]:
    """What bash would offer after these words, by the script that podpy prints."""
    script = (
        'eval "$("$1" completion bash)"; shift\n'
        'COMP_WORDS=(podpy "$@"); COMP_CWORD=$#\n'
        'podpy() { "$PODPY" "$@"; }\n'
        'COMP_WORDS[0]="$PODPY"; _podpy; printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "-c", script, "bash", podpy.command, *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **podpy.env, "PODPY": podpy.command},
        check=True,
    )
    return done.stdout.split()


def test_bash_completes_with_the_printed_script(podpy: Podpy) -> None:
    assert completed(podpy, "val") == ["validate"]
    assert completed(podpy, "get", "po") == ["po", "pod", "pods"]
    assert completed(podpy, "get", "pods", "--no") == ["--no-headers"]
    assert completed(podpy, "logs", "none") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(podpy: Podpy, shell: str) -> None:
    assert "completion words --" in podpy.ok("completion", shell)
