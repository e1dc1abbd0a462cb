"""Read what a resourceFieldRef asks for: a container's limit or request, as a whole number. Pure.

A limit that is not set is what the host has; a request that is not set is the limit if that is, as
the API server and the kubelet fill them in.
"""

from __future__ import annotations

from manifests.quantity import Quantity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container, ResourceFieldRef


def asked(container: Container, resource: str) -> Quantity | None:
    """Return the amount behind `limits.cpu` or the like; None where it is the host's."""
    sort, _, name = resource.partition(".")
    limits, requests = container.resources.limits, container.resources.requests
    amount = limits.get(name)
    if sort == "requests":
        return requests.get(name, amount if amount is not None else Quantity("0"))
    return amount


def divided(wanted: ResourceFieldRef, amount: Quantity) -> str:
    """Return `amount` in units of the reference's divisor, rounded up."""
    divisor = wanted.divisor if wanted.divisor.milli() else Quantity("1")
    if wanted.resource.endswith(".cpu"):
        return str(-(-amount.milli() // divisor.milli()))
    return str(-(-amount.whole() // divisor.whole()))
