"""Show Syncs: as a table, in full, as JSON; their history; what a pass came to."""

from __future__ import annotations

import json
import sys
import time

from manifests import codec, digests
from manifests.problems import errors
from podpy import columns, outline, tables
from podpy.describe_pod import moment
from reconciler.state import notices, syncs
from reconciler.syncs import decide
from reconciler.syncs.status import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from manifests.sync import Sync
    from podpy.outline import Node
    from reconciler.notify.notice import Mailbox
    from reconciler.state.database import Database
    from reconciler.syncs.declared import Declared
    from reconciler.syncs.passed import Pass
    from reconciler.syncs.status import Revision, SyncStatus

ROLLED_BACK = 3
_EXITS = {
    Outcome.READY: 0,
    Outcome.SUSPENDED: 0,
    Outcome.ELSEWHERE: 0,
    Outcome.ROLLED_BACK: ROLLED_BACK,
    Outcome.WITHHELD: 4,
}


def exit_status(outcome: Outcome) -> int:
    """What a command ends with after a pass: 1 for all that calls for somebody's help."""
    return _EXITS.get(outcome, 1)


def table(database: Database, listed: Sequence[Declared]) -> str:
    """One line for each Sync."""
    now = time.time()
    rows = [cells(database, one.sync, now) for one in listed]
    return tables.lines(columns.heads("Sync", wide=False), rows)


def cells(database: Database, sync: Sync, now: float) -> tuple[str, ...]:
    """What the columns of the kind Sync show (podpy.columns)."""
    name = sync.metadata.name
    status = syncs.read(database, name)
    return (
        name,
        str(status.outcome is not None and status.outcome.ready),
        word(sync, status, now),
        digests.short(status.applied) or tables.NONE,
        place(sync),
        tables.since(status.asked_at, now),
    )


def word(sync: Sync, status: SyncStatus, now: float) -> str:
    """How a Sync is, in one word."""
    if decide.suspended(sync.spec, status, now):
        return "Suspended"
    return str(status.outcome or "Pending")


def place(sync: Sync) -> str:
    """Where a Sync's manifests come from, in short."""
    source, path = sync.spec.source, sync.spec.path
    within = f" {path}" if path else ""
    if source.directory is not None:
        return source.directory.path + within
    if source.oci is not None:
        url, wanted = source.oci.url, source.oci.ref
        which = wanted.tag or wanted.semver or digests.short(wanted.digest)
    elif source.git is not None:
        url, ref = source.git.url, source.git.ref
        which = ref.branch or ref.tag or ref.semver or digests.short(ref.commit)
    else:
        return tables.NONE
    return url + (f" {which}" if which else "") + within


def described(database: Database, one: Declared) -> str:
    """All about a Sync, for people."""
    status = syncs.read(database, one.sync.metadata.name)
    tree: dict[str, Node] = {
        "Name": one.sync.metadata.name,
        "Declared": f"{one.file}:{one.line}",
        "Source": place(one.sync),
        "Interval": one.sync.spec.interval,
        "Status": word(one.sync, status, time.time()),
        "Message": status.message or tables.NONE,
        "Since": moment(status.changed_at) if status.changed_at else tables.UNKNOWN,
        "Last pass": moment(status.asked_at) if status.asked_at else tables.UNKNOWN,
        "Revision in the source": status.seen or tables.UNKNOWN,
        **({f"{_own(status.commit)} in the source": status.commit} if status.commit else {}),
        "Revision on this host": status.applied or tables.NONE,
        "Last good revision": status.good or tables.NONE,
        "Not tried again": list(status.bad),
        "Removals that wait for consent": list(status.withheld),
        "Left out": list(status.elsewhere),
    }
    if one.sync.spec.notify:
        boxes = notices.read(database, one.sync.metadata.name).boxes
        tree["Notifications"] = [_mailbox(box) for box in boxes]
    if status.suspended and status.suspended_until:
        tree["Suspended until"] = moment(status.suspended_until)
    return outline.text(tree)


def _own(name: str) -> str:
    """What the source calls its revisions."""
    return "Artifact" if name.startswith(digests.SHA256) else "Commit"


def _mailbox(box: Mailbox) -> str:
    waiting = f"{len(box.waiting)} to send" if box.waiting else "all sent"
    return f"{box.receiver}: {waiting}" + (f" ({box.trouble})" if box.trouble else "")


def wire(database: Database, one: Declared) -> dict[str, Any]:
    """A Sync with its status, as programs read it."""
    from manifests import kinds

    status = syncs.read(database, one.sync.metadata.name)
    told = {"bad": [], "withheld": [], "elsewhere": [], "message": "", **codec.encode(status)}
    return {
        **kinds.dump(one.sync),
        "status": {"state": word(one.sync, status, time.time()), **told},
    }


def history(lines: Sequence[Revision]) -> str:
    """A table of what revisions came to, the newest first."""
    now = time.time()
    heads = ("REVISION", "OUTCOME", "AGE", "TOOK", "CHANGES")
    return tables.lines(heads, [_past(line, now) for line in lines])


def _past(line: Revision, now: float) -> tuple[str, ...]:
    said = ", ".join(line.changes[:3]) + (", ..." if len(line.changes) > 3 else "")
    return (
        digests.short(line.revision) or tables.NONE,
        str(line.outcome),
        tables.since(line.at, now),
        f"{line.seconds:.1f}s",
        said or line.message.partition("\n")[0] or tables.NONE,
    )


def history_json(lines: Sequence[Revision]) -> str:
    return json.dumps([codec.encode(line) for line in lines], indent=2)


def show(name: str, passed: Pass) -> None:
    """Print what a pass of a Sync came to."""
    for problem in passed.problems:
        print(problem.shown, file=sys.stderr)
    for ref in passed.withheld:
        print(f"{ref} is no longer in the source and waits for: podpy sync approve {name}")
    if passed.elsewhere:
        objects = (
            "1 object is" if len(passed.elsewhere) == 1 else f"{len(passed.elsewhere)} objects are"
        )
        print(f"{objects} not for this host: podpy sync status {name}")
    revision = f" {digests.short(passed.revision)}" if passed.revision else ""
    said = "" if errors(passed.problems) else passed.message
    print(f"sync/{name}: {passed.outcome}{revision}{': ' if said else ''}{said}", flush=True)
