"""Keep the content of Secrets on tmpfs: one file each, readable by podpy alone.

The database remembers that a Secret was applied and its digest; what it says is here, and is gone
after a reboot, until its manifest is applied again. Callers see to it that Paths.run_dir is tmpfs
(reconciler.targets.host.base).
"""

from __future__ import annotations

import contextlib
import os

from manifests import codec
from manifests.config import Secret
from runtime import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.ref import Ref
    from runtime.paths import Paths


def save(paths: Paths, secret: Secret) -> None:
    """Write the Secret, atomically."""
    path = _path(paths, secret.metadata.namespace, secret.metadata.name)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    files.write_json(path, codec.encode(secret))


def read(paths: Paths, namespace: str, name: str) -> Secret | None:
    """Return the Secret; None where there is none, or none since the last reboot."""
    raw = files.read_json(_path(paths, namespace, name))
    return None if raw is None else codec.restore(Secret, raw)


def remove(paths: Paths, ref: Ref) -> None:
    """Remove the Secret; gone already is success."""
    path = _path(paths, ref.namespace, ref.name)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(path))


def _path(paths: Paths, namespace: str, name: str) -> str:
    return f"{paths.secrets}/{namespace}/{name}.json"
