"""Answer a push to a repository of this host: git's hooks in, words for the pusher out.

git hands on what is printed, a line as soon as it comes. `pre-receive` runs while the pushed
objects are in quarantine: what it refuses was never here. After `post-receive` has begun, the push
is done, and a pusher who hangs up changes nothing.
"""

from __future__ import annotations

import os
import signal
from functools import partial

from manifests.faults import Fault, Invalid
from manifests.value import Value
from podpy import changes, sync_output
from reconciler.source import receiving, source
from reconciler.source.repository import DamagedError, Repository
from reconciler.syncs import declared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from manifests.sync import Sync
    from podpy.context import Context

    T = TypeVar("T")

_HEADS = "refs/heads/"
_NOTHING = frozenset("0")


class Update(Value):
    """One ref that a push changes: `new` is a commit, "" where the ref is deleted."""

    ref: str
    new: str


def updates(lines: Iterable[str]) -> tuple[Update, ...]:
    """Read what git tells its hooks: OLD NEW REF, a line for each (githooks(5))."""
    words = [line.split() for line in lines]
    return tuple(
        Update(ref=ref, new="" if _NOTHING.issuperset(new) else new) for _old, new, ref in words
    )


def check(context: Context, name: str, pushed: tuple[Update, ...]) -> int:
    """Say whether a push may come in: its manifests must be valid. 1 refuses it."""
    sync = _sync(context, name)
    update = _followed(sync, pushed)
    if update is None:
        return 0
    if not update.new:
        raise Invalid(
            f"{update.ref} is what this host follows: it is not deleted by a push",
            hint=f"on the host: podpy receive rm {name}",
        )
    from reconciler.syncs import revisions

    repository = Repository(receiving.path_of(context.paths, name))
    source.check_signature(context.paths, sync, repository, update.new, place=".push")
    try:
        loaded = revisions.read(context.base, sync, repository, update.new, pushed=True)
    except revisions.UnusableError as error:
        for problem in error.problems:
            _tell(problem.shown)
        said = f"{changes.count(len(error.problems), 'problem')} found" if error.problems else error
        raise Invalid(f"this push cannot be followed: {said}") from error
    except DamagedError as error:
        raise Fault(f"the push cannot be read: {error}") from error
    for problem in loaded.problems:
        _tell(problem.shown)
    return 0


def follow(context: Context, name: str, pushed: tuple[Update, ...]) -> int:
    """Do a pass for what was pushed, tell how it goes, and end as `sync reconcile` does.

    git has taken the push by then, and takes no notice of how this ends (githooks(5)): the words
    are for the pusher, the status for whoever else runs the hook.
    """
    from reconciler.syncs.reconcile import Follower

    sync = _sync(context, name)
    if _followed(sync, pushed) is None:
        branch = _branch(sync)
        _tell(f"sync/{name} follows {branch}: what was pushed is kept, and changes nothing")
        return 0
    found = declared.read(context.paths, context.database)
    ready = declared.readiness(found, context.database)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    follower = Follower(context.host, sync, ready, _patient(changes.show_outcome))
    passed = follower.reconcile()
    _patient(partial(sync_output.show, name))(passed)
    follower.close()
    if not passed.outcome.ready:
        _patient(_tell)("this push is in the repository, but it is not what runs on this host now")
    return sync_output.exit_status(passed.outcome)


def _patient(show: Callable[[T], None]) -> Callable[[T], None]:
    """Let the work go on without a word where the line to the pusher has been cut."""

    def shown(what: T) -> None:
        try:
            show(what)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            for descriptor in (1, 2):
                os.dup2(nowhere, descriptor)

    return shown


def _sync(context: Context, name: str) -> Sync:
    return declared.read(context.paths, context.database).named(name).sync


def _branch(sync: Sync) -> str:
    git = sync.spec.source.git
    return git.ref.branch if git is not None else ""


def _followed(sync: Sync, pushed: tuple[Update, ...]) -> Update | None:
    """Return the update of the branch that the Sync follows, if there is one."""
    wanted = f"{_HEADS}{_branch(sync)}"
    return next((one for one in pushed if one.ref == wanted), None)


def _tell(text: str) -> None:
    print(text, flush=True)
