"""Which containers of a .pod run before the others, and in which order: units in, roles out. Pure.

Kubernetes starts the containers of a pod together; only init containers and sidecars come first.
So a container that others of its pod come after is one of these: an init container where it comes
to an end, a sidecar where it is always restarted. Without a .pod, a unit that comes to an end and
then has one started that requires it is an init container of that one.
"""

from __future__ import annotations

from manifests.quadlet import supervision
from manifests.strenum import StrEnum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from manifests.quadlet.reader import Reader
    from manifests.quadlet.syntax import Entry
    from manifests.quadlet.units import Unit, Units

    Orders = Sequence[tuple[Unit, Unit, Entry]]
    """Later, earlier, and where that is said."""


class Role(StrEnum):
    INIT = "init"
    SIDECAR = "sidecar"
    REGULAR = "regular"


def is_init(unit: Unit, units: Units) -> bool:
    """Tell whether a container without a .pod is an init container of another."""
    if unit.suffix != ".container" or unit.last("Pod") or not supervision.once(unit):
        return False
    begun = [one.value.split()[-2:] for one in unit.every("ExecStartPost", "Service")]
    return any(
        [verb, name] in begun and unit in supervision.required(other, units)
        for other in list(units.by_name.values())
        for verb, name in (("start", f"{other.service}.service"),)
    )


def inits(unit: Unit, units: Units) -> list[Unit]:
    """Return the init containers of a container without a .pod, in their order."""
    return [one for one in supervision.required(unit, units) if is_init(one, units)]


def in_turn(readers: Sequence[Reader], after: Orders) -> list[Reader]:
    """Order containers as After= and Before= have it, and by name where they do not."""
    left = sorted(readers, key=lambda one: one.unit.name)
    done: list[Reader] = []
    while left:
        waiting = {one.unit.name for one in left}
        behind = {
            later.name for later, earlier, _ in after if earlier.name in waiting - {later.name}
        }
        ready = next((one for one in left if one.unit.name not in behind), left[0])
        left.remove(ready)
        done.append(ready)
    return done


def role(reader: Reader, readers: Sequence[Reader], after: Orders) -> Role:
    """Return what a container is among those of its pod; an order that is lost is told."""
    names = {one.unit.name for one in readers} - {reader.unit.name}
    own = reader.unit.name
    waits = [entry for later, one, entry in after if one.name == own and later.name in names]
    if not waits:
        return Role.REGULAR
    if supervision.once(reader.unit):
        return Role.INIT
    if supervision.restart(reader)[0] == supervision.ALWAYS:
        return Role.SIDECAR
    for entry in waits:
        message = f"the containers of a pod start together; with Restart=always {own} comes first"
        reader.say(entry, f"is not supported here: {message}")
    return Role.REGULAR
