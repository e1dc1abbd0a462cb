"""Remember what each network was given, in its directory: subnet, gateway, MTU.

The link carries the network's name in its alias and its address, so a lost record can be told
from the host; it is rewritten whenever the network is ensured.
"""

from __future__ import annotations

import contextlib
import os

from manifests import codec
from manifests.faults import HostFault
from runtime import files
from runtime.net.bridge import BridgeNetwork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.paths import Paths

LOCK = "networks"
"""Held by whoever changes networks, their rules or their names."""


def write(paths: Paths, network: BridgeNetwork) -> None:
    """Save the network, atomically."""
    if read(paths, network.name) == network:
        return
    directory = f"{paths.networks}/{network.name}"
    os.makedirs(directory, mode=0o755, exist_ok=True)
    files.write_json(_path(paths, network.name), codec.encode(network))


def read(paths: Paths, name: str) -> BridgeNetwork | None:
    """Return what the network was given; None where it was never made."""
    raw = files.read_json(_path(paths, name))
    try:
        return None if raw is None else codec.restore(BridgeNetwork, raw)
    except ValueError:
        return None


def made_at(paths: Paths, name: str) -> float:
    """Return when the network got its present settings (seconds since the epoch); 0 for none."""
    try:
        return os.stat(f"{paths.networks}/{name}/network.json").st_mtime
    except FileNotFoundError:
        return 0.0


def get(paths: Paths, name: str) -> BridgeNetwork:
    """Return what the network was given; HostFault where it was never made, or that is damaged."""
    found = read(paths, name)
    if found is not None:
        return found
    if name in names(paths):
        raise HostFault(
            f"Network/{name}: its record {_path(paths, name)} is damaged",
            hint="put back what it said; after a restart of the host podpy makes the network anew",
        )
    raise HostFault(f"Network/{name}: is not on this host", hint="apply its pods again")


def names(paths: Paths) -> tuple[str, ...]:
    """Return the names of all networks on this host."""
    try:
        found = sorted(os.listdir(paths.networks))
    except FileNotFoundError:
        return ()
    return tuple(name for name in found if os.path.exists(_path(paths, name)))


def every(paths: Paths) -> tuple[BridgeNetwork, ...]:
    """Return all networks on this host that can be read: to look at, or to stay clear of."""
    found = (read(paths, name) for name in names(paths))
    return tuple(network for network in found if network is not None)


def whole(paths: Paths) -> tuple[BridgeNetwork, ...]:
    """Return all networks on this host; HostFault for a damaged one, whose pods must not suffer."""
    return tuple(get(paths, name) for name in names(paths))


def remove(paths: Paths, name: str) -> None:
    """Forget the network; gone already is success."""
    directory = f"{paths.networks}/{name}"
    with contextlib.suppress(FileNotFoundError):
        for file in os.listdir(directory):
            os.unlink(f"{directory}/{file}")
        os.rmdir(directory)


def _path(paths: Paths, name: str) -> str:
    return f"{paths.networks}/{name}/network.json"
