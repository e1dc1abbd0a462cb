"""Remember what each network was given, in its directory: subnet, gateway, MTU.

The link carries the network's name in its alias and its address, so a lost record can be told
from the host; it is rewritten whenever the network is ensured.
"""

from __future__ import annotations

import contextlib
import json
import os

from manifests import codec
from manifests.faults import HostFault
from runtime.net.bridge import BridgeNetwork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.paths import Paths


def write(paths: Paths, network: BridgeNetwork) -> None:
    """Save the network, atomically."""
    if read(paths, network.name) == network:
        return
    directory = f"{paths.networks}/{network.name}"
    os.makedirs(directory, mode=0o755, exist_ok=True)
    temporary = f"{directory}/network.json.{os.getpid()}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(codec.encode(network), file)
    os.replace(temporary, f"{directory}/network.json")


def read(paths: Paths, name: str) -> BridgeNetwork | None:
    """Return what the network was given; None where it was never made."""
    try:
        with open(f"{paths.networks}/{name}/network.json", encoding="utf-8") as file:
            return codec.restore(BridgeNetwork, json.load(file))
    except (FileNotFoundError, ValueError):
        return None


def get(paths: Paths, name: str) -> BridgeNetwork:
    """Return what the network was given; HostFault where it was never made."""
    found = read(paths, name)
    if found is None:
        raise HostFault(f"Network/{name}: is not on this host", hint="apply its pods again")
    return found


def names(paths: Paths) -> tuple[str, ...]:
    """Return the names of all networks on this host."""
    try:
        found = sorted(os.listdir(paths.networks))
    except FileNotFoundError:
        return ()
    return tuple(name for name in found if os.path.exists(f"{paths.networks}/{name}/network.json"))


def remove(paths: Paths, name: str) -> None:
    """Forget the network; gone already is success."""
    directory = f"{paths.networks}/{name}"
    with contextlib.suppress(FileNotFoundError):
        for file in os.listdir(directory):
            os.unlink(f"{directory}/{file}")
        os.rmdir(directory)
