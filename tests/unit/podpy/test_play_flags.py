"""podpy.play_flags: every flag of `podman kube play` is known; what cannot be done says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests import settings
from manifests.faults import Invalid
from podpy import play_flags
from podpy.parser import Parser

if TYPE_CHECKING:
    import argparse

EVERY_FLAG = (
    "--annotation a=b", "--authfile /x", "--build", "--build=false", "--cert-dir /x",
    "--configmap f.yaml", "--context-dir d", "--creds me:secret", "--down", "--force",
    "--ip 10.88.0.9", "--log-driver k8s-file", "--log-opt max-size=1m",
    "--mac-address 02:00:00:00:00:01", "--network none", "--no-hostname", "--no-hosts",
    "--no-pod-prefix", "--no-trunc", "--publish 8080:80", "--publish-all", "--quiet", "-q",
    "--replace", "--seccomp-profile-root /x", "--service-container=true",
    "--service-exit-code-propagation any", "--start=false", "--tls-verify", "--tls-verify=false",
    "--userns host", "--wait", "-w", "--validate warn", "--multiple-pods",
)  # fmt: skip
"""Podman 5.4's and 6's."""


def parsed(words: str) -> argparse.Namespace:
    parser = Parser()
    play_flags.declare(parser)
    parsed: argparse.Namespace = parser.parse_args([*words.split(), "app.yaml"])
    return parsed


@pytest.mark.parametrize("words", EVERY_FLAG)
def test_every_flag_of_podman_is_taken_and_leaves_the_file_alone(words: str) -> None:
    arguments = parsed(words)

    play_flags.check(arguments)
    assert arguments.files == ["app.yaml"]


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("", "start", True),
        ("--start", "start", True),
        ("--start=false", "start", False),
        ("--start=false --start=true", "start", True),
        ("--replace=0", "replace", False),
        ("", "build", None),
        ("--build", "build", True),
        ("--build=false", "build", False),
        ("", "tls_verify", None),
        ("--tls-verify=False", "tls_verify", False),
        ("-q", "quiet", True),
    ],
)
def test_switches_are_on_off_or_not_given(words: str, name: str, value: object) -> None:
    assert getattr(parsed(words), name) is value


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--userns auto", "no user namespaces"),
        ("--userns keep-id", "no user namespaces"),
        ("--log-driver journald", "not the journal"),
        ("--log-driver passthrough", "outlive this command"),
        ("--log-driver tape", "no such driver"),
        ("--log-opt path=/tmp/x", "/var/log/pods"),
        ("--log-opt tag=x", "only the journal"),
        ("--log-opt max-size=ten", "must be a size"),
        ("--log-opt max-size", "no such option"),
        ("--signature-policy /x", "own policy"),
        ("--wait --start=false", "nothing to wait for"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(words: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        play_flags.check(parsed(words))


def test_log_flags_become_annotations() -> None:
    given = play_flags.log_settings(parsed("--log-driver json-file --log-opt max-size=20k"))

    assert given == {settings.LOG_DRIVER: settings.K8S_FILE, settings.LOG_SIZE: "20k"}
