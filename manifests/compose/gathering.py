"""A path in; the Compose file that it means, with all files that this one names, out.

Called by `podpy convert` alone: Compose files are converted, not applied.
"""

from __future__ import annotations

import os

from manifests.sources import ComposeSet, File, TooBigError, contents, is_url
from manifests.yaml import limits, reader
from manifests.yaml.syntax import UndecodableError, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""What a directory's Compose file is called, the first that is there counts."""


def find(location: str, environ: Mapping[str, str]) -> ComposeSet | None:
    """Return the Compose file at a path, or in a directory; None where there is none.

    A file of another name is one where it has services, and no kind.
    """
    if location == "-" or is_url(location):
        return None
    path = location
    if os.path.isdir(location):
        found = (os.path.join(location, name) for name in NAMES)
        path = next((one for one in found if os.path.isfile(one)), "")
    data = _read(path) if path else None
    raw = _parsed(data, path) if data is not None else None
    if data is None or not isinstance(raw, dict) or "kind" in raw or "apiVersion" in raw:
        return None
    if "services" not in raw and os.path.basename(path) not in NAMES:
        return None
    members = []
    for name in dict.fromkeys(os.path.normpath(one) for one in _named(raw, path, environ)):
        held = _read(name)
        if held is not None:
            members.append(File(name=name, data=held))
    return ComposeSet(
        name=path, data=data, members=tuple(members), environ=tuple(sorted(environ.items()))
    )


def _read(path: str) -> bytes | None:
    try:
        return contents(path, None, limits.DEFAULT.bytes)
    except (OSError, TooBigError):
        return None


def _parsed(data: bytes, path: str) -> Any:
    try:
        found = reader.read(decode(data, path), path, limits.DEFAULT)
    except UndecodableError:
        return None
    return found.documents[0].value if len(found.documents) == 1 else None


def _named(raw: dict[str, Any], path: str, environ: Mapping[str, str]) -> Iterator[str]:
    """Give the files that a Compose file names."""
    from manifests.compose.interpolation import Interpolation

    beside = os.path.dirname(path)
    yield os.path.join(beside, ".env")
    raw = Interpolation(environ).whole(raw)
    services = raw.get("services")
    for service in services.values() if isinstance(services, dict) else ():
        files = service.get("env_file") if isinstance(service, dict) else None
        for one in files if isinstance(files, list) else [files]:
            name = one.get("path") if isinstance(one, dict) else one
            if isinstance(name, str):
                yield os.path.join(beside, name)
    for kind in ("secrets", "configs"):
        declared = raw.get(kind)
        for one in declared.values() if isinstance(declared, dict) else ():
            if isinstance(one, dict) and isinstance(one.get("file"), str):
                yield os.path.join(beside, one["file"])
