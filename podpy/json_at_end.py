"""Print, with -o json, what a command has done: also where it ends with a fault half-way."""

from __future__ import annotations

import contextlib
import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from typing import Any


@contextlib.contextmanager
def of(arguments: argparse.Namespace, done: Callable[[], dict[str, Any]]) -> Iterator[None]:
    """Print what `done` returns when the block is left, however it is left."""
    try:
        yield
    finally:
        if arguments.output == "json":
            print(json.dumps(done(), indent=2), flush=True)
