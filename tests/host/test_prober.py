"""reconciler.health.prober looks at pods of which something has begun or ended, at no others."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from manifests import codec
from manifests.observed import ContainerRecord, PodRecord
from manifests.pod import Pod
from reconciler.health.prober import COMMAND, Prober
from reconciler.state import database
from reconciler.targets.host.base import Base
from runtime.observe import records

if TYPE_CHECKING:
    from runtime.paths import Paths

pytestmark = pytest.mark.host

UID = "11111111-2222-3333-4444-555555555555"
ENDED = {
    "metadata": {"name": "web"},
    "spec": {
        "restartPolicy": "Never",
        "containers": [
            {"name": "web", "image": "i", "readinessProbe": {"exec": {"command": ["true"]}}}
        ],
    },
}


def test_a_wake_that_is_about_others_reads_nothing_of_a_pod(instance: Paths) -> None:
    records.write_pod(instance, PodRecord(uid=UID, pod=codec.restore(Pod, ENDED), spec_hash="h"))
    records.write_container(instance, UID, "web", ContainerRecord(container_id="c"))
    bundle = instance.container(UID, "web")
    os.makedirs(f"{bundle}/exit")
    for name in ("pid", "exit/exit"):
        with open(f"{bundle}/{name}", "w", encoding="ascii") as file:
            file.write("0")
    state = database.connect(instance.database)
    prober = Prober(Base(instance, state), COMMAND)
    opened: list[str] = []
    sys.addaudithook(lambda event, about: opened.append(str(about[0])) if event == "open" else None)

    def woken() -> list[str]:
        opened.clear()
        prober.wake()
        prober.turn(0.0)
        opened.clear()
        prober.turn(0.0)
        return [path for path in opened if path.startswith(bundle)]

    woken()
    quiet = woken()
    records.write_container(instance, UID, "web", ContainerRecord(container_id="d"))
    touched = woken()
    prober.close()
    state.close()

    assert quiet == []
    assert touched
