"""Say what a Sync's next pass would do, or a pass of another branch: nothing is changed for it."""

from __future__ import annotations

from manifests import targeting
from manifests.checks.syncs import is_commit
from manifests.faults import Invalid
from manifests.sync import GitRef
from manifests.value import Value
from reconciler import cycle
from reconciler.source import source
from reconciler.state import syncs
from reconciler.syncs import decide, revisions
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Container

    from manifests.ref import Ref
    from manifests.sync import Sync
    from reconciler.plan.change import Plan
    from reconciler.targets.host.host import Host


class Preview(Value):
    """The plan for a revision; `consent` says why its removals would wait for somebody's."""

    revision: str
    plan: Plan
    consent: str = ""


def preview(host: Host, sync: Sync, others: Container[str], ref: str = "") -> Preview:
    """Return what a pass would do; `ref` names another branch or commit of the source.

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
        fetched = source.fetch(base.paths, sync, repository)
        revision = fetched if ref else decide.revision(fetched, status)
        loaded = revisions.read(base, sync, repository, revision)
        wished = revisions.wished(base, sync, loaded, others)
    why: list[str] = []

    def consent(gone: Collection[Ref], owned: int) -> bool:
        if revision != status.approved:
            why.append(decide.asks(gone, owned, len(wished), sync.spec.prune_limit))
        return True

    options = cycle.Options(
        applyset=f"{decide.APPLYSET}{name}", prune=sync.spec.prune, elsewhere=loaded.elsewhere
    )
    plan = cycle.prospect(host, wished, options, consent).plan
    return Preview(revision=revision, plan=plan, consent="".join(why))


def _elsewhere(sync: Sync, ref: str) -> Sync:
    """The Sync as if it followed another branch, or a commit."""
    git = sync.spec.source.git
    if git is None:
        raise Invalid(f"Sync/{sync.metadata.name}: a directory has no other ref")
    chosen = GitRef(commit=ref) if is_commit(ref) else GitRef(branch=ref)
    moved = sync.spec.source.replace(git=git.replace(ref=chosen))
    return sync.replace(spec=sync.spec.replace(source=moved))
