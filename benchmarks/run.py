"""Measure podpy beside Podman 5.4 and print a table: root only, nothing of the host is changed.

    python -m benchmarks.run [--quick] [--only ROW,...] [--podman-only] [--json FILE] [--table FILE]

The first run builds a Debian 13 tree (about a minute); see benchmarks.room. Figures of a busy
machine are worthless: run nothing beside it.
"""

from __future__ import annotations

import argparse
import glob
import os
import shutil
import sys
from typing import TYPE_CHECKING

from benchmarks import documents, engines, images, lifecycle, memory, report, room, workload
from tools import write_launcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.engines import Peers
    from benchmarks.measure import Row

LAUNCHER = "/usr/local/bin/podpy"
RESULT = f"{room.WORK}/result.json"
GROUPS = (
    "read", "play1", "play10", "again1", "running",
    "memory", "pull", "play50", "again50", "play200",
)  # fmt: skip
SLOW = ("again50", "play200")
SITE_PACKAGES = "/usr/lib/python3/dist-packages"  # where Debian's python3-* packages lie


def rows(peers: Peers, *, quick: bool) -> dict[str, Callable[[], Iterator[Row]]]:
    """Return every group of rows by its name, in the order of measuring."""
    few, many = (3, 7) if quick else (7, 21)

    def reading() -> Iterator[Row]:
        if peers.podpy:
            yield from documents.read(peers.podpy, few)
            yield from documents.rendered(peers.podpy, few)

    def pulling() -> Iterator[Row]:
        yield images.pull(peers, 100, few)

    def again(count: int) -> Callable[[], Iterator[Row]]:
        return lambda: iter([lifecycle.play_again(peers, count, few)])

    return {
        "read": reading,
        "play1": lambda: lifecycle.play_and_down(peers, 1, many),
        "play10": lambda: lifecycle.play_and_down(peers, 10, few),
        "again1": again(1),
        "running": lambda: lifecycle.with_pods_running(peers, 10 if quick else 50, many),
        "memory": lambda: memory.of_pods(peers, 50, 3 if quick else 5),
        "pull": pulling,
        "play50": lambda: lifecycle.play_and_down(peers, 50, 1 if quick else 3),
        "again50": again(50),
        "play200": lambda: lifecycle.play_and_down(peers, 200, 1),
    }


def prepare(*, podman_only: bool) -> Peers:
    """Write podpy's launcher and load the image of the pods on both sides."""
    podpy = None
    if not podman_only:
        write_launcher.write(LAUNCHER, room.TREE, SITE_PACKAGES)
        room.run(sys.executable, "-m", "compileall", "-q", room.TREE)
        podpy = engines.Podpy(LAUNCHER)
    peers = engines.Peers(engines.Podman(), podpy)
    source = workload.busybox()
    for engine in peers.all:
        engines.call(engine, engine.pull(source))
    return peers


def measured(peers: Peers, wanted: Sequence[str], *, quick: bool) -> list[Row]:
    """Measure the wanted groups; one that fails is reported, and the next one goes on."""
    found: list[Row] = []
    for name, group in rows(peers, quick=quick).items():
        if name not in wanted:
            continue
        try:
            for row in group():
                found.append(row)
                print(report.line(row), flush=True)
        except engines.Failed as failure:
            print(f"\n{name} failed: {failure}\n", file=sys.stderr, flush=True)
            for engine in peers.all:
                for file in glob.glob(f"{room.WORK}/{engine.name}-pods-*.yaml"):
                    engines.call(engine, engine.down(file), check=False)
    return found


def measure_inside(asked: argparse.Namespace) -> int:
    """Do the work, inside the room; print the table and leave the JSON in RESULT."""
    wanted = asked.only.split(",") if asked.only else GROUPS
    if asked.quick and not asked.only:
        wanted = [name for name in GROUPS if name not in SLOW]
    peers = prepare(podman_only=asked.podman_only)
    print(report.HEAD, flush=True)
    found = measured(peers, wanted, quick=asked.quick)
    with open(RESULT, "w", encoding="utf-8") as file:
        file.write(report.as_json(found))
    return 0 if found else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer runs, without the slowest rows")
    parser.add_argument("--only", default="", metavar="ROW,...", help=", ".join(GROUPS))
    parser.add_argument("--podman-only", action="store_true", help="leave podpy out")
    parser.add_argument("--json", default="", metavar="FILE", help="write all figures there too")
    parser.add_argument("--table", default="", metavar="FILE", help="write the table there too")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def keep(asked: argparse.Namespace, result: str) -> None:
    """Write what was measured where it was asked for."""
    if asked.json:
        shutil.copy(result, asked.json)
    if asked.table:
        with (
            open(result, encoding="utf-8") as source,
            open(asked.table, "w", encoding="utf-8") as file,
        ):
            file.write(report.as_markdown(source.read()))


def main() -> int:
    asked = arguments()
    if asked.inside:
        return measure_inside(asked)
    if os.geteuid() != 0:
        raise SystemExit("benchmarks: needs root")
    with room.only_one():
        root = room.build()
        command = ["/usr/bin/python3", "-m", "benchmarks.run", "--inside", *sys.argv[1:]]
        status = room.inside(root, command)
        if status == 0:
            keep(asked, f"{root}{RESULT}")
    return status


if __name__ == "__main__":
    sys.exit(main())
