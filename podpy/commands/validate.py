"""Check manifests against Kubernetes' schemas and rules, and say what podpy does not honour."""

from __future__ import annotations

import sys

from podpy import cli

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EXAMPLES = """
podpy validate app/
podpy validate -o json web.yaml db.yaml
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="*", metavar="PATH", help="file, directory, URL or -")
    parser.add_argument(
        "-f", "--filename", action="append", default=[], metavar="PATH", help="the same"
    )
    parser.add_argument("-n", "--namespace", default="", help="namespace of objects without one")
    parser.add_argument("--sha256", default="", help="the digest that a URL's content must have")
    cli.add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Return 0 when nothing is wrong; what is only unsupported are warnings."""
    from manifests import load
    from manifests.faults import Invalid
    from manifests.problems import Severity
    from podpy import changes, wishes
    from runtime import paths as runtime_paths

    sources = [*arguments.sources, *arguments.filename]
    if not sources:
        raise Invalid("validate: name a file or directory", hint="podpy validate app/")
    options = load.KUBE_PLAY.replace(namespace=arguments.namespace, missing=Severity.WARNING)
    cache = runtime_paths.default().cache
    loaded = load.load(wishes.named(sources, arguments.sha256), options, cache_dir=cache)
    errors = len(loaded.errors)
    if arguments.output == "json":
        import json

        from manifests import codec

        problems = [codec.encode(problem) for problem in loaded.problems]
        print(json.dumps({"objects": len(loaded.objects), "problems": problems}, indent=2))
        return 1 if errors else 0
    for problem in loaded.problems:
        print(problem.shown)
    found = changes.count(len(loaded.problems) - errors, "warning")
    if errors:
        print(f"{changes.count(errors, 'error')}, {found}", file=sys.stderr)
        return 1
    print(f"valid: {changes.count(len(loaded.objects), 'object')}, {found}")
    return 0
