"""Print podpy's version."""

from __future__ import annotations

from podpy import VERSION, cli

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EXAMPLES = """
podpy version
podpy version -o json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    cli.add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    print(
        f'{{"version": "{VERSION}"}}' if arguments.output == "json" else f"podpy version {VERSION}"
    )
    return 0
