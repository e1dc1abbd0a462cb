"""Decrypt a SOPS file in memory: its text and the data key in, the plain text out, line for line.

Values are replaced where they stand, and the block `sops` by empty lines, so that problems are told
with the places of the file in git. The format is that of SOPS 3 (getsops.io/docs, and what `sops`
itself writes):

    value   ENC[AES256_GCM,data:..,iv:..,tag:..,type:..]; what is authenticated with it is its path,
            the keys with a colon after each; a list's indexes are not in it
    mac     SHA-512 over all values in the order of the file, in capital hexadecimal, encrypted as
            a value is, with `lastmodified` in place of a path

Pure. Nothing that is raised here tells a value.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from decimal import Decimal

from manifests.faults import Invalid
from manifests.yaml import reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    Leaf = tuple[tuple[str, ...], Any]

KEY = "sops"
_VALUE = re.compile(r"ENC\[AES256_GCM,data:([^,\]]*),iv:([^,\]]+),tag:([^,\]]+),type:(\w+)\]")
_BLOCK = re.compile(r"^sops:[ \t]*\n(?:[ \t]+.*\n?|\n)*", re.MULTILINE)
_TOKEN = re.compile(f"(?P<comment>#)?[\"']?{_VALUE.pattern}[\"']?")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def is_encrypted(raw: object) -> bool:
    """Tell whether a document has SOPS' metadata."""
    return isinstance(raw, dict) and isinstance(raw.get(KEY), dict) and "mac" in raw[KEY]


def documents(text: str, file: str) -> tuple[dict[str, Any], ...]:
    """Return the documents of a text that are mappings; () where it is no YAML."""
    reading = reader.read(text, file)
    return tuple(one.value for one in reading.documents if isinstance(one.value, dict))


def decrypt(text: str, file: str, key: bytes) -> str:
    """Return the text with its values in plain. Raises Invalid where it is not as it was written.

    `key` is the file's data key, of 32 bytes.
    """
    found = documents(text, file)
    metadata = found[0][KEY]
    leaves = [leaf for one in found for leaf in _leaves({**one, KEY: None})]
    plain = [_plain(leaf, key, file) for leaf in leaves]
    _check_mac(leaves, plain, key, metadata, file)
    shown = [
        _shown(value, content)
        for (_, value), content in zip(leaves, plain, strict=True)
        if _encrypted(value)
    ]
    left = iter(shown)
    wanted = [_filled({**one, KEY: None}, left) for one in found]
    opened = _json(wanted[0]) if text.lstrip().startswith("{") else _in_place(text, shown)
    # What only looks like a value (in a comment, in a text) must not take the place of one.
    if [{**one, KEY: None} for one in documents(opened, file)] != wanted:
        raise _spoilt(file)
    return opened


def _in_place(text: str, shown: Sequence[str]) -> str:
    """Put the values where the encrypted ones stand, and leave out the metadata's lines."""
    left = iter(shown)
    bare = _BLOCK.sub(lambda block: "\n" * block[0].count("\n"), text)
    return _TOKEN.sub(lambda token: token[0] if token["comment"] else next(left, ""), bare)


def _json(wanted: dict[str, Any]) -> str:
    whole = {name: value for name, value in wanted.items() if name != KEY}
    return json.dumps(whole, indent=2, ensure_ascii=False)


def _filled(value: Any, shown: Iterator[str]) -> Any:
    """Return a value with what is encrypted in it replaced, in the order of the file."""
    if isinstance(value, dict):
        return {key: _filled(below, shown) for key, below in value.items()}
    if isinstance(value, list):
        return [_filled(below, shown) for below in value]
    return json.loads(next(shown)) if _encrypted(value) else value


def _leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Yield (path, value) of every value in the order of the file, the metadata's aside."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, (*path, str(key)))
    elif isinstance(value, list):
        for below in value:
            yield from _leaves(below, path)
    elif value is not None:
        yield path, value


def _encrypted(value: object) -> bool:
    return isinstance(value, str) and _VALUE.fullmatch(value) is not None


def _plain(leaf: Leaf, key: bytes, file: str) -> bytes:
    """Return what SOPS takes a value for when it signs it: of an encrypted one, its content."""
    path, value = leaf
    if _encrypted(value):
        return _opened(value, "".join(f"{one}:" for one in path), key, file)
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f").encode()
    return str(value).encode()


def _opened(value: str, about: str, key: bytes, file: str) -> bytes:
    """Decrypt one value, which must have been encrypted for the place `about`."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    found = _VALUE.fullmatch(value)
    try:
        if found is None:
            raise ValueError
        content, nonce, tag = (base64.b64decode(found[part], validate=True) for part in (1, 2, 3))
        return AESGCM(key).decrypt(nonce, content + tag, about.encode())
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise _spoilt(file) from error


def _check_mac(
    leaves: Sequence[Leaf], plain: Sequence[bytes], key: bytes, metadata: dict[str, Any], file: str
) -> None:
    """Raise Invalid unless the file holds exactly what was in it when it was encrypted."""
    only_encrypted = metadata.get("mac_only_encrypted") is True
    digest = hashlib.sha512(hashlib.sha256(b"sops").digest() if only_encrypted else b"")
    for (_, value), content in zip(leaves, plain, strict=True):
        if not only_encrypted or _encrypted(value):
            digest.update(content)
    signed = _opened(str(metadata["mac"]), str(metadata.get("lastmodified", "")), key, file)
    if not hmac.compare_digest(signed, digest.hexdigest().upper().encode()):
        raise _spoilt(file)


def _shown(value: str, content: bytes) -> str:
    """Write a value so that YAML reads it as what it was: text between quotes, the rest bare."""
    kind = value.rpartition("type:")[2].rstrip("]")
    text = content.decode(errors="replace")
    if kind in ("int", "float"):
        return text
    if kind == "bool":
        return text.lower()
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", quoted)


def _spoilt(file: str) -> Invalid:
    return Invalid(
        f"{file}: is not what SOPS has written: it was changed by hand, or damaged",
        hint=f"edit it with: sops {file}",
    )
