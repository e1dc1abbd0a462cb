"""Hand credentials to skopeo in a file that lies nowhere: never in its arguments, never on a disk.

--src-creds would put the password in the process list. The file lives in memory, has no name but
its descriptor's, and the kernel drops it with the last process that holds it, however that ends.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@contextlib.contextmanager
def file_for(creds: str, registries: Iterable[str]) -> Iterator[int]:
    """Yield a descriptor of an auth.json that holds `creds` (USER[:PASSWORD]) for `registries`.

    A child that inherits it finds it at `path`.
    """
    user, _, password = creds.partition(":")
    secret = base64.b64encode(f"{user}:{password}".encode()).decode()
    known = {registry: {"auth": secret} for registry in registries}
    descriptor = os.memfd_create("podpy-auth", os.MFD_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, json.dumps({"auths": known}).encode())
        yield descriptor
    finally:
        os.close(descriptor)


def path(descriptor: int) -> str:
    """Where a process that has inherited the descriptor opens the file, from its beginning."""
    return f"/proc/self/fd/{descriptor}"
