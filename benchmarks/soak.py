"""Play, break and remove pods for some minutes: nothing may be left, and nothing may grow.

    python -m benchmarks.soak [--minutes N] [--seed N]

Every round plays some pods, does a few random acts of violence (kills a container, kills podpy half
way, deletes a link), plays again, which must bring all pods back, and takes them down. At the end
the instance must have nothing on the host. Needs root; it uses an instance of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import instance, workload
from tests.fixtures import images, killed, traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.command import Podpy

PODS = 6
SETTLE = 30.0


class Soak:
    """One instance under test, and the dice."""

    def __init__(self, podpy: Podpy, dying: killed.Dying, file: str, seed: int) -> None:
        self.podpy, self.dying, self.file = podpy, dying, file
        self.dice = random.Random(seed)
        self.effects: dict[str, list[killed.Effect]] = {}
        self.acts: tuple[Callable[[], None], ...] = (
            self.kill_a_container,
            self.kill_podpy_half_way,
            self.delete_a_link,
        )

    def round(self) -> list[str]:
        """Do one round; return the names of its acts."""
        self.podpy.ok("kube", "play", self.file, timeout=120)
        done = [self.dice.choice(self.acts) for _ in range(self.dice.randint(1, 3))]
        for act in done:
            act()
        self.podpy.ok("kube", "play", self.file, timeout=120)
        self.until_all_run()
        self.podpy.ok("kube", "down", self.file, timeout=120)
        return [act.__name__ for act in done]

    def kill_a_container(self) -> None:
        instance = self.podpy.paths.instance
        inside = [p for p in traces.processes() if f"/{instance}/" in p.about and p.name == "sh"]
        if inside:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.dice.choice(inside).pid, signal.SIGKILL)

    def kill_podpy_half_way(self) -> None:
        """Kill a play of what is not there, or its removal; each ends unharmed the first time."""
        verb = self.dice.choice(("play", "down"))
        self.podpy.ok("kube", "play" if verb == "down" else "down", self.file, timeout=120)
        step = killed.Step(("kube", verb, self.file))
        if verb in self.effects:
            self.dying.run(self.dice.choice(self.effects[verb]), step)
        else:
            self.effects[verb] = self.dying.count(step)

    def delete_a_link(self) -> None:
        instance = self.podpy.paths.instance
        own = [name for name, alias in traces.links().items() if instance in alias.split()]
        if own:
            delete = ["ip", "link", "delete", self.dice.choice(own)]
            subprocess.run(delete, capture_output=True, timeout=30, check=False)

    def until_all_run(self) -> None:
        """Wait until every pod of the file runs with both its containers."""
        until = time.monotonic() + SETTLE
        while (running := self.running()) != PODS:
            if time.monotonic() > until:
                raise AssertionError(
                    f"{running} of {PODS} pods run\n{self.podpy.ok('get', 'pods', '-o', 'wide')}"
                )
            time.sleep(0.2)

    def running(self) -> int:
        items = json.loads(self.podpy.ok("get", "pods", "-o", "json"))["items"]
        return sum(
            item["status"]["phase"] == "Running"
            and all("running" in c["state"] for c in item["status"]["containerStatuses"])
            for item in items
        )


def write_pods(path: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for number in range(PODS):
            file.write(
                workload.POD.format(
                    name=f"soak-{number}",
                    number=number,
                    port=24000 + number,
                    image=images.BUSYBOX,
                    wait=workload.WAIT,
                )
            )


def soak(podpy: Podpy, root: str, minutes: float, seed: int) -> int:
    """Run rounds in `root` until the time is over; return the exit status."""
    write_pods(f"{root}/pods.yaml")
    dying = killed.Dying(podpy, Path(root, "dying"))
    rounds = Soak(podpy, dying, f"{root}/pods.yaml", seed)
    # The bridge, its name server and the nft table outlive the last pod; pods must not.
    for word in ("play", "down"):
        podpy.ok("kube", word, f"{root}/pods.yaml", timeout=120)
    baseline = killed.Baseline(podpy)
    until = time.monotonic() + minutes * 60
    count = 0
    while time.monotonic() < until:
        count += 1
        began = time.monotonic()
        acts = rounds.round()
        print(f"round {count}: {time.monotonic() - began:.1f} s: {', '.join(acts)}", flush=True)
    left = baseline.left()
    print(f"{count} rounds, {len(left)} things left")
    for line in left:
        print(f"left: {line}")
    return 1 if left else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    with instance.opened("soak") as (podpy, root):
        return soak(podpy, root, asked.minutes, asked.seed)


if __name__ == "__main__":
    sys.exit(main())
