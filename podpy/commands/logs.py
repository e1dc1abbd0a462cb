"""Print a container's log: podpy logs [-f] [-p] [--tail N] [--since 5m] POD [-c CONTAINER]."""

from __future__ import annotations

import re
import sys
import time

from podpy import lookup
from runtime import paths as runtime_paths
from runtime.oci import logs

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from manifests.observed import PodRecord
    from runtime.paths import Paths

UNITS = {"s": 1, "m": 60, "h": 3600}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pod", help="NAME, or deploy/NAME, job/NAME ...")
    parser.add_argument("-c", "--container", default="")
    parser.add_argument("-n", "--namespace", default="")
    parser.add_argument("-f", "--follow", action="store_true")
    parser.add_argument("-p", "--previous", action="store_true", help="of the run before this one")
    parser.add_argument("--tail", type=int, default=-1, metavar="LINES")
    parser.add_argument("--since", default="", metavar="DURATION", help="such as 30s, 5m, 2h")
    parser.add_argument("--timestamps", action="store_true")
    parser.add_argument("--all-containers", action="store_true")
    parser.add_argument("--prefix", action="store_true", help="say which container wrote a line")


def run(arguments: argparse.Namespace) -> int:
    paths = runtime_paths.default()
    record = lookup.pod(paths, arguments.pod, arguments.namespace)
    spec = record.pod.spec
    names = (
        [one.name for one in (*spec.init_containers, *spec.containers)]
        if arguments.all_containers
        else [lookup.container(record, arguments.container)]
    )
    for name in names:
        for line in _lines(paths, record, name, arguments):
            front = f"[{record.pod.metadata.name}/{name}] " if arguments.prefix else ""
            stamp = f"{line.time} " if arguments.timestamps else ""
            sys.stdout.buffer.write(f"{front}{stamp}".encode() + line.text + b"\n")
            if arguments.follow:
                sys.stdout.buffer.flush()
    return 0


def _lines(
    paths: Paths, record: PodRecord, name: str, arguments: argparse.Namespace
) -> Iterator[logs.Line]:
    metadata = record.pod.metadata
    directory = f"{paths.pod_logs(metadata.namespace, metadata.name, record.uid)}/{name}"
    wanted = logs.Selection(
        tail=None if arguments.tail < 0 else arguments.tail,
        since=time.time() - duration(arguments.since) if arguments.since else None,
    )
    runs = logs.runs(directory)
    if arguments.previous:
        from manifests.faults import Invalid

        if len(runs) < 2:
            raise Invalid(f"container {name}: there is no log of a run before this one")
        return logs.read(logs.path(directory, runs[-2]), wanted)
    if not runs:
        return iter(())
    if arguments.follow:
        from runtime.oci import container as oci

        target = oci.Container.of(paths, record.uid, name)
        return logs.follow(
            directory,
            runs[-1],
            wanted,
            alive=lambda: oci.state(target) in (oci.State.RUNNING, oci.State.CREATED),
        )
    return logs.read(logs.path(directory, runs[-1]), wanted)


def duration(text: str) -> float:
    """Read 90s, 5m, 1h30m as seconds."""
    from manifests.faults import Invalid

    if not re.fullmatch(r"(\d+(\.\d+)?[smh])+", text):
        raise Invalid(f'"{text}" is no duration', hint="write it as 30s, 5m or 1h30m")
    found = re.findall(r"(\d+(?:\.\d+)?)([smh])", text)
    return sum(float(number) * UNITS[unit] for number, unit in found)
