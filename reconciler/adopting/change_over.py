"""Carry a change-over out: a journal in, Podman's containers stopped and podpy's pods running.

    stop        Podman ends the containers, and does not start them again
    take over   their volumes become claims
    converge    the pods are made, as `apply` would
    settle      they are ready, or all goes back: the pods go, the volumes return, Podman starts

Every step may be done again, so that a journal that is found goes on from its beginning, or back.
"""

from __future__ import annotations

from manifests import compact_json, kinds, load
from manifests.faults import Fault, HostFault, Invalid
from manifests.inspected import secrets
from manifests.ref import Ref
from manifests.sources import Bundle, File
from reconciler import cycle, loading, removing
from reconciler.adopting import journal as journals
from reconciler.state import objects
from reconciler.syncs import settling
from runtime import interrupts, locks
from runtime.podman import asking, steering
from runtime.volume import takeover

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import NoReturn

    from manifests.loaded import Loaded
    from reconciler.adopting.journal import Journal
    from reconciler.plan.wish import Wished
    from reconciler.targets.host.host import Host

COPY_SECONDS = 3600.0


class WentBack(HostFault):
    """The pods did not come to run; Podman runs its containers again."""


def loaded(journal: Journal) -> Loaded:
    """Return the objects of a journal, checked."""
    files = [File(name=one.file, data=one.text.encode()) for one in journal.manifests]
    for name in journal.secrets:
        document = secrets.document(name, asking.secret(name), journal.namespace)
        # JSON is YAML.
        files.append(File(name=f"secret {name}", data=compact_json.dumps(document).encode()))
    bundle = Bundle(name=f"adopted {journal.group}", files=tuple(files))
    return load.load([bundle], load.KUBE_PLAY)


def carry_out(host: Host, journal: Journal, tell: Callable[[str], None]) -> None:
    """Change the group over. Raises WentBack, with why, where Podman runs it again instead."""
    if journal.back:
        _back(host, journal, Invalid("it was on its way back when podpy was ended"), tell)
    if journal not in journals.every(host.base.paths):
        # A Secret may be that of a group before.
        there = objects.refs(host.base.database)
        kept = [str(item.ref) for item in wished(host, journal) if item.ref in there]
        journal = journal.replace(kept=tuple(kept))
        journals.write(host.base.paths, journal)
    try:
        with interrupts.noticed():
            _forth(host, journal, tell)
    except Fault as fault:
        with interrupts.undisturbed():
            _back(host, journal, fault, tell)
    journals.erase(host.base.paths, journal)


def wished(host: Host, journal: Journal) -> tuple[Wished, ...]:
    """Return the journal's objects as a wish."""
    return loading.wished(host.base.paths, host.base.database, loaded(journal))


def _forth(host: Host, journal: Journal, tell: Callable[[str], None]) -> None:
    paths = host.base.paths
    tell(f"stopping {', '.join(one.name for one in journal.running)} in Podman")
    steering.stop(journal.running)
    for one in journal.volumes:
        tell(f"volume {one.volume}: {'copying' if one.copy else 'taking over'} its data")
        with _locked(host, journal, one.claim):
            takeover.take(
                *(paths, journal.namespace, one.claim, one.path),
                copy=one.copy,
                timeout=COPY_SECONDS,
            )
    wanted = wished(host, journal)
    options = cycle.Options(applyset=journal.applyset, all_or_nothing=True)
    report = cycle.converge(host, wanted, options)
    if report.failed:
        raise HostFault("; ".join(str(one.fault) for one in report.failed))
    ill = settling.unsettled(host, wanted, journal.seconds, jobs=True)
    if ill:
        raise HostFault("; ".join(f"{item.ref} {seen}" for item, seen in ill))


def _locked(host: Host, journal: Journal, claim: str) -> AbstractContextManager[None]:
    ref = Ref(kind="PersistentVolumeClaim", namespace=journal.namespace, name=claim)
    return locks.held(host.base.paths, [str(ref)])


def _back(host: Host, journal: Journal, why: Fault, tell: Callable[[str], None]) -> NoReturn:
    """Undo what was done, in the other order; what cannot be undone is told, and stays noted."""
    paths = host.base.paths
    journals.write(paths, journal.replace(back=True))
    tell(f"going back: {why.message}")
    things = {
        item.ref: item.object for item in wished(host, journal) if str(item.ref) not in journal.kept
    }
    pods = {ref: thing for ref, thing in things.items() if kinds.pod_part(thing) is not None}
    try:
        # The pods first: only then is there nobody who uses a network or writes to a volume.
        for part in (pods, {ref: one for ref, one in things.items() if ref not in pods}):
            report = removing.remove(host, part)
            if report.failed:
                raise HostFault("; ".join(str(one.fault) for one in report.failed))
        for one in journal.volumes:
            with _locked(host, journal, one.claim):
                takeover.give_back(paths, journal.namespace, one.claim, one.path)
        steering.back(journal.running)
    except Fault as fault:
        raise HostFault(
            f"{journal.group}: {why.message}; and going back failed: {fault.message}",
            hint="podpy adopt goes on with it once that is put right",
        ) from fault
    journals.erase(paths, journal)
    raise WentBack(
        f"{journal.group}: Podman runs it again as before: {why.message}", hint=why.hint
    ) from why
