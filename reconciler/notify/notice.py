"""What is told of a Sync, and what has been told already: a status in, notices to send out. Pure.

A notice is queued when something is otherwise than in the one before it, for each receiver. Its
words are podpy's own and names of objects: messages of a pass may quote what a container said.
"""

from __future__ import annotations

from manifests import digests
from manifests.strenum import StrEnum
from manifests.value import Value
from reconciler.syncs.status import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from manifests.sync import Receiver

MOST_WAITING = 8
MOST_ATTEMPTS = 8
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 1800.0
"""Seconds until a notice is tried again: doubled each time, and tried in a pass after that."""
PROGRESSING = "Progressing"


class State(StrEnum):
    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


class Notice(Value):
    """`commit` is the source's own name of the revision, "" where it was not asked; `reason` one
    word, as `podpy sync ls` shows it; `at` seconds since the epoch."""

    sync: str
    host: str
    commit: str
    state: State
    reason: str
    message: str
    at: float

    @property
    def key(self) -> str:
        """The same for notices of which the second is no news."""
        return f"{self.commit} {self.state} {self.reason}"

    @property
    def id(self) -> str:
        """The same for each attempt to send this one, and for no other."""
        return digests.of(f"{self.sync} {self.host} {self.key} {self.at}")[:32]


class Mailbox(Value):
    """What one receiver is to be told: `last` is the key of the newest notice, sent or waiting.

    `attempts` have failed to send the first that waits, for the reason `trouble`.
    """

    receiver: str
    last: str = ""
    waiting: tuple[Notice, ...] = ()
    attempts: int = 0
    next_at: float = 0.0
    trouble: str = ""


class Mailboxes(Value):
    """All of one Sync's."""

    boxes: tuple[Mailbox, ...] = ()

    def of(self, receiver: str) -> Mailbox:
        found = (box for box in self.boxes if box.receiver == receiver)
        return next(found, Mailbox(receiver=receiver))

    def put(self, box: Mailbox) -> Mailboxes:
        others = tuple(one for one in self.boxes if one.receiver != box.receiver)
        return self.replace(boxes=(*others, box))


_STATES = {
    Outcome.READY: State.SUCCESS,
    Outcome.WITHHELD: State.PENDING,
    Outcome.BLOCKED: State.PENDING,
    Outcome.ROLLED_BACK: State.FAILURE,
    Outcome.OVERTAKEN: State.FAILURE,
    Outcome.FAILED: State.FAILURE,
    Outcome.INVALID: State.FAILURE,
    Outcome.UNFIT: State.FAILURE,
    Outcome.UNREACHABLE: State.FAILURE,
}
"""Nothing is told of the others: nobody wants those Syncs to be followed here."""


def state(outcome: Outcome) -> State | None:
    return _STATES.get(outcome)


def words(
    outcome: Outcome, *, good: str = "", failed: Sequence[str] = (), places: Sequence[str] = ()
) -> str:
    """Say what a pass came to: `good` is followed, `failed` are objects, `places` problems."""
    match outcome:
        case Outcome.READY:
            return "runs"
        case Outcome.WITHHELD:
            return "runs; removals wait for podpy sync approve"
        case Outcome.ROLLED_BACK:
            return f"did not run; the host is back at {digests.short(good)}"
        case Outcome.OVERTAKEN:
            return "was not healthy yet when another revision came"
        case Outcome.FAILED:
            named = ", ".join(failed[:3]) + (", ..." if len(failed) > 3 else "")
            return f"failed: {named}" if named else "failed"
        case Outcome.INVALID:
            first = f": {len(places)} problems, the first at {places[0]}" if places else ""
            return f"cannot be followed{first}"
        case Outcome.UNFIT:
            return "waits: the host lacks something that it needs"
        case Outcome.UNREACHABLE:
            return "the source cannot be fetched"
        case Outcome.BLOCKED:
            return "waits for other Syncs"
        case Outcome.ELSEWHERE | Outcome.SUSPENDED:
            return "is not followed"


def receiver_name(receiver: Receiver) -> str:
    """Name a receiver, so that it is known again: no secret is in it."""
    status, hook = receiver.commit_status, receiver.webhook
    if status is not None:
        return f"{status.provider} {status.url} {status.repository} {status.context}".strip()
    if receiver.apprise is not None:
        return f"apprise {receiver.apprise.url_file}"
    return f"webhook {hook.url}" if hook is not None else ""


def concerns(receiver: Receiver, notice: Notice) -> bool:
    """Tell whether a receiver is told: a forge only of its commits, once they could be fetched,
    people only of what something has come to."""
    if receiver.apprise is not None:
        return notice.reason != PROGRESSING
    if receiver.commit_status is None:
        return True
    return bool(notice.commit) and notice.reason != Outcome.UNREACHABLE


def queued(boxes: Mailboxes, receivers: Sequence[Receiver], notice: Notice) -> Mailboxes:
    """Return the mailboxes with the notice in those where it is news.

    What waits and is of the same commit is overtaken; receivers that are declared no more go.
    """
    kept = Mailboxes()
    for receiver in receivers:
        box = boxes.of(receiver_name(receiver))
        if concerns(receiver, notice) and box.last != notice.key:
            waiting = [one for one in box.waiting if one.commit != notice.commit]
            box = box.replace(last=notice.key, waiting=(*waiting, notice)[-MOST_WAITING:])
        kept = kept.put(box)
    return kept


def sent(box: Mailbox, notice: Notice) -> Mailbox:
    """Return the mailbox after a notice has arrived, or will not be tried again."""
    waiting = tuple(one for one in box.waiting if one != notice)
    return box.replace(waiting=waiting, attempts=0, next_at=0.0, trouble="")


def failed(box: Mailbox, notice: Notice, trouble: str, now: float, *, for_good: bool) -> Mailbox:
    """Return the mailbox after an attempt has failed: the notice is given up at last."""
    if for_good or box.attempts + 1 >= MOST_ATTEMPTS:
        return sent(box, notice).replace(trouble=f"given up: {trouble}")
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * float(2**box.attempts))
    return box.replace(attempts=box.attempts + 1, next_at=now + pause, trouble=trouble)
