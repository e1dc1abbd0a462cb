"""Load manifests for a command, print what is wrong with them, and hand on what is wanted."""

from __future__ import annotations

import os
import sys

from manifests import load
from manifests.faults import Invalid
from manifests.problems import Severity
from manifests.sources import SEARCHES
from podpy import changes
from reconciler import loading

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Sequence

    from manifests.kinds import Object
    from manifests.loaded import Elsewhere
    from manifests.ref import Ref
    from manifests.sources import Source
    from podpy.context import Context
    from reconciler.cycle import Options
    from reconciler.plan.wish import Wished

UNKNOWN_FIELDS = {
    "strict": Severity.ERROR,
    "true": Severity.ERROR,
    "warn": Severity.WARNING,
    "ignore": None,
    "false": None,
}
"""What --validate takes, and how bad it makes a field that Kubernetes does not know."""

NAMED_SET = "applyset "
"""Begins the sets that users name; others begin with a path or a URL."""


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Declare how manifests are named, as kubectl names them."""
    parser.add_argument(
        "-f",
        "--filename",
        action="append",
        default=[],
        required=True,
        metavar="PATH",
        help="file, directory, URL, or - for standard input; may be repeated",
    )
    parser.add_argument(
        "-R",
        "--recursive",
        action="store_true",
        help="as always: directories with all in them",
    )
    parser.add_argument("--sha256", default="", help="the digest that a URL's content must have")
    parser.add_argument("-n", "--namespace", default="", help="namespace of objects without one")
    parser.add_argument(
        "--allow-unsupported",
        action="store_true",
        help="go on where podpy does not honour a field, and say so",
    )
    parser.add_argument(
        "-l",
        "--selector",
        default="",
        metavar="KEY=VALUE,...",
        help="of the sources only the objects with these labels",
    )


def load_wished(
    context: Context,
    sources: Sequence[str],
    options: load.Options,
    sha256: str = "",
    *,
    may_be_empty: bool = False,
) -> tuple[Wished, ...]:
    """Return the wanted objects; warnings are printed, and errors raised all at once.

    Sources that hold no object at all are an error, unless `may_be_empty`: they are hardly meant.
    """
    loaded = load.load(
        named(sources, sha256),
        options,
        known=_known(context),
        cache_dir=context.paths.cache,
    )
    for problem in loaded.problems:
        print(problem.shown, file=sys.stderr)
    errors = len(loaded.errors)
    if errors:
        raise Invalid(f"{changes.count(errors, 'problem')} found, nothing was changed")
    if not (loaded.objects or loaded.unsupported or may_be_empty):
        raise Invalid(f"no objects in {', '.join(sources)}, nothing was changed")
    wished = loading.wished(context.paths, context.database, loaded)
    _refuse_hooks(wished)
    return wished


def _refuse_hooks(wished: Sequence[Wished]) -> None:
    """Raise Invalid for hooks: they belong to a revision, and only a Sync knows one."""
    from manifests import ordering

    found = [item for item in wished if ordering.hook(item.object) is not None]
    if found:
        told = "\n".join(f"{item.where}: {item.ref} is a hook of a Sync" for item in found)
        raise Invalid(
            f"{told}\nhooks run once for each revision of a Sync, nothing was changed",
            hint="podpy sync add NAME --directory DIR follows a directory with its hooks",
        )


def _selected(
    context: Context, wished: tuple[Wished, ...], selector: str
) -> tuple[tuple[Wished, ...], frozenset[Ref]]:
    """Return the objects that a selector chooses, and those that the pass then leaves alone.

    Those are what else the sources hold, and whatever was applied before and has other labels:
    it must neither be pruned nor be told of as no longer wanted.
    """
    if not selector:
        return wished, frozenset()
    from podpy import selectors
    from reconciler.state import objects

    chosen = selectors.parse(selector)
    others = [item.ref for item in wished if not chosen.matches(item.object.metadata.labels)]
    before = [
        item.ref
        for item in objects.read(context.database)
        if not chosen.matches(item.object().metadata.labels)
    ]
    taken = tuple(item for item in wished if item.ref not in others)
    return taken, frozenset((*others, *before)) - {item.ref for item in taken}


def pass_of(
    context: Context, arguments: argparse.Namespace, validate: str = "strict"
) -> tuple[tuple[Wished, ...], Options]:
    """Return what `apply` and `diff` want, and how their pass takes it."""
    from reconciler import cycle

    applyset = pruned_set(arguments)
    everything = load_wished(
        context,
        arguments.filename,
        _apply_options(arguments, validate),
        arguments.sha256,
        may_be_empty=arguments.prune,
    )
    wished, aside = _selected(context, everything, arguments.selector)
    if everything and not (wished or arguments.prune):
        raise Invalid(f"no object has labels {arguments.selector}, nothing was changed")
    here, elsewhere = _for_this_host(context, wished)
    if elsewhere and not here and arguments.prune:
        raise Invalid(
            "no object of these sources is for this host, so --prune would leave nothing; "
            f"nothing was changed: {elsewhere[0]}",
            hint="look at the host's labels in podpy.toml, or podpy delete -f",
        )
    options = cycle.Options(
        applyset=applyset, prune=arguments.prune, aside=aside, elsewhere=elsewhere
    )
    return here, options


def _for_this_host(
    context: Context, wished: tuple[Wished, ...]
) -> tuple[tuple[Wished, ...], tuple[Elsewhere, ...]]:
    """Part the objects into those that are taken and those that are for other hosts."""
    from manifests import targeting

    identity = context.base.identity
    reasons = {item.ref: targeting.elsewhere(item.object, identity) for item in wished}
    away = tuple(
        load.Elsewhere(ref=ref, reason=reason) for ref, reason in reasons.items() if reason
    )
    return tuple(item for item in wished if not reasons[item.ref]), away


def warn_of_other_hosts(context: Context, wished: tuple[Wished, ...]) -> None:
    """Tell of pods that Kubernetes would leave Pending here: `kube play` runs them, as Podman."""
    for one in _for_this_host(context, wished)[1]:
        said = "Kubernetes would not run it here; it is played all the same"
        print(f"Warning: {one}; {said}", file=sys.stderr)


def refs(
    sources: Sequence[str], options: load.Options, cache_dir: str | None = None
) -> tuple[Ref, ...]:
    """Return the objects that manifests name, valid or not: for commands that remove them."""
    found, problems = load.refs(sources, options, cache_dir=cache_dir)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems and not found:
        raise Invalid("nothing could be read from the manifests, nothing was changed")
    return found


def named(sources: Sequence[str], sha256: str) -> list[str | Source]:
    """Give the sources that are URLs the digest which their content must have."""
    if not sha256:
        return list(sources)
    from manifests.sources import Source

    return [Source(location=one, sha256=sha256) if "://" in one else one for one in sources]


def listed(word: str) -> list[str]:
    """Return the files of a flag's value: a comma parts them, unless one has it in its name."""
    return [word] if os.path.exists(word) else word.split(",")


def _known(context: Context) -> frozenset[Ref]:
    """The objects of earlier passes: pods may name them."""
    from reconciler.state import objects

    return objects.refs(context.database)


def add_prune_options(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare what `pruned_set` reads."""
    parser.add_argument("--prune", action="store_true", help=what)
    parser.add_argument(
        "--applyset",
        default="",
        metavar="NAME",
        help="the set that --prune compares with; named after the sources if left out",
    )


def pruned_set(arguments: argparse.Namespace) -> str:
    """Return the set that the sources bring. Raises Invalid where --prune could mean any.

    Whatever comes through standard input would be one set: what one pipe brings must not go with
    the next.
    """
    if arguments.applyset:
        return f"{NAMED_SET}{arguments.applyset}"
    if arguments.prune and not tells_set(arguments):
        raise Invalid(
            "--prune: standard input does not tell which objects belong together",
            hint="name them: --prune --applyset NAME",
        )
    return applyset(arguments.filename)


def present(context: Context, refs: Collection[Ref], sources: Sequence[str]) -> dict[Ref, Object]:
    """Return what there is of these objects, and what their sources, as they were earlier, have
    brought and was not removed.

    Nothing tells what came from standard input before: it may have been another manifest.
    """
    from manifests import kinds
    from reconciler.state import objects
    from runtime.observe import records

    found: dict[Ref, Object] = {
        ref: record.pod
        for record in records.read_pods(context.paths)
        if (ref := kinds.ref(record.pod)) in refs
    }
    earlier = None if "-" in sources else applyset(sources)
    for item in objects.read(context.database):
        if item.ref not in found and (item.ref in refs or item.applyset == earlier):
            found[item.ref] = item.object()
    return found


def tells_set(arguments: argparse.Namespace) -> bool:
    """Tell whether what is absent now was dropped from a set: standard input is none."""
    return bool(arguments.applyset) or "-" not in arguments.filename


def applyset(sources: Sequence[str]) -> str:
    """Name the set of objects that these sources bring: what --prune compares with."""
    return " ".join(
        sorted(
            one if "://" in one or one == "-" or one in SEARCHES else os.path.realpath(one)
            for one in sources
        )
    )


def _apply_options(arguments: argparse.Namespace, validate: str = "strict") -> load.Options:
    """How bad is what, for `apply` and `diff`; `validate` is kubectl's word on misspelt fields."""
    unsupported = Severity.WARNING if arguments.allow_unsupported else Severity.ERROR
    return load.APPLY.replace(
        unsupported=unsupported,
        unknown=UNKNOWN_FIELDS[validate],
        namespace=arguments.namespace,
    )
