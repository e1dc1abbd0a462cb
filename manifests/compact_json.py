"""Read and write compact JSON as the package json does, by its accelerator alone.

json around it imports re and enum, four milliseconds of every command. Text with places, JSON that
people read, and what is no JSON-shaped value are json's own.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    loads: Callable[[str | bytes], Any]
    dumps: Callable[[object], str]
else:
    try:
        from _json import encode_basestring_ascii, make_encoder, make_scanner
    except ImportError:  # An interpreter without the accelerator.
        import json

        loads = json.loads

        def dumps(value):
            return json.dumps(value, separators=(",", ":"))

    else:

        class _Rules:
            """What the scanner asks for: json.loads' defaults."""

            strict = True
            object_hook = object_pairs_hook = None
            parse_float, parse_int = float, int
            parse_constant = {
                "NaN": float("nan"),
                "Infinity": float("inf"),
                "-Infinity": float("-inf"),
            }.__getitem__

        _scan = make_scanner(_Rules)

        def loads(text):
            """Return what the JSON holds. Raises ValueError where it is none."""
            if not isinstance(text, str):
                text = text.decode()
            text = text.strip(" \t\r\n")
            try:
                value, end = _scan(text, 0)
            except StopIteration:
                end = -1
            if end != len(text):
                raise ValueError("no JSON")
            return value

        def _refuse(value):
            raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")

        _encode = make_encoder(
            None, _refuse, encode_basestring_ascii, None, ":", ",", False, False, True
        )

        def dumps(value):
            """Return the value as JSON without blanks. Raises TypeError where it is none."""
            return "".join(_encode(value, 0))


__all__ = ["dumps", "loads"]
