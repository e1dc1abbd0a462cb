"""Make the uids of objects and pods: random UUIDs, version 4 of RFC 9562.

The standard library's uuid asks the platform who it is when it is imported, which costs two
milliseconds of every command.
"""

from __future__ import annotations

import os

_BITS = 128
_VERSION, _VERSION_AT = 0x4, 76
_VARIANT, _VARIANT_AT = 0b10, 62


def new() -> str:
    """Return a new uid, such as 3f9c7b0e-5c7a-4a53-9d3c-0d6c1f5b8a21."""
    number = int.from_bytes(os.urandom(_BITS // 8), "big")
    number = number & ~(0xF << _VERSION_AT) | _VERSION << _VERSION_AT
    number = number & ~(0b11 << _VARIANT_AT) | _VARIANT << _VARIANT_AT
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
