"""Where Podman looks for unit files of the system, or of a user: a source in, its files out.

    quadlet:        /run, /etc and /usr/share/containers/systemd
    quadlet:user    those of the user who runs podpy

podman-systemd.unit(5). Of two files of one name the one in the directory named first counts;
QUADLET_UNIT_DIRS names other directories, parted by colons.
"""

from __future__ import annotations

import os

from manifests.problems import Problem
from manifests.sources import File, TooBigError, contents, is_dropin, walk
from manifests.yaml import limits

USER = "quadlet:user"
_BELOW = "containers/systemd"


def files(source: str, problems: list[Problem]) -> list[File]:
    """Return the unit files and drop-ins of all directories; none of these need be there."""
    found: dict[str, File] = {}
    for directory in directories(user=source == USER):
        if not os.path.isdir(directory):
            continue
        for path in walk(directory, frozenset(), problems):
            if source != USER and path.startswith(f"{directory}/users/"):
                continue
            name = os.path.basename(path)
            if is_dropin(path):
                name = f"{os.path.basename(os.path.dirname(path))}/{name}"
            if name not in found:
                try:
                    data = contents(path, None, limits.DEFAULT.bytes)
                except (OSError, TooBigError) as error:
                    problems.append(Problem(file=path, message=f"cannot be read: {error}"))
                    continue
                found[name] = File(name=path, data=data)
    return list(found.values())


def directories(*, user: bool) -> list[str]:
    """Return the directories in the order in which they count."""
    given = os.environ.get("QUADLET_UNIT_DIRS", "")
    if given:
        return [one for one in given.split(":") if one]
    if not user:
        return [f"{root}/{_BELOW}" for root in ("/run", "/etc", "/usr/share")]
    uid = os.getuid()
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"
    own = [f"{runtime}/{_BELOW}", f"{home}/{_BELOW}"]
    shared = [f"{root}/{_BELOW}/users" for root in ("/etc", "/usr/share")]
    return [*own, *(place for one in shared for place in (f"{one}/{uid}", one))]
