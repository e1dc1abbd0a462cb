"""Load manifests for a command, print what is wrong with them, and hand on what is wanted."""

from __future__ import annotations

import os
import sys

from manifests.load import Mode

from manifests import load
from manifests.faults import Invalid
from reconciler.plan.wish import Wished

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from podpy.context import Context


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
    parser.add_argument("--sha256", default="", help="the digest that a URL's content must have")
    parser.add_argument("-n", "--namespace", default="", help="namespace of objects without one")
    parser.add_argument(
        "--allow-unsupported",
        action="store_true",
        help="go on where podpy does not honour a field, and say so",
    )


def load_wished(
    context: Context, sources: Sequence[str], options: load.Options
) -> tuple[Wished, ...]:
    """Return the wanted objects; warnings are printed, and errors raised all at once."""
    loaded = load.load(sources, options, cache_dir=context.paths.cache)
    for problem in loaded.warnings:
        print(f"Warning: {problem}", file=sys.stderr)
    if loaded.errors:
        for problem in loaded.errors:
            print(problem, file=sys.stderr)
        count = len(loaded.errors)
        raise Invalid(
            f"{count} {'problem' if count == 1 else 'problems'} found, nothing was changed"
        )
    return tuple(
        Wished(object=item.object, digest=item.digest, file=item.file, line=item.line)
        for item in loaded.objects
    )


def applyset(sources: Sequence[str]) -> str:
    """Name the set of objects that these sources bring: what --prune compares with."""
    return " ".join(
        sorted(
            source if "://" in source or source == "-" else os.path.realpath(source)
            for source in sources
        )
    )


def options_of(arguments: argparse.Namespace, mode: Mode) -> load.Options:
    return load.Options(
        mode=mode,
        namespace=arguments.namespace,
        allow_unsupported=arguments.allow_unsupported,
        sha256=arguments.sha256,
    )
