"""Decide what a Sync's pass does: which revision, whether to prune, whether at all. Pure."""

from __future__ import annotations

import errno
import os

from manifests import durations
from reconciler.syncs.status import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from manifests.ref import Ref
    from manifests.sync import PruneLimit, SyncSpec
    from reconciler.syncs.status import SyncStatus

APPLYSET = "sync "
"""Begins the apply set of a Sync's objects; its name follows."""

_BAD_KEPT = 50


def lock(name: str) -> str:
    """Return the name of the lock of a Sync's passes.

    It is not that of the object, which another Sync, or this one itself, may hold in its source.
    """
    return f"the pass of Sync/{name}"


def applyset(name: str) -> str:
    """Return the apply set of what a Sync brings."""
    return f"{APPLYSET}{name}"


def hook_set(name: str) -> str:
    """Return the apply set of the Jobs that a Sync runs as hooks."""
    return f"hooks of {APPLYSET}{name}"


def applysets(names: Iterable[str]) -> frozenset[str]:
    """Return the apply sets of all that these Syncs have on the host."""
    return frozenset(one for name in names for one in (applyset(name), hook_set(name)))


def status_lock(name: str) -> str:
    """Return the name of the lock under which a Sync's status is read and written; held briefly."""
    return f"the status of Sync/{name}"


def longest_pass(spec: SyncSpec) -> float:
    """Return the seconds that a pass may take: to fetch, to reach a revision, and to go back.

    Each of the three kinds of hooks may take as long again.
    """
    return 6 * durations.duration(spec.timeout)


def suspended(spec: SyncSpec, status: SyncStatus, now: float) -> bool:
    """Tell whether the Sync is to be left alone at `now`.

    With an end given, a suspension of either kind lasts until then.
    """
    if status.suspended and (not status.suspended_until or now < status.suspended_until):
        return True
    if spec.suspend_until:
        return now < durations.moment(spec.suspend_until)
    return spec.suspend


def waits_for(spec: SyncSpec, ready: Mapping[str, bool]) -> tuple[str, ...]:
    """Return the names of the Syncs that this one depends on and that are not ready, or not there.

    `ready` tells of every Sync of the host.
    """
    return tuple(one.name for one in spec.depends_on if not ready.get(one.name, False))


def revision(candidate: str, status: SyncStatus, now: float) -> str:
    """Return the revision to follow: the source's, unless it is known to be bad, is put off at
    `now`, or is not to be had.

    "" where there is none to follow.
    """
    # Where the clock has been set back since, the rest is over: it is never longer than this.
    rests = 0 < status.put_off_until - now <= _LONGEST_REST
    put_off = candidate == status.put_off and rests
    return status.good if not candidate or candidate in status.bad or put_off else candidate


def kept(spec: SyncSpec, status: SyncStatus) -> str:
    """Return the revision to keep the host at while the source's cannot be had, or followed; ""
    without one.

    Who wants no rollback keeps one that has failed: an error of another one takes nothing away.
    """
    if spec.rollback or status.applied in ("", *status.bad) or status.seen in status.bad:
        return status.good
    return status.applied


def may_go_back(spec: SyncSpec, status: SyncStatus, chosen: str) -> bool:
    """Tell whether there is a good revision to go back to where `chosen` cannot be reached."""
    return spec.rollback and status.good not in ("", chosen)


_HOST_TROUBLES = tuple(
    os.strerror(number).lower()
    for number in (
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO),
        *(errno.ENOMEM, errno.EMFILE, errno.ENFILE),
    )
)
_FIRST_REST, _LONGEST_REST = 60.0, 1800.0


def of_the_host(said: Iterable[str]) -> bool:
    """Tell by faults' words whether this host, not the revision, is to blame for one of them.

    Words are all that programs leave of an errno. A revision with defects of its own beside that
    fails again once the host is well.
    """
    return any(trouble in words.lower() for words in said for trouble in _HOST_TROUBLES)


def host_failed(status: SyncStatus, revision: str) -> bool:
    """Tell whether this host was to blame when the revision was last tried."""
    if revision == status.put_off:
        return True
    failed = status.outcome is Outcome.FAILED and revision == status.seen
    return failed and of_the_host([status.message])


def rest(attempts: int) -> float:
    """Return the seconds until a revision is tried again that the host has failed so often."""
    return min(_LONGEST_REST, _FIRST_REST * float(2 ** min(attempts - 1, 10)))


def recorded(before: SyncStatus, now: SyncStatus, after: SyncStatus) -> SyncStatus:
    """Return what to remember at a pass's end: `before` is what it began with, `after` what it has
    come to, and `now` what is remembered: people may have said something meanwhile, and hooks have
    ended.
    """
    added = [one for one in after.bad if one not in before.bad and one not in now.bad]
    result = after.replace(
        suspended=now.suspended,
        suspended_until=now.suspended_until,
        bad=(*now.bad, *added)[-_BAD_KEPT:],
        retries=now.retries,
        hooks=now.hooks,
    )
    if now.approved != before.approved:
        result = result.replace(approved=now.approved)
    if now.good not in ("", before.good):
        result = result.replace(good=now.good)
    if now.put_off != before.put_off:
        result = result.replace(put_off=now.put_off, attempts=now.attempts)
    return result


def asks(gone: Collection[Ref], owned: int, left: int, limit: PruneLimit) -> str:
    """Return why it needs somebody's consent that these of the `owned` objects go; "" if it needs
    none. `left` objects are still wished."""
    claims = sum(ref.kind == "PersistentVolumeClaim" for ref in gone)
    return needs_consent(len(gone), owned, claims, limit, left=left)


def needs_consent(gone: int, owned: int, claims: int, limit: PruneLimit, *, left: int = 1) -> str:
    """Return why these removals need somebody's consent; "" if they need none.

    `gone` of the `owned` objects are no longer in the source, or not for this host any more, and
    `claims` of them hold data. A slip in the host's labels must not empty it, so the last ones
    never go by themselves.
    """
    if claims:
        kept = (
            "a claim that may hold data" if claims == 1 else f"{claims} claims that may hold data"
        )
        return f"{kept} would be removed"
    if gone and not left:
        return "nothing would be left"
    if gone >= max(1, limit.objects) and gone * 100 > owned * limit.percent:
        return f"{gone} of {owned} objects would be removed"
    return ""


def with_bad(status: SyncStatus, bad: str) -> tuple[str, ...]:
    """Return the revisions that are not to be tried again, with one more."""
    return (*(one for one in status.bad if one != bad), bad)[-_BAD_KEPT:]


def order(depends_on: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return the names so that each comes after what it depends on; those of a circle come last."""
    placed, left = _placed(depends_on)
    return (*placed, *sorted(left))


def circle(depends_on: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return names each of which depends on the next one, and the last on the first; () without."""
    _, left = _placed(depends_on)
    path = sorted(left)[:1]
    while path:
        # Each of those that cannot be placed depends on another of them.
        after = min(one for one in left[path[-1]] if one in left)
        if after in path:
            return tuple(path[path.index(after) :])
        path.append(after)
    return ()


def _placed(
    depends_on: Mapping[str, Iterable[str]],
) -> tuple[tuple[str, ...], dict[str, Iterable[str]]]:
    """Order what can be ordered; return the rest, with what that depends on."""
    placed: dict[str, None] = {}
    left = dict(depends_on)
    while free := [name for name in left if not any(one in left for one in left[name])]:
        for name in sorted(free):
            placed[name] = None
            del left[name]
    return tuple(placed), left
