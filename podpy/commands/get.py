"""List objects as kubectl does: pods from the host itself, other objects as they were applied."""

from __future__ import annotations

import json
import sys
import time

from podpy import names, status, tables
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from manifests.kinds import KindInfo
    from manifests.observed import PodState

POLL_SECONDS = 0.5


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", help="pods, deployments, jobs, configmaps, secrets, pvc ...")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("-n", "--namespace", default="default")
    parser.add_argument("-A", "--all-namespaces", action="store_true")
    parser.add_argument("-l", "--selector", default="", metavar="KEY=VALUE,...")
    parser.add_argument("-o", "--output", choices=("wide", "yaml", "json", "name"), default="")
    parser.add_argument("--no-headers", action="store_true")
    parser.add_argument("-w", "--watch", action="store_true", help="go on, and print what changes")


def run(arguments: argparse.Namespace) -> int:
    context = Context()
    kind, _, name = arguments.kind.partition("/")
    if name:
        arguments.names.insert(0, name)
    info = names.kind(kind)
    shown = _show(context, info, arguments)
    while arguments.watch:
        time.sleep(POLL_SECONDS)
        arguments.no_headers = True
        fresh = _rows(context, info, arguments)
        for row in fresh:
            if row not in shown:
                print("   ".join(row), flush=True)
        shown = fresh
    return 0


def _show(context: Context, info: KindInfo, arguments: argparse.Namespace) -> list[list[str]]:
    if arguments.output in ("yaml", "json"):
        _dump(_wire(context, info, arguments), arguments.output, single=len(arguments.names) == 1)
        return []
    rows = _rows(context, info, arguments)
    if arguments.output == "name":
        column = 1 if arguments.all_namespaces and info.namespaced else 0
        for row in rows:
            print(f"{info.names[1]}/{row[column]}")
    elif rows:
        print(tables.lines(_heads(info, arguments), rows, headers=not arguments.no_headers))
    else:
        print("No resources found.", file=sys.stderr)
    _complain_missing(arguments, {_name_of(row, info, arguments) for row in rows})
    return rows


def _complain_missing(arguments: argparse.Namespace, found: set[str]) -> None:
    from manifests.faults import Invalid

    missing = [name for name in arguments.names if name not in found]
    if missing:
        raise Invalid(f"not found: {', '.join(missing)}", hint="podpy get pods -A")


def _name_of(row: list[str], info: KindInfo, arguments: argparse.Namespace) -> str:
    return row[1] if arguments.all_namespaces and info.namespaced else row[0]


def _heads(info: KindInfo, arguments: argparse.Namespace) -> list[str]:
    front = ["NAMESPACE"] if arguments.all_namespaces and info.namespaced else []
    if info.kind != "Pod":
        return [*front, "NAME", *(["DATA"] if info.kind in ("ConfigMap", "Secret") else []), "AGE"]
    wide = ["IP", "NODE"] if arguments.output == "wide" else []
    return [*front, "NAME", "READY", "STATUS", "RESTARTS", "AGE", *wide]


def _rows(context: Context, info: KindInfo, arguments: argparse.Namespace) -> list[list[str]]:
    if info.kind == "Pod":
        return [_pod_row(state, arguments) for state in _pods(context, arguments)]
    now = time.time()
    rows = []
    for item in _applied(context, info, arguments):
        front = [item.ref.namespace] if arguments.all_namespaces and info.namespaced else []
        data = _data_count(item) if info.kind in ("ConfigMap", "Secret") else []
        rows.append([*front, item.ref.name, *data, status.age(now - item.created_at)])
    return rows


def _data_count(item: Any) -> list[str]:
    raw = json.loads(item.body)
    return [str(len(raw.get("data", {})) + len(raw.get("binaryData", {})))]


def _pods(context: Context, arguments: argparse.Namespace) -> list[PodState]:
    from runtime.kernel import cgroups
    from runtime.observe import pods

    found = [
        state
        for state in pods.read(context.paths, cgroups.view())
        if (arguments.all_namespaces or state.pod.metadata.namespace == arguments.namespace)
        and (not arguments.names or _is_named(state, arguments.names))
        and _selected(dict(state.pod.metadata.labels), arguments.selector)
    ]
    return sorted(found, key=lambda one: (one.pod.metadata.namespace, one.pod.metadata.name))


def _is_named(state: PodState, wanted: list[str]) -> bool:
    return state.pod.metadata.name in wanted


def _selected(labels: dict[str, str], selector: str) -> bool:
    for part in filter(None, selector.split(",")):
        key, _, value = part.replace("==", "=").partition("=")
        negated = key.endswith("!")
        if (labels.get(key.rstrip("!")) == value) is negated:
            return False
    return True


def _pod_row(state: PodState, arguments: argparse.Namespace) -> list[str]:
    shown = status.row(state, time.time())
    front = [state.pod.metadata.namespace] if arguments.all_namespaces else []
    wide = []
    if arguments.output == "wide":
        from runtime.observe import facts

        wide = [state.record.address or "<host>", facts.node_name()]
    return [
        *front,
        state.pod.metadata.name,
        f"{shown.ready}/{shown.containers}",
        shown.status,
        str(shown.restarts),
        status.age(shown.age),
        *wide,
    ]


def _applied(context: Context, info: KindInfo, arguments: argparse.Namespace) -> list[Any]:
    from reconciler.state import objects

    return [
        item
        for item in objects.read(context.database, kind=info.kind)
        if (
            not info.namespaced
            or arguments.all_namespaces
            or item.ref.namespace == arguments.namespace
        )
        and (not arguments.names or item.ref.name in arguments.names)
        and _selected(json.loads(item.body)["metadata"].get("labels", {}), arguments.selector)
    ]


def _wire(context: Context, info: KindInfo, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    from manifests import kinds
    from runtime.observe import facts

    if info.kind == "Pod":
        host = facts.addresses()[0]
        return [
            {**kinds.dump(state.pod), "status": status.wire(state, host, time.time())}
            for state in _pods(context, arguments)
        ]
    found = []
    for item in _applied(context, info, arguments):
        thing = context.base.find(item.ref) or item.object()
        raw = kinds.dump(thing)
        raw["metadata"] = {
            **raw["metadata"],
            "uid": item.uid,
            "generation": item.generation,
            "creationTimestamp": status.stamp(item.created_at),
        }
        found.append(raw)
    return found


def _dump(items: list[dict[str, Any]], form: str, *, single: bool) -> None:
    value = items[0] if single and items else {"apiVersion": "v1", "kind": "List", "items": items}
    if form == "json":
        print(json.dumps(value, indent=2))
        return
    from ruamel.yaml import YAML

    YAML(typ="safe", pure=True).dump(value, sys.stdout)
