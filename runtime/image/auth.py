"""Hand credentials to skopeo in a private file, which is gone afterwards: never in its arguments.

--src-creds would put the password in the process list.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import tempfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def file_for(creds: str, registry: str) -> Iterator[str]:
    """Yield the path of an auth.json that holds `creds` (USER[:PASSWORD]) for `registry`."""
    user, _, password = creds.partition(":")
    secret = base64.b64encode(f"{user}:{password}".encode()).decode()
    directory = tempfile.mkdtemp(prefix="podpy-auth-")
    path = f"{directory}/auth.json"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump({"auths": {registry: {"auth": secret}}}, file)
        yield path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.rmdir(directory)
