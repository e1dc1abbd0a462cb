"""Wait until objects are as asked for, as kubectl wait does: a pod ready or gone, a Job complete.

The exit status is 1 when that is not so after --timeout.
"""

from __future__ import annotations

import time

from manifests import durations, kinds
from manifests.faults import Invalid, TimedOut
from podpy import asking, conditions, listing, names
from podpy.context import Context
from podpy.inventory import Inventory

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from manifests.ref import Ref
    from podpy.asking import Answer, Question
    from podpy.conditions import Condition

POLL_SECONDS = 0.1
EXAMPLES = """
podpy wait pod/web --for condition=Ready
podpy wait job/load --for condition=Complete --timeout 5m
podpy wait pods -l app=web --for delete
podpy wait pod web --for jsonpath='{.status.phase}'=Succeeded
"""


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("words", nargs="*", metavar="KIND [NAME ...]", help="or KIND/NAME; KIND with -l or --all")
    add("-f", "--filename", action="append", default=[], metavar="PATH", help="what it names")
    asking.add_filter_options(parser)
    add("--all", action="store_true", help="all objects of the kind in the namespace")
    add("--for", dest="target", required=True, metavar="CONDITION", help=conditions.FORMS)
    add("--timeout", default="30s", metavar="DURATION", help="30s if left out; 0s looks once")


def run(arguments: argparse.Namespace) -> int:
    context = Context()
    condition = conditions.parse(arguments.target)
    until = time.monotonic() + durations.duration(arguments.timeout)
    wanted = asking.filter_of(arguments)
    answers = asking.ask(Inventory(context), _questions(arguments), wanted)
    pending = _pending(answers, condition, wanted.namespace)
    while pending := _still(Inventory(context), pending, condition):
        if time.monotonic() >= until:
            names = ", ".join(_told(Inventory(context), ref) for ref in pending)
            raise TimedOut(f"wait: {arguments.target} is not so after {arguments.timeout}: {names}")
        time.sleep(POLL_SECONDS)
    return 0


def _questions(arguments: argparse.Namespace) -> tuple[Question, ...]:
    if arguments.filename:
        return asking.questions_of_files(arguments.filename, arguments.namespace)
    questions = asking.questions_of(arguments.words)
    chosen = arguments.all or arguments.selector or arguments.field_selector
    if not chosen and not all(question.names for question in questions):
        raise Invalid("wait: name the objects, or choose them by -l or --all")
    return questions


def _pending(answers: Sequence[Answer], condition: Condition, namespace: str) -> list[Ref]:
    """Return what is waited for: what is there, and with create and delete what is not, too."""
    refs = [item.ref for answer in answers for item in answer.items]
    absent = [
        names.ref(answer.info, name, namespace) for answer in answers for name in answer.missing
    ]
    if condition.about_presence:
        return [*refs, *absent]
    if absent or not refs:
        what = ", ".join(map(str, absent)) or "no matching objects are there"
        raise Invalid(f"wait: not found: {what}", hint="podpy get all -A")
    return refs


def _told(inventory: Inventory, ref: Ref) -> str:
    """Name the object, and why it is not there where it is a pod that could not be made."""
    from podpy import status

    state = next((one for one in inventory.pods if kinds.ref(one.pod) == ref), None)
    return f"{ref} ({why})" if state and (why := status.trouble(state, inventory.now)) else str(ref)


def _still(inventory: Inventory, pending: Sequence[Ref], condition: Condition) -> list[Ref]:
    """Tell of each object that meets the condition, and return those that do not yet."""
    infos = {ref.kind: names.kind(ref.kind) for ref in pending}
    there = {item.ref: item for info in infos.values() for item in inventory.items(info)}
    left = []
    for ref in pending:
        shown = listing.wired(inventory, [there[ref]])[0] if ref in there else None
        if condition.met(shown):
            print(f"{names.full(infos[ref.kind], ref.name)} condition met", flush=True)
        elif shown is None and not condition.about_presence:
            raise Invalid(f"wait: {ref} has gone")
        else:
            left.append(ref)
    return left
