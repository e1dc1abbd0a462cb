"""Show what pods use of cpu and memory: two looks at their control groups, a moment apart."""

from __future__ import annotations

import json
import os
import sys
import time

from manifests.faults import Invalid
from manifests.value import Value
from podpy import cli, lookup, tables
from runtime import paths as runtime_paths
from runtime.kernel import cgroups
from runtime.kernel.cgroup_usage import usage
from runtime.observe import briefs
from runtime.oci import container as oci

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Any

    from runtime.observe.briefs import Brief
    from runtime.paths import Paths

EXAMPLES = """
podpy top pods
podpy top pods -A --sort-by memory
podpy top pod web --containers
"""

INTERVAL_SECONDS = 0.2


class Use(Value):
    """What a pod, or one container of it, uses: cores, bytes without page cache, processes."""

    namespace: str
    pod: str
    container: str = ""
    cpu: float | None = None
    memory: int | None = None
    pids: int | None = None


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("kind", choices=("pods", "pod", "po"), help="pods")
    add("names", nargs="*", metavar="NAME", help="these pods only")
    add("-n", "--namespace", default="", help="default if left out")
    add("-A", "--all-namespaces", action="store_true", help="pods of every namespace")
    add("-l", "--selector", default="", metavar="KEY=VALUE,...", help="pods with these labels")
    add("--containers", action="store_true", help="a line for each container")
    add("--sort-by", choices=("cpu", "memory"), default="", help="most first")
    add("--sum", action="store_true", help="a last line with the sum")
    add("--no-headers", action="store_true", help="leave out the head of the table")
    cli.add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    paths = runtime_paths.default()
    pods = _pods(paths, arguments)
    uses = measured(paths, pods, containers=arguments.containers)
    if arguments.sort_by:
        uses.sort(key=lambda use: getattr(use, arguments.sort_by) or 0, reverse=True)
    if arguments.output == "json":
        print(json.dumps([_wire(use) for use in uses], indent=2))
        return 0
    if not uses:
        print("No running pods found.", file=sys.stderr)
        return 0
    front = ("NAMESPACE",) if arguments.all_namespaces else ()
    name = ("POD", "NAME") if arguments.containers else ("NAME",)
    heads = (*front, *name, "CPU(cores)", "MEMORY(bytes)", "PIDS")
    rows = [
        (
            *((use.namespace,) if front else ()),
            use.pod,
            *((use.container,) if arguments.containers else ()),
            tables.millicores(use.cpu),
            tables.mebibytes(use.memory),
            tables.UNKNOWN if use.pids is None else str(use.pids),
        )
        for use in uses
    ]
    if arguments.sum:
        rows.append(_sum(uses, len(front) + len(name)))
    print(tables.lines(heads, rows, headers=not arguments.no_headers))
    return 0


def _sum(uses: Iterable[Use], names: int) -> tuple[str, ...]:
    """Return the row of all together; `names` is how many columns stand before the amounts."""
    listed = list(uses)
    return (
        *([""] * (names - 1)),
        "TOTAL",
        tables.millicores(sum(use.cpu or 0.0 for use in listed)),
        tables.mebibytes(sum(use.memory or 0 for use in listed)),
        str(sum(use.pids or 0 for use in listed)),
    )


def measured(paths: Paths, pods: Iterable[Brief], *, containers: bool) -> list[Use]:
    """Return what each pod (or container) uses; those that do not run are left out."""
    seen = cgroups.view()
    places = {
        (pod.namespace, pod.name, name): _cgroup(paths, pod, name)
        for pod in pods
        for name in ((*pod.init_containers, *pod.containers) if containers else ("",))
    }
    before = {key: (time.monotonic(), usage(seen, place)) for key, place in places.items()}
    time.sleep(INTERVAL_SECONDS)
    uses: list[Use] = []
    for (namespace, pod, container), place in places.items():
        then, first = before[(namespace, pod, container)]
        now, use = time.monotonic(), usage(seen, place)
        if not use.pids and (use.pids == 0 or use.memory is None):
            continue  # It has ended, or is gone.
        cpu = None if use.cpu is None or first.cpu is None else (use.cpu - first.cpu) / (now - then)
        uses.append(
            Use(
                namespace=namespace,
                pod=pod,
                container=container,
                cpu=cpu,
                memory=use.memory,
                pids=use.pids,
            )
        )
    return uses


def _cgroup(paths: Paths, pod: Brief, container: str) -> str:
    """Return the cgroup of a container, or of its pod: systemd's slice where its units run it."""
    if container:
        return oci.cgroup_of(paths, pod.uid, container)
    own = f"/{paths.instance}/{pod.uid}"
    for name in pod.containers:
        unit = os.path.dirname(oci.cgroup_of(paths, pod.uid, name))
        if unit != own:
            return os.path.dirname(unit)
    return own


def _pods(paths: Paths, arguments: argparse.Namespace) -> list[Brief]:
    if arguments.names:
        return [lookup.pod(paths, name, arguments.namespace).pod for name in arguments.names]
    from podpy import selectors

    wanted = selectors.parse(arguments.selector)
    place = arguments.namespace or lookup.DEFAULT_NAMESPACE
    found = [
        pod
        for pod in briefs.read(paths)
        if not (pod.over or pod.waiting)
        and (arguments.all_namespaces or pod.namespace == place)
        and wanted.matches(pod.labels)
    ]
    if arguments.namespace and arguments.all_namespaces:
        raise Invalid("top: -n and -A exclude each other")
    return sorted(found, key=lambda pod: (pod.namespace, pod.name))


def _wire(use: Use) -> dict[str, Any]:
    return {
        "namespace": use.namespace,
        "pod": use.pod,
        **({"container": use.container} if use.container else {}),
        "cpuCores": None if use.cpu is None else round(use.cpu, 4),
        "memoryBytes": use.memory,
        "pids": use.pids,
    }
