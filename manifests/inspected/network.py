"""A network of Podman's: `podman network inspect` in, podpy's own Network out."""

from __future__ import annotations

from manifests.inspected.draft import Loss
from manifests.quadlet.drafting import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KEPT_OPTIONS = ("mtu",)


def convert(raw: dict[str, Any]) -> tuple[dict[str, Any], list[Loss]]:
    """Return the document with the same subnet and gateway, and what of the network is lost."""
    name = raw["name"]
    losses: list[Loss] = []

    def lose(field: str, why: str, *, fatal: bool = False) -> None:
        losses.append(Loss(container=f"network {name}", field=field, why=why, fatal=fatal))

    spec: dict[str, Any] = {}
    if raw.get("driver", "bridge") != "bridge":
        lose("driver", f"{raw['driver']}: podpy's networks are bridges", fatal=True)
    four = [one for one in raw.get("subnets") or () if ":" not in one["subnet"]]
    for one in four[:1]:
        spec["subnet"] = one["subnet"]
        if one.get("gateway"):
            spec["gateway"] = one["gateway"]
    for one in raw.get("subnets") or ():
        if one not in four[:1]:
            lose("subnets", f"{one['subnet']}: a network has one subnet, of IPv4")
    if raw.get("internal"):
        spec["internal"] = True
    options = raw.get("options") or {}
    if options.get("mtu"):
        spec["mtu"] = int(options["mtu"])
    for key in options:
        if key not in _KEPT_OPTIONS:
            lose(f"options.{key}", f"{options[key]}: podpy's networks have no such option")
    if raw.get("routes"):
        lose("routes", "podpy's networks have no routes of their own")
    document = {
        "apiVersion": "podpy.dev/v1",
        "kind": "Network",
        "metadata": {"name": label(name)},
        "spec": spec,
    }
    return document, losses
