"""Change how a Deployment was applied: undo, pause, resume; and list how it was: history."""

from __future__ import annotations

from manifests.faults import HostFault, Invalid
from manifests.workloads import Deployment
from podpy import listing
from reconciler.state import templates

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from podpy.context import Context
    from podpy.inventory import Item
    from reconciler.state.templates import Template

DONE = {"undo": "rolled back", "pause": "paused", "resume": "resumed"}


def steer(context: Context, item: Item, arguments: argparse.Namespace) -> None:
    """Do what the verb says to one Deployment, and print it. Raises Invalid where it cannot be."""
    thing, verb = item.thing, arguments.verb
    if not isinstance(thing, Deployment):
        raise Invalid(f"rollout {verb}: {item.ref} is no Deployment")
    known = templates.read(context.database, item.ref).revisions or (templates.present(thing),)
    if verb == "history":
        _show(item, known)
        return
    if verb == "undo":
        if thing.spec.paused:
            raise Invalid(f"rollout undo: {item.ref} is paused", hint="podpy rollout resume first")
        earlier = chosen(str(item.ref), known, arguments.to_revision)
        changed = thing.replace(spec=thing.spec.replace(template=earlier.template))
    else:
        if thing.spec.paused is (verb == "pause"):
            raise Invalid(f"rollout {verb}: {item.ref} is {DONE[verb]} already")
        changed = thing.replace(spec=thing.spec.replace(paused=verb == "pause"))
    _apply(context, item, changed)
    print(f"{listing.full_name(item)} {DONE[verb]}", flush=True)


def chosen(ref: str, known: Sequence[Template], number: int) -> Template:
    """Return the revision to go back to: the one before the present one, if no `number` is given.

    Raises Invalid where there is none.
    """
    if not number and len(known) > 1:
        return known[-2]
    found = next((one for one in known if one.number == number), None)
    if found is None:
        what = f"revision {number} of {ref}" if number else f"an earlier revision of {ref}"
        raise Invalid(f"rollout undo: {what} is not known", hint="podpy rollout history")
    return found


def _show(item: Item, known: Sequence[Template]) -> None:
    print(listing.full_name(item))
    print("REVISION  CHANGE-CAUSE")
    for one in known:
        print(f"{one.number:<8}  {one.cause or '<none>'}")


def _apply(context: Context, item: Item, thing: Deployment) -> None:
    from manifests import load
    from podpy import changes
    from reconciler import cycle
    from reconciler.plan.wish import Wished

    applied = item.applied
    file, line = (applied.file, applied.line) if applied is not None else ("", 0)
    wished = Wished.of(thing, load.spec_digest(thing), file, line)
    report = cycle.converge(context.host, [wished], cycle.Options(ready=True))
    changes.show_substitute(context.host)
    for outcome in report.failed:
        raise HostFault(f"{outcome.change.ref}: {outcome.fault}")
