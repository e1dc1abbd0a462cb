"""Keep the content of Secrets on tmpfs: one file each, readable by podpy alone.

The database remembers that a Secret was applied and its digest; what it says is here, and is gone
after a reboot, until its manifest is applied again. Callers see to it that Paths.run_dir is tmpfs
(reconciler.targets.host.base), and hold the lock of the Secret.

Paths.secrets_key is 32 random bytes of this host. Digests are made with it, so that who gets hold
of the database alone (a backup of it) cannot try passwords on them. Where it is lost, a new one
makes other digests: every Secret counts as changed once.
"""

from __future__ import annotations

import contextlib
import os

from manifests import codec, compact_json, digests
from manifests.config import Secret
from runtime import files, locks
from runtime.paths import fitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.ref import Ref
    from runtime.paths import Paths

LOCK = "secrets"
"""Held from writing new Secrets to recording them, and while those without a record are removed."""

_KEY_BYTES = 32
_ENDS = (".json", ".new")


def save(paths: Paths, secret: Secret) -> None:
    """Write the Secret, atomically. What a killed writer has left of it is written over."""
    namespace, name = secret.metadata.namespace, secret.metadata.name
    os.makedirs(f"{paths.secrets}/{namespace}", mode=0o700, exist_ok=True)
    data = compact_json.dumps(codec.encode(secret)).encode()
    files.write(
        _path(paths, namespace, name), data, temporary=_path(paths, namespace, name, ".new")
    )


def read(paths: Paths, namespace: str, name: str) -> Secret | None:
    """Return the Secret; None where there is none, or none since the last reboot."""
    raw = files.read_json(_path(paths, namespace, name))
    return None if raw is None else codec.restore(Secret, raw)


def remove(paths: Paths, ref: Ref) -> None:
    """Remove the Secret; gone already is success."""
    for end in _ENDS:
        discard(_path(paths, ref.namespace, ref.name, end))


def strays(paths: Paths, kept: Iterable[Ref]) -> tuple[str, ...]:
    """Return the files that hold none of the Secrets `kept`, whole or half written."""
    ours = {
        _path(paths, ref.namespace, ref.name, end)
        for ref in kept
        if ref.kind == "Secret"
        for end in _ENDS
    }
    found = (
        f"{folder}/{name}"
        for folder, _, names in os.walk(paths.secrets)
        for name in names
        if name.endswith(_ENDS)
    )
    return tuple(sorted(file for file in found if file not in ours))


def discard(file: str) -> None:
    """Remove a stray file, and its namespace's directory where nothing else is in it."""
    files.unlink(file)
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(file))


def digest(paths: Paths, plain: str) -> str:
    """Return the digest that may be kept of a Secret whose plain digest is `plain`."""
    return digests.of(plain, key=_key(paths))


def _key(paths: Paths) -> bytes:
    key = _read_key(paths)
    if key:
        return key
    with locks.held(paths, ["secrets.key"]):
        key = _read_key(paths)  # another command may have made it meanwhile
        if not key:
            key = os.urandom(_KEY_BYTES)
            path = paths.secrets_key
            os.makedirs(paths.state_dir, mode=0o700, exist_ok=True)
            files.write(path, key, temporary=f"{path}.new", durable=True)
    return key


def _read_key(paths: Paths) -> bytes:
    """Return the key; nothing where there is none, or one that is damaged."""
    try:
        with open(paths.secrets_key, "rb") as file:
            key = file.read()
    except FileNotFoundError:
        return b""
    return key if len(key) == _KEY_BYTES else b""


def _path(paths: Paths, namespace: str, name: str, end: str = ".json") -> str:
    return f"{paths.secrets}/{namespace}/{fitted(name, end)}"
