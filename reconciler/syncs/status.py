"""What is known of a Sync between passes: which revisions it saw, which are good, which are bad."""

from __future__ import annotations

from manifests.strenum import StrEnum
from manifests.value import Value


class Outcome(StrEnum):
    """How a Sync's last pass ended.

    READY           the host follows the source's present revision
    WITHHELD        it does, but for removals that wait for consent
    ROLLED_BACK     the present revision failed: the host follows the last good one again
    OVERTAKEN       the source held another revision before this one was healthy: that is next
    FAILED          the revision failed, and there was none to go back to, or it failed, too;
                    or a registry with an image of it is out of reach
    INVALID         the present revision cannot be used: the host follows the last good one
    UNFIT           this host lacks something that the revision, or its source, needs: room, a tool,
                    a file with a key, a port; nothing of it was begun, and it is not bad
    UNREACHABLE     the source cannot be asked: the host follows the last good revision
    BLOCKED         a Sync that this one depends on is not ready: the host follows the last good one
    ELSEWHERE       the Sync is for other hosts
    SUSPENDED       nobody wants it to be followed now
    """

    READY = "Ready"
    WITHHELD = "PruneWithheld"
    ROLLED_BACK = "RolledBack"
    OVERTAKEN = "Superseded"
    FAILED = "Failed"
    INVALID = "Invalid"
    UNFIT = "HostUnfit"
    UNREACHABLE = "SourceUnreachable"
    BLOCKED = "DependencyNotReady"
    ELSEWHERE = "NotForThisHost"
    SUSPENDED = "Suspended"

    @property
    def ready(self) -> bool:
        """Whether Syncs that depend on this one may go on."""
        return self in (Outcome.READY, Outcome.WITHHELD)


class HookEnd(Value):
    """A hook's Job that has ended and is removed, as its delete policy says: `why` it failed."""

    job: str
    why: str = ""


class SyncStatus(Value):
    """`seen` is the source's revision when it was last asked, `commit` what the source itself calls
    it, where that is something else, `applied` the one that the host
    follows, `good` the last that it followed without a fault, `bad` those that are not tried again.

    `approved` is the revision whose removals somebody has consented to; `withheld` names what
    waits for that. `elsewhere` tells of each object that is for other hosts, with the reason.
    `suspended` and `suspended_until` are what the command line asked for. Times
    are seconds since the epoch: `asked_at` of the last pass, `changed_at` of the outcome.
    `put_off` is a revision that this host has failed `attempts` times, for want of space, say: it
    is tried again at `put_off_until`. `departed` are Syncs that this one has brought and brings no
    more, until all that they have brought is gone. `retries` counts how often somebody wanted
    failed revisions to be tried again: hooks run once more then. `hooks` are those of the present
    revision that have ended and are not there any more.
    """

    seen: str = ""
    commit: str = ""
    applied: str = ""
    good: str = ""
    bad: tuple[str, ...] = ()
    approved: str = ""
    withheld: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    outcome: Outcome | None = None
    message: str = ""
    asked_at: float = 0.0
    changed_at: float = 0.0
    suspended: bool = False
    suspended_until: float = 0.0
    put_off: str = ""
    put_off_until: float = 0.0
    attempts: int = 0
    departed: tuple[str, ...] = ()
    retries: int = 0
    hooks: tuple[HookEnd, ...] = ()


class Revision(Value):
    """One line of a Sync's history: what a pass with a revision came to.

    `changes` are words such as "create Pod/web"; `at` is when it began, `seconds` how long it took.
    """

    revision: str
    outcome: Outcome
    message: str = ""
    changes: tuple[str, ...] = ()
    at: float = 0.0
    seconds: float = 0.0
