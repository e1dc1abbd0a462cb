"""A revision of a Sync in, its objects out, or everything that is wrong with its manifests.

Called by each pass, and before a push is accepted.
"""

from __future__ import annotations

from manifests import load, sources, targeting
from manifests.faults import HostFault, Invalid
from manifests.problems import Problem, Severity
from reconciler import loading
from reconciler.source import decryption, source
from reconciler.state import objects
from reconciler.syncs import decide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from manifests.loaded import Loaded
    from manifests.ref import Ref
    from manifests.sync import Sync
    from reconciler.plan.wish import Wished
    from reconciler.source.inputs import Inputs
    from reconciler.source.repository import Repository
    from reconciler.targets.host.base import Base


class UnusableError(Exception):
    """The revision cannot be followed: its manifests are not valid, or there are none; or this
    `host` lacks what reads them, a key, say."""

    def __init__(
        self, message: str, problems: tuple[Problem, ...] = (), *, host: bool = False
    ) -> None:
        super().__init__(message)
        self.problems = problems
        self.host = host


def read(
    base: Base,
    sync: Sync,
    repository: Repository,
    revision: str,
    *,
    pushed: bool = False,
    followed: bool = True,
) -> Loaded:
    """Return what a revision's manifests hold for this host.

    `pushed` tells of a commit that was not fetched: it is rendered with what the host has now. One
    that is not `followed` does not take the place of one that is in the cache.
    Raises UnusableError with every problem.
    """
    unsupported = Severity.WARNING if sync.spec.allow_unsupported else Severity.ERROR
    options = load.APPLY.replace(unsupported=unsupported, namespace=sync.spec.namespace)
    try:
        given, place = (_inputs(base, sync), ".push") if pushed else (None, "")
        found = source.manifests_of(base.paths, sync, repository, revision, given, place)
        files = decryption.decrypted(found.files, sync.spec.decryption)
    except (Invalid, HostFault) as fault:
        raise UnusableError(str(fault), host=isinstance(fault, HostFault)) from fault
    loaded = load.load(
        [sources.Bundle(name=f"sync {sync.metadata.name}", files=files)],
        options,
        known=objects.refs(base.database),
        cache_dir=base.paths.cache,
        keep=followed,
    )
    if loaded.errors:
        told = "; ".join(str(problem) for problem in loaded.errors)
        raise UnusableError(told, (*found.problems, *loaded.problems))
    try:
        here = targeting.taken(loaded, base.identity)
    except Invalid as fault:
        raise UnusableError(str(fault)) from fault
    return here.replace(problems=(*found.problems, *loaded.problems))


def _inputs(base: Base, sync: Sync) -> Inputs | None:
    if sync.spec.template is None:
        return None
    from reconciler.source import inputs

    return inputs.gather(sync, base.identity)


def wished(base: Base, sync: Sync, loaded: Loaded, syncs: Container[str]) -> tuple[Wished, ...]:
    """Return what `read` has returned as a wish; `syncs` names all Syncs of the host.

    Raises UnusableError where an object belongs to another Sync: the two would take turns.
    """
    found = loading.wished(base.paths, base.database, loaded)
    here: dict[Ref, Wished] = {}
    for ref, applyset in objects.of_others(base.database, decide.applyset(sync.metadata.name)):
        owner = applyset.removeprefix(decide.APPLYSET)
        if owner == applyset or owner not in syncs:
            continue
        here = here or {item.ref: item for item in found}
        if ref in here:
            raise UnusableError(f"{here[ref].where}: {ref} belongs to Sync {owner} already")
    return found
