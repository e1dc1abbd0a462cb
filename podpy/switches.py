"""Flags that are on or off, as Podman's: --start, --start=false; they never take the next word."""

from __future__ import annotations

import argparse

WORDS = {"true": True, "1": True, "True": True, "false": False, "0": False, "False": False}


def add(
    parser: argparse.ArgumentParser, *names: str, default: bool | None = False, help: str = ""
) -> None:
    """Declare a switch; `names` as for add_argument, the long one first."""
    dest = names[0].lstrip("-").replace("-", "_")
    told = help or argparse.SUPPRESS
    parser.add_argument(*names, action="store_true", default=default, dest=dest, help=told)
    for value in (True, False):
        parser.add_argument(
            *(f"{names[0]}={word}" for word, meaning in WORDS.items() if meaning is value),
            action="store_const",
            const=value,
            default=default,
            dest=dest,
            help=argparse.SUPPRESS,
        )
