"""List objects as kubectl does: pods from the host itself, other objects as they were applied."""

from __future__ import annotations

import functools
import sys

from manifests.faults import Invalid
from podpy import asking, listing
from podpy.context import Context
from podpy.inventory import Inventory

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from podpy.asking import Answer, Filter, Question
    from podpy.listing import Table

EXAMPLES = """
podpy get pods -o wide
podpy get deploy/web pod/db -o yaml
podpy get pods -A --field-selector status.phase!=Running --sort-by .metadata.creationTimestamp
podpy get pods -l app=web -o jsonpath='{.items[*].status.podIP}'
"""


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "words",
        nargs="*",
        metavar="KIND [NAME ...]",
        help="pods, deploy, jobs, cm, secrets, pvc, ns, net, all; or KIND/NAME",
    )
    asking.add_filter_options(parser)
    add("-f", "--filename", action="append", default=[], metavar="PATH", help="what it names")
    add("-R", "--recursive", action="store_true", help="as always: directories with all in them")
    add(
        "-o",
        "--output",
        default="",
        metavar="FORM",
        help="wide, yaml, json, name, jsonpath=TEMPLATE, custom-columns=HEAD:PATH,...",
    )
    add("--sort-by", default="", metavar="PATH", help="such as .metadata.creationTimestamp")
    add("--show-labels", action="store_true", help="a last column with all labels")
    add(
        "-L",
        "--label-columns",
        action="append",
        default=[],
        metavar="KEY,...",
        help="a column each",
    )
    add("--show-kind", action="store_true", help="pod/web instead of web")
    add("--no-headers", action="store_true", help="leave out the head of tables")
    add("-w", "--watch", action="store_true", help="go on, and print what changes")
    add("--watch-only", action="store_true", help="print only what changes from now on")
    add("--output-watch-events", action="store_true", help="with -w: ADDED, MODIFIED, DELETED")
    add("--ignore-not-found", action="store_true", help="a name that is not there is no error")


def run(arguments: argparse.Namespace) -> int:
    context = Context()
    wanted, questions = asking.filter_of(arguments), _questions(arguments)
    table = _table(arguments, several=len(questions) > 1)
    watched = arguments.watch or arguments.watch_only
    if table.events and not watched:
        raise Invalid("--output-watch-events: nothing is watched", hint="with -w or --watch-only")
    inventory = Inventory(context)
    answers = asking.ask(inventory, questions, wanted)
    # One by one, where changes follow: a List that goes on is no JSON.
    singly = watched and (table.events or not table.tabular)
    if not (singly or arguments.watch_only):
        _print(inventory, answers, table, wanted, single=asking.single(questions))
    missing = asking.missing(answers)
    if missing and not arguments.ignore_not_found:
        where = "" if wanted.everywhere else f" (namespace {wanted.namespace})"
        raise Invalid(f"not found: {', '.join(missing)}{where}", hint=_look(arguments))
    if watched:
        from podpy import watching

        first = inventory, answers
        if singly and not arguments.watch_only:
            watching.show(first, table)
        look = functools.partial(_look_again, context, questions, wanted)
        watching.watch(look, first, table, printed=not arguments.watch_only)
    return 0


def _table(arguments: argparse.Namespace, *, several: bool) -> Table:
    form, detail = _form(arguments.output)
    return listing.Table(
        form=form,
        detail=detail,
        everywhere=arguments.all_namespaces,
        kinds=arguments.show_kind or several,
        headers=not arguments.no_headers,
        labels=tuple(key for keys in arguments.label_columns for key in keys.split(",")),
        all_labels=arguments.show_labels,
        sort_by=arguments.sort_by,
        events=arguments.output_watch_events,
    )


def _form(output: str) -> tuple[str, str]:
    if output in ("", "wide"):
        return output, ""
    from podpy import output_forms

    return output_forms.split(output)


def _questions(arguments: argparse.Namespace) -> tuple[Question, ...]:
    if not arguments.filename:
        return asking.questions_of(arguments.words)
    if arguments.words:
        raise Invalid("get: name either files (-f) or objects", hint="podpy get --help")
    return asking.questions_of_files(arguments.filename, arguments.namespace)


def _look(arguments: argparse.Namespace) -> str:
    """The command that shows what there is of the kind that was asked for."""
    word = arguments.words[0].partition("/")[0] if arguments.words else "all"
    return f"podpy get {word} -A"


def _look_again(
    context: Context, questions: tuple[Question, ...], wanted: Filter
) -> tuple[Inventory, tuple[Answer, ...]]:
    inventory = Inventory(context)
    return inventory, asking.ask(inventory, questions, wanted)


def _tell_of_schedules(inventory: Inventory, shown: list[Answer]) -> None:
    """Say it where CronJobs are shown and nobody starts their Jobs."""
    things = [item.thing for answer in shown for item in answer.items if item.ref.kind == "CronJob"]
    if things:
        from podpy import cron_jobs

        told = cron_jobs.unattended(inventory.paths, things)
        if told:
            print(f"CronJobs: {told}", file=sys.stderr)


def _print(
    inventory: Inventory,
    answers: tuple[Answer, ...],
    table: Table,
    wanted: Filter,
    *,
    single: bool,
) -> None:
    if table.tabular:
        shown = [answer for answer in answers if answer.items]
        if not shown and not any(answer.missing for answer in answers):
            place = "" if wanted.everywhere else f" in {wanted.namespace} namespace"
            print(f"No resources found{place}.", file=sys.stderr)
        for text in listing.tables_of(inventory, shown, table):
            print(text)
        _tell_of_schedules(inventory, shown)
    else:
        items = [
            item for answer in answers for item in listing.sorted_items(inventory, answer, table)
        ]
        if table.form == "name":
            print("".join(f"{listing.full_name(item)}\n" for item in items), end="")
        elif items or not single:
            from podpy import output_forms

            values = listing.wired(inventory, items)
            value = output_forms.listed(values, single=single)
            sys.stdout.write(output_forms.text(value, table.form, table.detail))
    sys.stdout.flush()
