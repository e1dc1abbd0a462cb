"""Time how soon a host follows its source and mends its drift: podpy alone, on this machine.

    python -m benchmarks.loop [--runs N]

    push       git push into a repository of `podpy receive`, until the changed container runs
    file       a file saved in a watched directory, until the changed container runs
    container  a container's process killed, until it runs again
    link       the host's end of a pod's veth deleted, until there is another
    table      podpy's nft table deleted, until it is there again
    pass       the agent's processor time for a pass over 1,000 unchanged objects, 100 of them pods;
               a file is saved as it was
    agent      its memory with 100 pods, and its processor time while nothing happens

No peer has all of it, so the floors are plain times. Needs root, and an idle machine: the links of
others wake the agent, too.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import instance
from tests.fixtures import images, traces
from tests.fixtures.forge import Forge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fixtures.command import Podpy

LONGEST = 30.0
PODS = 100
OBJECTS = 1000
PASSES = 20
IDLE = 60.0
POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: {image}
      command: [sh, -c, "touch /out/{mark}.$(cat /proc/sys/kernel/random/uuid); exec sleep 100000"]
      volumeMounts: [{{name: out, mountPath: /out}}]
  volumes: [{{name: out, hostPath: {{path: {out}, type: DirectoryOrCreate}}}}]
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: config-{one}}}
data: {{key: "value {one}", other: "another value of {one}"}}
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: claim-{one}}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: asleep-{one}}}
spec:
  replicas: 0
  selector: {{matchLabels: {{app: asleep-{one}}}}}
  template:
    metadata: {{labels: {{app: asleep-{one}}}}}
    spec: {{containers: [{{name: main, image: {image}}}]}}
"""


class Loop:
    """One instance, and the directory in which its containers leave a file when they start."""

    def __init__(self, podpy: Podpy, root: str) -> None:
        self.podpy, self.root = podpy, root
        self.out = Path(f"{root}/out")
        self.out.mkdir()

    def pod(self, name: str, mark: str) -> str:
        return POD.format(name=name, image=images.BUSYBOX, mark=mark, out=self.out)

    def started(self, mark: str, times: int = 1) -> bool:
        return len(list(self.out.glob(f"{mark}.*"))) >= times

    def push(self, runs: int) -> Iterator[float]:
        home = f"{self.root}/user"
        os.makedirs(home)
        os.environ["HOME"] = home
        self.podpy.ok("receive", "init", "app")
        forge = Forge(Path(f"{self.root}/work"))
        words = ["git", "-C", str(forge.path), "push", "-q", f"{home}/app", "main"]
        for run in range(runs + 1):
            forge.commit({"web.yaml": self.pod("pushed", f"push{run}")})
            began = time.monotonic()
            pushing = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            took = since(began, partial(self.started, f"push{run}"))
            pushing.wait(LONGEST)
            if run:
                yield took

    def file(self, runs: int, folder: Path) -> Iterator[float]:
        for run in range(runs):
            save(folder / "web.yaml", self.pod("saved", f"file{run}"))
            began = time.monotonic()
            yield since(began, partial(self.started, f"file{run}"))
            time.sleep(1)

    def container(self, runs: int, folder: Path) -> Iterator[float]:
        # A pod's first restart alone is at once; later ones wait for their back-off.
        for run in range(runs):
            mark = f"kill{run}"
            save(folder / f"{mark}.yaml", self.pod(mark, mark))
            since(time.monotonic(), partial(self.started, mark))
            time.sleep(1)
            inside = f"/{self.podpy.paths.instance}/"
            victim = max(
                p.pid for p in traces.processes() if inside in p.about and p.name == "sleep"
            )
            os.kill(victim, signal.SIGKILL)
            began = time.monotonic()
            yield since(began, partial(self.started, mark, 2))

    def link(self, runs: int) -> Iterator[float]:
        for _ in range(runs):
            victim = next(name for name in self.links() if name.startswith("pv-"))
            before = self.links()
            subprocess.run(["ip", "link", "delete", victim], check=True, timeout=LONGEST)
            began = time.monotonic()
            yield since(began, lambda: len(self.links()) >= len(before))  # noqa: B023
            time.sleep(1)

    def passes(self, agent: int, folder: Path) -> float:
        """Return the milliseconds of processor time that a pass takes which finds nothing to do."""
        kinds = (CONFIG, CLAIM, DEPLOYMENT)
        rest = [
            kinds[one % 3].format(one=one, image=images.BUSYBOX) for one in range(OBJECTS - PODS)
        ]
        save(folder / "rest.yaml", "---\n".join(rest))
        since(time.monotonic(), lambda: self.asleep() == len(rest) // 3)
        time.sleep(5)
        before = processor_seconds(agent)
        for _ in range(PASSES):
            save(folder / "rest.yaml", "---\n".join(rest))  # That Sync has a pass, and no other.
            time.sleep(1)
        return 1000 * (processor_seconds(agent) - before) / PASSES

    def asleep(self) -> int:
        return len(self.podpy.ok("get", "deployments", "-o", "name").splitlines())

    def links(self) -> list[str]:
        own = self.podpy.paths.instance
        return [name for name, alias in traces.links().items() if own in alias]

    def table(self, runs: int) -> Iterator[float]:
        for _ in range(runs):
            own = next(one for one in traces.tables() if self.podpy.paths.instance in one)
            words = ["nft", "delete", "table", *own.split()]
            subprocess.run(words, check=True, timeout=LONGEST)
            began = time.monotonic()
            yield since(began, lambda: own in traces.tables())  # noqa: B023
            time.sleep(1)


def since(began: float, there: Callable[[], bool]) -> float:
    """Return the milliseconds until it is there."""
    while not there():
        if time.monotonic() - began > LONGEST:
            raise AssertionError(f"nothing has happened for {LONGEST:g} s")
        time.sleep(0.002)
    return (time.monotonic() - began) * 1000


def save(path: Path, text: str) -> None:
    path.with_suffix(".tmp").write_text(text)
    path.with_suffix(".tmp").rename(path)


def processor_seconds(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def show(name: str, times: list[float], floor: str) -> None:
    print(
        f"{name:<28}{statistics.median(times):8.0f} ms  (floor {floor}; {len(times)} runs,"
        f" {min(times):.0f} to {max(times):.0f})",
        flush=True,
    )


def measure(podpy: Podpy, root: str, runs: int) -> None:
    loop = Loop(podpy, root)
    show("push to running", list(loop.push(runs)), "1 s")
    folder = Path(f"{root}/manifests")
    folder.mkdir()
    save(folder / "web.yaml", loop.pod("saved", "first"))
    podpy.ok("sync", "add", "local", "--directory", str(folder), "--interval", "1h")
    agent = podpy.start("agent")
    since(time.monotonic(), partial(loop.started, "first"))
    time.sleep(2)
    show("file saved to running", list(loop.file(runs, folder)), "0.5 s")
    show("container killed to running", list(loop.container(runs, folder)), "1 s")
    show("link deleted to mended", list(loop.link(runs)), "1 s")
    show("nft table deleted to mended", list(loop.table(runs)), "1 s")
    many = "---\n".join(loop.pod(f"many-{one}", f"many{one}") for one in range(PODS))
    save(folder / "many.yaml", many)
    since(time.monotonic(), partial(loop.started, "many*", PODS))
    time.sleep(5)
    before = processor_seconds(agent.pid)
    time.sleep(IDLE)
    used = processor_seconds(agent.pid) - before
    print(f"agent with {PODS} pods: {resident_mib(agent.pid):.0f} MiB resident (floor 60)")
    print(f"agent, nothing to do: {100 * used / IDLE:.2f} % of a processor (floor 0.0)", flush=True)
    took = loop.passes(agent.pid, folder)
    print(f"pass over {OBJECTS} unchanged objects: {took:.0f} ms of a processor (floor 100 ms)")
    print(f"agent then: {resident_mib(agent.pid):.0f} MiB resident")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    with instance.opened("loop") as (podpy, root):
        measure(podpy, root, asked.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
