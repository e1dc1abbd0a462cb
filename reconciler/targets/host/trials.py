"""Try what every pod needs of the kernel and of its OCI runtime: a fault, or nothing.

Each is called in namespaces made as a pod's (runtime.kernel.namespaces), before the first pod of
this boot is made, and by `podpy doctor`. What a trial makes it takes away again.
"""

from __future__ import annotations

import os

from runtime.kernel import cgroups, mounts
from runtime.net import nftables
from runtime.oci import engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.oci.engine import Engine

TABLE = "podpy-trial"


def overlay(directory: str) -> None:
    """Mount an overlay whose directories lie in `directory`, which is empty, and write to it."""
    for name in ("lower", "upper", "work", "root"):
        os.mkdir(f"{directory}/{name}")
    mounts.overlay(
        f"{directory}/root",
        [f"{directory}/lower"],
        upper=f"{directory}/upper",
        work=f"{directory}/work",
    )
    try:
        with open(f"{directory}/root/file", "w", encoding="ascii"):
            pass
    finally:
        mounts.umount(f"{directory}/root")


def rules() -> None:
    """Load one NAT rule, with the set and the map that podpy's own table has, then drop it."""
    nftables.load(
        f"table inet {TABLE} {{\n"
        "  map ports { type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
        "  chain out { type nat hook postrouting priority srcnat; ip saddr 192.0.2.0/24 "
        "masquerade; }\n"
        "}\n"
        f"delete table inet {TABLE}\n"
    )


def runtime(run_dir: str, seen: cgroups.View, instance: str) -> Engine:
    """Find the OCI runtime by running a container; remembered in run_dir, as for the first pod."""
    name = f"{instance}-trial"
    try:
        return engine.find(run_dir, seen, name)
    finally:
        cgroups.remove(seen, f"/{name}")
