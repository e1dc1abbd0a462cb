"""Say what a Sync's next pass would do, or a pass of another branch: nothing is changed for it."""

from __future__ import annotations

import time

from manifests import targeting
from manifests.checks.sync_sources import is_commit, is_digest
from manifests.faults import Invalid
from manifests.sync import GitRef, OciRef
from manifests.value import Value
from reconciler import cycle
from reconciler.source import source
from reconciler.state import objects, syncs
from reconciler.syncs import decide, declared, departing, hooks, revisions, targets
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from manifests.loaded import Loaded
    from manifests.ref import Ref
    from manifests.sync import Sync
    from reconciler.plan.change import Plan
    from reconciler.syncs.status import SyncStatus
    from reconciler.targets.host.base import Base
    from reconciler.targets.host.host import Host


class Preview(Value):
    """The plan for a revision; `consent` says why its removals would wait for somebody's.

    `hooks` are the Jobs that would run beside it, each with its moment.
    """

    revision: str
    plan: Plan
    consent: str = ""
    hooks: tuple[str, ...] = ()


def preview(host: Host, sync: Sync, others: Iterable[str], ref: str = "") -> Preview:
    """Return what a pass would do; `ref` names another branch, commit, tag or digest of the source.

    Raises Fault where the source cannot be had, revisions.UnusableError where its manifests are
    not valid.
    """
    base, name = host.base, sync.metadata.name
    if reason := targeting.elsewhere(sync, base.identity):
        raise Invalid(f"Sync/{name} is not for this host: {reason}")
    with locks.held(base.paths, [decide.lock(name)]):
        if ref:
            sync = _elsewhere(sync, ref)
            repository = source.preview_repository_of(base.paths, name)
        else:
            repository = source.repository_of(base.paths, name)
        status = syncs.read(base.database, name)
        kept = "" if ref else decide.kept(sync.spec, status)
        fetched = source.fetch(base.paths, sync, repository, base.identity, kept)
        revision = fetched if ref else decide.revision(fetched, status, time.time())
        loaded = revisions.read(base, sync, repository, revision, followed=not ref)
        going = _departing(base, sync, loaded, status)
        every = revisions.wished(base, sync, loaded, set(others) - set(going))
        wished, jobs = hooks.split(every)
        if ref:
            repository.tidy()
    why: list[str] = []

    def consent(gone: Collection[Ref], owned: int) -> bool:
        if revision != status.approved:
            why.append(decide.asks(gone, owned, len(wished), sync.spec.prune_limit))
        return True

    options = cycle.Options(
        applyset=decide.applyset(name),
        also=decide.applysets(going),
        prune=sync.spec.prune,
        elsewhere=loaded.elsewhere,
    )
    plan = targets.plan(host, sync, wished, options, consent)
    due = () if revision == status.good else hooks.worded(jobs)
    return Preview(revision=revision, plan=plan, consent="".join(why), hooks=due)


def _departing(base: Base, sync: Sync, loaded: Loaded, status: SyncStatus) -> tuple[str, ...]:
    """The Syncs that would go with what this one brings no more."""
    if not sync.spec.prune:
        return ()
    filed = declared.filed(declared.read(base.paths, base.database), base.paths)
    rows, brought = objects.read(base.database, kind="Sync"), departing.brought(loaded)
    return departing.find(rows, sync.metadata.name, brought, status.departed, filed).syncs


def _elsewhere(sync: Sync, ref: str) -> Sync:
    """The Sync as if it followed another branch or commit, or another tag or digest."""
    git, oci = sync.spec.source.git, sync.spec.source.oci
    if git is not None:
        chosen = GitRef(commit=ref) if is_commit(ref) else GitRef(branch=ref)
        moved = sync.spec.source.replace(git=git.replace(ref=chosen))
    elif oci is not None:
        other = OciRef(digest=ref) if is_digest(ref) else OciRef(tag=ref)
        moved = sync.spec.source.replace(oci=oci.replace(ref=other))
    else:
        raise Invalid(f"Sync/{sync.metadata.name}: a directory has no other ref")
    return sync.replace(spec=sync.spec.replace(source=moved))
