"""List objects as kubectl does: pods from the host itself, other objects as they were applied."""

from __future__ import annotations

import sys
import time

from manifests.faults import Invalid
from manifests.value import Value
from podpy import columns, names, tables
from podpy.context import Context
from podpy.inventory import Inventory

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import Any

    from manifests.kinds import KindInfo
    from manifests.meta import LabelSelector
    from podpy.inventory import Item

POLL_SECONDS = 0.5


class Question(Value):
    """Objects of one kind that are asked for: those of `names`, all of them without any."""

    info: KindInfo
    names: tuple[str, ...] = ()


class Answer(Value):
    """What was found of one kind."""

    info: KindInfo
    items: tuple[Item, ...]
    missing: tuple[str, ...] = ()


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("words", nargs="+", metavar="KIND [NAME ...]", help="pods, deploy, jobs, cm, secrets ...")
    add("-n", "--namespace", default="default")
    add("-A", "--all-namespaces", action="store_true")
    add("-l", "--selector", default="", metavar="KEY=VALUE,...")
    add("-o", "--output", choices=("wide", "yaml", "json", "name"), default="")
    add("--no-headers", action="store_true")
    add("-w", "--watch", action="store_true", help="go on, and print what changes")
    add("--ignore-not-found", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    context = Context()
    questions = questions_of(arguments.words)
    inventory = Inventory(context)
    answers = ask(inventory, questions, arguments)
    _print(inventory, answers, arguments, single=_single(questions))
    if arguments.watch:
        _watch(context, questions, arguments)
    missing = [f"{answer.info.names[1]} {name}" for answer in answers for name in answer.missing]
    if missing and not arguments.ignore_not_found:
        raise Invalid(f"not found: {', '.join(missing)}", hint=f"podpy get {arguments.words[0]} -A")
    return 0


def questions_of(words: list[str]) -> tuple[Question, ...]:
    """Read KIND, KIND,KIND, KIND NAME... or KIND/NAME...; Invalid for what mixes them."""
    if any("/" in word for word in words):
        asked: dict[str, tuple[KindInfo, list[str]]] = {}
        for ref in names.parse(words):
            info = names.kind(ref.kind)
            asked.setdefault(info.kind, (info, []))[1].append(ref.name)
        return tuple(Question(info=info, names=tuple(found)) for info, found in asked.values())
    first, *rest = words
    return tuple(Question(info=info, names=tuple(rest)) for info in names.several(first))


def _single(questions: tuple[Question, ...]) -> bool:
    return len(questions) == 1 and len(questions[0].names) == 1


def ask(
    inventory: Inventory, questions: tuple[Question, ...], arguments: argparse.Namespace
) -> tuple[Answer, ...]:
    """Return what there is of each kind, as far as namespace, selector and names let it."""
    selector: LabelSelector | None = None
    if arguments.selector:
        from podpy import selectors

        selector = selectors.parse(arguments.selector)
    return tuple(_answer(inventory, question, arguments, selector) for question in questions)


def _answer(
    inventory: Inventory,
    question: Question,
    arguments: argparse.Namespace,
    selector: LabelSelector | None,
) -> Answer:
    info = question.info
    here = [
        item
        for item in inventory.items(info)
        if (
            arguments.all_namespaces
            or not info.namespaced
            or item.ref.namespace == arguments.namespace
        )
        and (selector is None or selector.matches(item.labels))
    ]
    if not question.names:
        return Answer(info=info, items=tuple(here))
    found: list[Item] = []
    missing: list[str] = []
    for name in question.names:
        named = [item for item in here if name == item.ref.name] or _by_alias(here, name)
        found += named
        missing += [] if named else [name]
    return Answer(info=info, items=tuple(found), missing=tuple(missing))


def _by_alias(here: list[Item], name: str) -> list[Item]:
    """Pods by Podman's name (web-pod) or id."""
    from podpy import lookup

    return [
        item
        for item in here
        if item.state is not None
        and (
            name in item.state.record.aliases
            or (
                len(name) >= lookup.SHORTEST_ID
                and any(known.startswith(name) for known in lookup.ids(item.state.uid, ()))
            )
        )
    ]


def _print(
    inventory: Inventory,
    answers: tuple[Answer, ...],
    arguments: argparse.Namespace,
    *,
    single: bool,
) -> None:
    items = [item for answer in answers for item in answer.items]
    match arguments.output:
        case "yaml" | "json":
            if items or not single:
                _dump(inventory, items, arguments.output, single=single)
        case "name":
            for item in items:
                print(names.full(names.kind(item.ref.kind), item.ref.name))
        case _:
            _tables(inventory, answers, arguments)


def _tables(
    inventory: Inventory, answers: tuple[Answer, ...], arguments: argparse.Namespace
) -> None:
    shown = [answer for answer in answers if answer.items]
    if not shown and not any(answer.missing for answer in answers):
        place = "" if arguments.all_namespaces else f" in {arguments.namespace} namespace"
        print(f"No resources found{place}.", file=sys.stderr)
    for position, answer in enumerate(shown):
        if position:
            print()
        rows = list(_rows(inventory, answer, arguments, several=len(answers) > 1))
        heads = _heads(answer.info, arguments)
        print(tables.lines(heads, rows, headers=not arguments.no_headers))
    sys.stdout.flush()


def _heads(info: KindInfo, arguments: argparse.Namespace) -> tuple[str, ...]:
    front = ("NAMESPACE",) if arguments.all_namespaces and info.namespaced else ()
    return *front, *columns.heads(info.kind, wide=arguments.output == "wide")


def _rows(
    inventory: Inventory, answer: Answer, arguments: argparse.Namespace, *, several: bool
) -> Iterator[tuple[str, ...]]:
    """Yield each object's cells; beside other kinds, names carry their kind as in kubectl."""
    for item in answer.items:
        name, *rest = columns.cells(inventory, item, wide=arguments.output == "wide")
        if several:
            name = names.full(answer.info, name)
        front = (item.ref.namespace,) if arguments.all_namespaces and answer.info.namespaced else ()
        yield (*front, name, *rest)


def _dump(inventory: Inventory, items: list[Item], form: str, *, single: bool) -> None:
    from runtime.observe import facts

    host = facts.addresses()[0]
    shown = [inventory.wire(item, host) for item in items]
    value: dict[str, Any] = (
        shown[0] if single else {"apiVersion": "v1", "kind": "List", "items": shown}
    )
    sys.stdout.write(worded(value, form))
    sys.stdout.flush()


def worded(value: dict[str, Any], form: str) -> str:
    """Return JSON-shaped data as text in the asked form."""
    if form == "yaml":
        from podpy import yaml_text

        return yaml_text.dumps(value)
    import json

    return json.dumps(value, indent=4, ensure_ascii=False) + "\n"


def _watch(
    context: Context, questions: tuple[Question, ...], arguments: argparse.Namespace
) -> None:
    """Print what differs from the last look, twice a second, until interrupted."""
    before = _lines(context, questions, arguments)
    while True:
        time.sleep(POLL_SECONDS)
        after = _lines(context, questions, arguments)
        for key, text in after.items():
            if before.get(key, ("", ""))[0] != text[0]:
                print(text[1], flush=True)
        before = after


def _lines(
    context: Context, questions: tuple[Question, ...], arguments: argparse.Namespace
) -> dict[str, tuple[str, str]]:
    """Return each object's present line, with what of it counts as a change: all but its age."""
    inventory = Inventory(context)
    found: dict[str, tuple[str, str]] = {}
    for answer in ask(inventory, questions, arguments):
        heads = _heads(answer.info, arguments)
        rows = list(_rows(inventory, answer, arguments, several=len(questions) > 1))
        gaps = tables.widths([heads, *rows])
        for item, row in zip(answer.items, rows, strict=True):
            told = "|".join(
                cell.partition(" (")[0] if head == "RESTARTS" else cell
                for head, cell in zip(heads, row, strict=True)
                if head not in ("AGE", "DURATION")
            )
            text = tables.line(row, gaps)
            if arguments.output in ("yaml", "json"):
                text = worded(inventory.wire(item, ""), arguments.output).rstrip("\n")
            if arguments.output == "name":
                text = names.full(answer.info, item.ref.name)
            found[str(item.ref)] = (told, text)
    return found
