"""Find the objects that a command line asks for: kinds, names, selectors in, items out.

`get`, `describe` and `delete` read their words with it, as kubectl does:
KIND, KIND,KIND, all, KIND NAME..., KIND/NAME..., each with -n, -A, -l and --field-selector.
"""

from __future__ import annotations

from manifests.faults import Invalid
from manifests.meta import DEFAULT_NAMESPACE
from manifests.value import Value
from podpy import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from manifests.kinds import KindInfo
    from manifests.meta import LabelSelector
    from manifests.ref import Ref
    from podpy.fields import Term
    from podpy.inventory import Inventory, Item


class Question(Value):
    """Objects of one kind that are asked for: those of `names`, all of them without any.

    `namespace` is where they are looked for, whatever the command line says ("": what it says).
    """

    info: KindInfo
    names: tuple[str, ...] = ()
    namespace: str = ""


class Answer(Value):
    """What was found of one kind."""

    info: KindInfo
    items: tuple[Item, ...]
    missing: tuple[str, ...] = ()


class Filter(Value):
    """Which objects of a kind are meant, their names aside."""

    namespace: str = DEFAULT_NAMESPACE
    everywhere: bool = False
    selector: LabelSelector | None = None
    fields: tuple[Term, ...] = ()


def add_filter_options(parser: argparse.ArgumentParser) -> None:
    """Declare what `filter_of` reads."""
    add = parser.add_argument
    add("-n", "--namespace", default="", help="default if left out")
    add("-A", "--all-namespaces", action="store_true", help="objects of every namespace")
    add("-l", "--selector", default="", metavar="KEY=VALUE,...", help="objects with these labels")
    add(
        "--field-selector",
        default="",
        metavar="FIELD=VALUE,...",
        help="metadata.name, status.phase ... with = or !=",
    )


def filter_of(arguments: argparse.Namespace) -> Filter:
    """Read the options of `add_filter_options`. Raises Invalid."""
    selector: LabelSelector | None = None
    fields: tuple[Term, ...] = ()
    if arguments.selector:
        from podpy import selectors

        selector = selectors.parse(arguments.selector)
    if arguments.field_selector:
        from podpy import fields as field_selectors

        fields = field_selectors.parse(arguments.field_selector)
    return Filter(
        namespace=arguments.namespace or DEFAULT_NAMESPACE,
        everywhere=arguments.all_namespaces,
        selector=selector,
        fields=fields,
    )


def questions_of(words: Sequence[str]) -> tuple[Question, ...]:
    """Read KIND, KIND,KIND, KIND NAME... or KIND/NAME...; Invalid for what mixes them."""
    if not words:
        raise Invalid("say of what kind", hint="podpy get pods")
    if any("/" in word for word in words):
        return _of_refs(names.parse(words), anywhere=False)
    first, *rest = words
    return tuple(Question(info=info, names=tuple(rest)) for info in names.several(first))


def questions_of_files(sources: Sequence[str], namespace: str) -> tuple[Question, ...]:
    """Ask for the objects that manifests name, each where its manifest places it."""
    from manifests import load
    from podpy import wishes

    options = load.APPLY.replace(namespace=namespace)
    return _of_refs(wishes.refs(sources, options), anywhere=True)


def _of_refs(refs: Sequence[Ref], *, anywhere: bool) -> tuple[Question, ...]:
    asked: dict[tuple[str, str], tuple[KindInfo, list[str]]] = {}
    for ref in refs:
        place = ref.namespace if anywhere else ""
        asked.setdefault((ref.kind, place), (names.kind(ref.kind), []))[1].append(ref.name)
    return tuple(
        Question(info=info, names=tuple(found), namespace=place)
        for (_, place), (info, found) in asked.items()
    )


def single(questions: Sequence[Question]) -> bool:
    """Tell whether one object was asked for by its name: programs get it without a List."""
    return len(questions) == 1 and len(questions[0].names) == 1


def ask(inventory: Inventory, questions: Sequence[Question], wanted: Filter) -> tuple[Answer, ...]:
    """Return what there is of each kind, as far as namespace, selectors and names let it."""
    if wanted.fields:
        from podpy import fields

        for question in questions:
            fields.check(wanted.fields, question.info.kind)
    return tuple(_answer(inventory, question, wanted) for question in questions)


def missing(answers: Sequence[Answer]) -> list[str]:
    """Return what was asked for by name and is not there, as KIND NAME."""
    return [f"{answer.info.names[1]} {name}" for answer in answers for name in answer.missing]


def _answer(inventory: Inventory, question: Question, wanted: Filter) -> Answer:
    info = question.info
    here = [
        item
        for item in inventory.items(info)
        if _is_here(item, question, wanted) and _selected(inventory, item, wanted)
    ]
    if not question.names:
        return Answer(info=info, items=tuple(here))
    found: list[Item] = []
    absent: list[str] = []
    for name in question.names:
        named = [item for item in here if name == item.ref.name] or _by_alias(here, name)
        found += named
        absent += [] if named else [name]
    return Answer(info=info, items=tuple(found), missing=tuple(absent))


def _is_here(item: Item, question: Question, wanted: Filter) -> bool:
    if not question.info.namespaced:
        return True
    if question.namespace:
        return item.ref.namespace == question.namespace
    return wanted.everywhere or item.ref.namespace == wanted.namespace


def _selected(inventory: Inventory, item: Item, wanted: Filter) -> bool:
    if wanted.selector is not None and not wanted.selector.matches(item.labels):
        return False
    if not wanted.fields:
        return True
    from podpy import fields

    return fields.matches(wanted.fields, item, inventory.now)


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
