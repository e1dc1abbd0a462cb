"""reconciler.targets.host.last_words: messages are kept whenever the containers have ended."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from manifests.container import Container, MessagePolicy
from manifests.meta import ObjectMeta
from manifests.observed import ContainerState, PodRecord, PodState, Stage, Termination
from manifests.pod import Pod, PodSpec
from reconciler.state import database
from reconciler.targets.host import last_words, logs
from reconciler.targets.host.base import Base
from runtime.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("early", "late")


@pytest.fixture
def base(tmp_path: Path) -> Base:
    paths = Paths(state_dir=f"{tmp_path}/lib", run_dir=f"{tmp_path}/run", log_dir=f"{tmp_path}/log")
    os.mkdir(paths.state_dir)
    return Base(paths, database.connect(paths.database))


def failed_pod(base: Base) -> PodRecord:
    """A pod without namespaces whose containers have failed after a line of output."""
    policy = MessagePolicy.FALLBACK_TO_LOGS_ON_ERROR
    spec = PodSpec(
        containers=tuple(
            Container(name=name, image="i", termination_message_policy=policy) for name in NAMES
        )
    )
    pod = Pod(metadata=ObjectMeta(name="web", namespace="default"), spec=spec)
    record = PodRecord(uid="u", pod=pod, spec_hash="h")
    for name in NAMES:
        log, bundle = f"{logs.directory(base, record)}/{name}", base.paths.container("u", name)
        os.makedirs(log)
        os.makedirs(f"{bundle}/exit")
        write(f"{log}/0.log", f"2026-11-24T06:00:00.000000000+00:00 stdout F {name} words\n")
        write(f"{bundle}/pid", "1")
        write(f"{bundle}/exit/exit", "3")
    return record


def write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def test_one_that_ends_while_another_is_heard_is_heard_too(base: Base) -> None:
    record = failed_pod(base)
    end = Termination(exit_code=3, reason="Error", finished_at=1.0)
    before = {
        "early": ContainerState(name="early", stage=Stage.EXITED, ended=end),
        "late": ContainerState(name="late", stage=Stage.RUNNING),
    }

    found = last_words.collect(base, PodState(record=record, containers=before), None)

    ends = {name: one.ended.message for name, one in found.containers.items() if one.ended}
    assert ends == {"early": "early words\n", "late": "late words\n"}
