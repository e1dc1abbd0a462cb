"""Examine whether this host can do what it is asked for: its Syncs, and ports of what was applied.

For podpy.checkup. The checks are those that a pass makes itself; only a remote is asked here
without fetching from it.
"""

from __future__ import annotations

import os

from manifests import durations, kinds
from manifests.faults import Fault, HostFault
from manifests.meta import ObjectMeta
from manifests.pod import Pod
from podpy.checkup import Finding, good, missing, told, warning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.ref import Ref
    from manifests.sync import Sync
    from reconciler.state.leases import Request
    from reconciler.targets.host.base import Base
    from runtime.paths import Paths

REMOTE_SECONDS = 10.0


def examine(paths: Paths) -> Iterator[Finding]:
    """Yield what was found; where podpy has no database yet, none is made."""
    from reconciler.syncs import declared

    if not os.path.exists(paths.database):
        found = declared.in_files(paths)
    else:
        from reconciler.state import database
        from reconciler.targets.host.base import Base

        try:
            base = Base(paths, database.connect(paths.database))
            yield from _ports(base)
            found = declared.read(paths, base.database)
        except Fault as fault:
            yield missing("database", fault.message, fault.hint)
            found = declared.in_files(paths)
    for problem in found.problems:
        yield warning("Syncs", problem, "podpy sync ls leaves out what this file declares")
    for one in found.syncs:
        yield from _sync(paths, one.sync)


def _ports(base: Base) -> Iterator[Finding]:
    """Ports of the host that pods are to have, and that processes of others listen on."""
    from reconciler.targets.host import host_ports

    requests = dict(_requests(base))
    wanted = sum(len(one.ports) for one in requests.values())
    refused = host_ports.held(base, requests)
    for ref, fault in refused.items():
        yield missing("ports", f"{ref}: {told(fault, str(ref))}", fault.hint)
    if wanted and not refused:
        ports = "1 port of this host is" if wanted == 1 else f"{wanted} ports of this host are"
        yield good("ports", f"{ports} free of other processes, as applied pods want")


def _requests(base: Base) -> Iterator[tuple[Ref, Request]]:
    from reconciler.state import leases, objects
    from reconciler.targets.host import host_ports, networks

    for row in objects.read(base.database):
        part = kinds.pod_part(row.object())
        if part is None:
            continue
        metadata, spec, _path = part
        named = ObjectMeta(name=row.ref.name, annotations=metadata.annotations)
        pod = Pod(metadata=named, spec=spec)
        ports = host_ports.claimed(pod)
        if ports:
            yield (
                row.ref,
                leases.Request(holder="", network=networks.bridge_of(base, pod), ports=ports),
            )


def _sync(paths: Paths, sync: Sync) -> Iterator[Finding]:
    """The files that the Sync names, its source, and the Secrets that it has brought last."""
    from reconciler.source import source
    from reconciler.syncs import fitness

    subject = f"Sync/{sync.metadata.name}"
    ill = False
    for file in fitness.files(sync):
        try:
            fitness.check(file)
        except HostFault as fault:
            ill = True
            yield missing(subject, f"{fault.message} ({file.purpose})", fault.hint)
    try:
        seconds = min(REMOTE_SECONDS, durations.duration(sync.spec.timeout))
        said = f"{source.look(paths, sync, seconds)} answers"
    except Fault as fault:
        yield missing(subject, fault.message, fault.hint)
        return
    if sync.spec.decryption is not None and not ill:
        try:
            said += _secrets(paths, sync)
        except Fault as fault:
            yield missing(subject, fault.message, fault.hint)
            return
    if not ill:
        yield good(subject, said)


def _secrets(paths: Paths, sync: Sync) -> str:
    """Open what the revision that was fetched last has encrypted; nothing of it is written."""
    from reconciler.source import decryption, source
    from reconciler.source.refs import FETCHED

    repository = source.repository_of(paths, sync.metadata.name)
    revision = repository.commit(FETCHED)
    if not revision:
        return ""
    found = source.manifests_of(paths, sync, repository, revision, place=".doctor")
    decryption.decrypted(found.files, sync.spec.decryption)
    return ", and its Secrets can be opened"
