"""What `kube play` and `kube down` share with Podman: images that are built, and blocks."""

from __future__ import annotations

import os
import sys

from manifests import digests, kinds
from manifests.faults import Invalid
from reconciler.plan.change import Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

    from manifests.observed import PodRecord, PodState
    from podpy.context import Context
    from reconciler.execute.run import Outcome
    from reconciler.plan.wish import Wished
    from reconciler.report import Report
    from reconciler.targets.host.images import Pulling
    from runtime.image.meter import Progress

FAILED = 125
BUILD_FILES = ("Containerfile", "Dockerfile")


def pulling(arguments: argparse.Namespace, report: Callable[[Progress], None]) -> Pulling:
    """How the flags want images pulled; skopeo's module is not imported for it."""
    from reconciler.targets.host.images import Pulling

    flags = (arguments.authfile, arguments.creds, arguments.cert_dir, arguments.tls_verify)
    if not any(flag is not None and flag != "" for flag in flags):
        return Pulling(progress=report)
    if arguments.authfile and not os.path.exists(arguments.authfile):
        raise Invalid(f"--authfile {arguments.authfile}: there is no such file")
    from podpy import registry_flags

    return Pulling(options=registry_flags.options(arguments), progress=report)


def build(context: Context, wished: Iterable[Wished], arguments: argparse.Namespace) -> None:
    """Build the images that have a directory with a Containerfile, as Podman does.

    Without --build only those that the store does not have yet.
    """
    for item in wished:
        part = kinds.pod_part(item.object)
        if part is None:
            continue
        spec = part[1]
        for container in (*spec.init_containers, *spec.containers):
            directory = build_directory(container.image, item.file, arguments.context_dir)
            if not directory:
                continue
            if arguments.build or context.base.store.find(container.image) is None:
                from podpy import registry_flags
                from runtime.image import build as builder

                builder.build(
                    context.host.base.store,
                    directory,
                    (container.image,),
                    options=registry_flags.options(arguments),
                )


def build_directory(image: str, file: str, context_dir: str) -> str:
    """Return the directory to build `image` from, "" for none.

    It is looked for below --context-dir, or beside the manifest `file`, and here.
    """
    name = image.partition("@")[0].rpartition("/")
    stem = f"{name[0]}{name[1]}{name[2].partition(':')[0]}"
    roots = (context_dir,) if context_dir else (os.path.dirname(file) or ".", ".")
    for root in roots:
        for directory in (f"{root}/{stem}", f"{root}/{stem.rpartition('/')[2]}"):
            if any(os.path.isfile(f"{directory}/{one}") for one in BUILD_FILES):
                return directory
    return ""


def complain(outcome: Outcome) -> None:
    """Print the fault of a change as soon as it is known."""
    if outcome.fault is not None:
        said = str(outcome.fault)
        label = str(outcome.change.ref)
        told = said if said.startswith(label) else f"{label}: {said}"
        print(f"Error: {told}", file=sys.stderr, flush=True)


def show_rolled_back(report: Report) -> None:
    """Say what a failed play has left of what was there before: all of it, where that worked."""
    if report.refused:
        print("Error: nothing was changed: the pods above cannot be made", file=sys.stderr)
        return
    for outcome in report.restored:
        if outcome.fault is not None:
            print(f"Error: {outcome.change.ref}: not put back: {outcome.fault}", file=sys.stderr)
    again = [
        str(outcome.change.ref)
        for outcome in report.restored
        if outcome.fault is None and outcome.change.op is Op.CREATE
    ]
    more = f"; what ran before runs again: {', '.join(again)}" if again else ""
    print(
        f"Error: nothing of it was kept: the pods above could not be started{more}",
        file=sys.stderr,
    )


def pod_id(uid: str) -> str:
    """Return the id by which Podman's blocks name a pod: 64 hex digits."""
    return digests.of(uid)


def container_id(uid: str, name: str) -> str:
    return digests.of(f"{uid}.{name}")


def show_blocks(context: Context, wished: Iterable[Wished]) -> None:
    """Print Podman's blocks: Volumes, Secrets, and a pod with its containers."""
    items = tuple(wished)
    for title, kind in (("Volumes", "PersistentVolumeClaim"), ("Secrets", "Secret")):
        names = [item.ref.name for item in items if item.ref.kind == kind]
        if names:
            print(f"{title}:")
            print("\n".join(names))
    for record in _records_of(context, items):
        names = [container.name for container in record.pod.spec.containers]
        print("Pod:")
        print(pod_id(record.uid))
        print("Container:" if len(names) == 1 else "Containers:")
        for name in names:
            print(container_id(record.uid, name))
        print()


def pods_of(context: Context, wished: Iterable[Wished]) -> list[PodState]:
    """Return the pods on the host that belong to these objects."""
    from runtime.observe import pods

    base = context.base
    records = _records_of(context, wished)
    return [pods.state_of(base.paths, record, base.cgroups) for record in records]


def _records_of(context: Context, wished: Iterable[Wished]) -> list[PodRecord]:
    from reconciler.workloads.ownership import object_of
    from runtime.observe import records

    refs = {item.ref for item in wished}
    return [
        record
        for record in records.read_pods(context.paths)
        if object_of(record) in refs and not record.deleting
    ]


def show_removed(report: Report) -> None:
    """Print Podman's blocks of what was stopped and removed."""
    done = [item for item in report.outcomes if item.fault is None and item.change.op is Op.DELETE]
    pods = [item.change.uid for item in done if item.change.uid]
    print("Pods stopped:")
    for uid in pods:
        print(pod_id(uid))
    print("Pods removed:")
    for uid in pods:
        print(pod_id(uid))
    print("Secrets removed:")
    for item in done:
        if item.change.ref.kind == "Secret":
            print(item.change.ref.name)
    print("Volumes removed:")
    for item in done:
        if item.change.ref.kind == "PersistentVolumeClaim" and item.change.effect == "data loss":
            print(item.change.ref.name)
