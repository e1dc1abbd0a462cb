"""Digest texts and bytes: 256 bits, in hex. For names, and to see whether something changed.

hashlib would load OpenSSL for that, 3 ms of every command; BLAKE2 is part of Python itself. What
others fix to be sha256 (images, `--sha256`) is hashlib's.
"""

from __future__ import annotations

try:
    from _blake2 import blake2b
except ImportError:  # a Python that was built to have OpenSSL's alone
    from hashlib import blake2b

_BYTES = 32
SHA256 = "sha256:"
"""Begins the name of an artifact or an image; a commit's has nothing before its digits."""
SHORT = 12
"""Digits that are enough to tell one revision from others."""


def of(data: bytes | str, *, key: bytes = b"") -> str:
    """Return the digest of `data`; with a secret `key` (at most 64 bytes) nobody can guess it."""
    whole = data.encode() if isinstance(data, str) else data
    return blake2b(whole, digest_size=_BYTES, key=key).hexdigest()


def bare(name: str) -> str:
    """Return the digits of a digest or a commit."""
    return name.removeprefix(SHA256)


def short(name: str) -> str:
    """Return a digest or a commit as people are shown it."""
    return f"{SHA256 if name.startswith(SHA256) else ''}{bare(name)[:SHORT]}"
