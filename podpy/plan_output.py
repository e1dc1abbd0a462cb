"""Show the plan of a Sync: as lines, or as Markdown fit for a comment on a pull request."""

from __future__ import annotations

import sys

from manifests import digests
from podpy import changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.plan.change import Change
    from reconciler.syncs.preview import Preview

MARKDOWN = "markdown"
_ESCAPED = str.maketrans(
    {"<": "&lt;", ">": "&gt;", **{sign: f"\\{sign}" for sign in "\\`*_{}[]()#|~"}}
)
_HEAD = "| | Object | Effect | Why |\n|---|---|---|---|"


def show(name: str, seen: Preview, output: str) -> None:
    """Print the plan of the Sync `name`; nothing for JSON, which is printed as a whole."""
    if output == MARKDOWN:
        print(_markdown(name, seen))
    elif output == "text":
        print(f"sync/{name}: revision {digests.short(seen.revision)}")
        changes.show_plan(seen.plan)
        for hook in seen.hooks:
            print(f"hook: {hook}")
        if seen.consent:
            print(f"the removals would wait for podpy sync approve {name}: {seen.consent}")


def show_problems(name: str, problems: Sequence[str], output: str) -> None:
    """Print why there is no plan."""
    if output == MARKDOWN:
        lines = "\n".join(problems)
        print(f"### podpy plan: {name}\n\nThis cannot be followed:\n\n{_fenced(lines)}")
        return
    for problem in problems:
        print(f"sync/{name}: {problem}", file=sys.stderr)


def _markdown(name: str, seen: Preview) -> str:
    todo = seen.plan.effective()
    away = seen.plan.elsewhere
    left_out = (
        ["", f"Not for this host: {', '.join(f'`{one.ref}`' for one in away)}."] if away else []
    )
    lines = [f"### podpy plan: {name} at `{digests.short(seen.revision)}`", ""]
    if not todo:
        return "\n".join([*lines, "Nothing would change.", *left_out])
    lines += [f"{changes.summary(todo)}.", "", _HEAD, *map(_row, todo)]
    if seen.hooks:
        lines += ["", f"Hooks: {', '.join(f'`{hook}`' for hook in seen.hooks)}."]
    if seen.consent:
        lines += ["", f"**The removals would wait for consent:** {_cell(seen.consent)}."]
    return "\n".join([*lines, *left_out])


def _row(change: Change) -> str:
    effect = "" if change.effect == "none" else str(change.effect)
    said = [str(reason) for reason in change.reasons]
    said += [changes.waits(change)] if change.after else []
    why = "<br>".join(map(_cell, said))
    return f"| `{changes.SIGNS[change.op].strip()}` | `{change.ref}` | {effect} | {why} |"


def _cell(text: str) -> str:
    """What a table's cell shows as it is written: a manifest's words are no markup."""
    return text.translate(_ESCAPED)


def _fenced(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"
