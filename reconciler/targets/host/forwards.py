"""Lead ports of the host into a user's network namespace, where the nft table takes them on.

Only for podpy without root: root's rules see the host's ports themselves. slirp4netns knows what is
led; nothing else is kept.
"""

from __future__ import annotations

from manifests.faults import Fault
from reconciler.state import leases
from reconciler.targets.host import ruleset
from renderers import nft
from runtime.rootless import slirp
from runtime.rootless.slirp import Forward

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.observed import PodRecord
    from runtime.paths import Paths


def wanted(present: Iterable[PodRecord]) -> frozenset[Forward]:
    """Return what is to be led in for these pods. Pure."""
    return frozenset(
        Forward(
            protocol=port.protocol.upper(),
            address=leases.ANY_IP if port.host_ip in nft.EVERY_ADDRESS else port.host_ip,
            port=port.host_port,
        )
        for record in present
        if record.network
        for port in ruleset.port_maps(record)
    )


def synchronise(paths: Paths, present: Iterable[PodRecord]) -> None:
    """Lead in what these pods want, and nothing else.

    What cannot be is left to `drift` to tell and to `barred` to refuse: one pod's port keeps no
    other from going.
    """
    asked = wanted(present)
    try:
        led = slirp.forwards(paths)
        for gone in led.keys() - asked:
            slirp.remove(paths, led[gone])
    except Fault:
        return
    for missing in asked - led.keys():
        try:
            slirp.add(paths, missing)
        except Fault:
            continue


def barred(paths: Paths, new: PodRecord) -> Fault | None:
    """Return slirp4netns' words where a port of the pod is not led in after all."""
    asked = wanted([new])
    try:
        for missing in asked - slirp.forwards(paths).keys() if asked else ():
            slirp.add(paths, missing)
    except Fault as fault:
        return fault
    return None


def drift(paths: Paths, present: Iterable[PodRecord]) -> dict[str, tuple[str, ...]]:
    """Say, by the uid of their pods, which ports do not lead in; reads only."""
    asked = {record.uid: wanted([record]) for record in present}
    try:
        led = slirp.forwards(paths).keys() if any(asked.values()) else frozenset()
    except Fault as fault:
        return {uid: (fault.message,) for uid, ports in asked.items() if ports}
    return {
        uid: tuple(f"host port {one} led nowhere" for one in sorted(map(str, ports - led)))
        for uid, ports in asked.items()
        if ports - led
    }
