"""podpy.completing: what a line may go on with. The shells' part: tests/host/test_completion.py."""

from __future__ import annotations

import pytest

from podpy import cli, completing


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["k"], ["kube"]),
        (["kube", ""], ["down", "play"]),
        (["get", "deploy"], ["deploy", "deployment", "deployments"]),
        (["get", "pods", "-o", "cu"], ["custom-columns="]),
        (["get", "pods", "-o", "j"], ["json", "jsonpath="]),
        (["get", "pods", "--no"], ["--no-headers"]),
        (["-n", "shop", "ge"], ["generate", "get"]),
        (["--namespace=shop", "get", "pods", "-o", "y"], ["yaml"]),
        (["get", "pods", "--output=y"], ["--output=yaml"]),
        (["events", "--for", "pers"], ["persistentvolumeclaim/"]),
        (["delete", "pod", "--cascade=f"], ["--cascade=foreground"]),
        (["top", ""], ["po", "pod", "pods"]),
        (["top", "pods", "--sort-by", ""], ["cpu", "memory"]),
        (["logs", "none", "-c", ""], []),
        (["get", "podz", ""], []),
        (["network", ""], ["create", "inspect", "ls", "prune", "rm"]),
        (["network", "ls", "-o", ""], ["json", "text"]),
        (
            ["explain", "deploy.spec.re"],
            ["deploy.spec.replicas", "deploy.spec.revisionHistoryLimit"],
        ),
        (["explain", "nix.spec."], []),
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
            *(
                "create",
                "generate",
                "image",
                "network",
                "receive",
                "render",
                "rollout",
                "sync",
                "volume",
            ),
        )
