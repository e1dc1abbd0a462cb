"""Units that are objects by themselves: a .volume is a claim, a .network a Network. Pure."""

from __future__ import annotations

import os

from manifests.quadlet import drafting, durations, pods, specifiers, syntax, tables
from manifests.quadlet.drafting import Draft
from manifests.quadlet.reader import Reader
from manifests.quadlet.remarks import Grade
from manifests.quadlet.syntax import UnreadableError
from manifests.quadlet.tables import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.quadlet.pods import PodDraft
    from manifests.quadlet.units import Unit, Units

_NAMES = {
    ".volume": "VolumeName",
    ".network": "NetworkName",
    ".pod": "PodName",
    ".container": "ContainerName",
}
_ANNOTATIONS = {
    "Device": "device",
    "Driver": "driver",
    "Type": "type",
    "Options": "mount-options",
    "Image": "image",
    "User": "uid",
    "Group": "gid",
    "UID": "uid",
    "GID": "gid",
}
"""Keys of [Volume], and Podman's annotations of claims that say the same: volume.podman.io/..."""
_PREFIX = "volume.podman.io/"

VOLUME = Table(
    honoured=frozenset({"VolumeName", "ServiceName", "Label", *_ANNOTATIONS}),
    unsupported={
        **tables.ARGUMENTS,
        "PodmanArgs": "podpy is not run by Podman",
        "Copy": "a volume is not filled from the image",
    },
    harmless={"Copy": tables.NO},
)
NETWORK = Table(
    honoured=frozenset(
        {
            *("Driver", "Gateway", "IPRange", "Internal", "Label", "NetworkName", "Options"),
            *("ServiceName", "Subnet"),
        }
    ),
    unsupported={
        **tables.ARGUMENTS,
        "PodmanArgs": "podpy is not run by Podman",
        "DNS": "the names of other hosts are asked of the host's own servers",
        "DisableDNS": "pods of a network find each other by name",
        "IPAMDriver": "podpy gives the addresses itself",
        "IPv6": "podpy's networks have IPv4 addresses",
        "InterfaceName": "podpy names its bridges itself",
    },
    told={"NetworkDeleteOnStop": "a network stays until it is deleted"},
    harmless={
        "DisableDNS": tables.NO,
        "IPv6": tables.NO,
        "NetworkDeleteOnStop": tables.NO,
        "IPAMDriver": ("host-local",),
    },
)


def object_name(unit: Unit) -> str:
    """Return the name of the object that a unit is: its own word for it, or the file's."""
    named = unit.last(_NAMES[unit.suffix])
    text = syntax.unquoted(named.value) if named else ""
    try:
        text = specifiers.expand(text, specifiers.of_unit(unit.service))
    except UnreadableError:
        text = ""
    stem = unit.stem.replace("@", "-")
    return drafting.label((text or stem).removeprefix("systemd-")) or "unnamed"


def volume_source(unit: Unit, pod: PodDraft) -> tuple[dict[str, Any], str, str]:
    """Return the volume of a pod that a .volume file means, what may name it, and whose it is.

    What is in memory or goes with its pods is an emptyDir, what is a directory of the host a
    hostPath; all else is a claim.
    """
    name = object_name(unit)
    hint = name.removeprefix(f"{pod.name}-")
    kind, device = _value(unit, "Type"), _value(unit, "Device")
    if kind == "tmpfs":
        return {"emptyDir": {"medium": "Memory", **_size(unit)}}, hint, unit.name
    if kind in ("bind", "none") and device.startswith("/"):
        return {"hostPath": {"path": os.path.normpath(device)}}, hint, ""
    if passing(unit):
        return {"emptyDir": {}}, hint, unit.name
    return {"persistentVolumeClaim": {"claimName": name}}, hint, ""


def _size(unit: Unit) -> dict[str, str]:
    """Return the limit that a tmpfs has; a part of the memory, as 50%, is none."""
    for word in _value(unit, "Options").split(","):
        name, _, size = word.partition("=")
        if name == "size":
            try:
                return {"sizeLimit": durations.amount(durations.size(size))}
            except ValueError:
                return {}
    return {}


def is_default(unit: Unit) -> bool:
    """Tell whether it is the network of pods that name none: as podpy render quadlet writes it.

    Podman's own default has no names of pods; podpy's has.
    """
    own = {(one.key, one.value) for one in unit.entries if one.section == "Network" and one.key}
    return unit.name == "podpy.network" and own <= {("NetworkName", "podpy")}


def passing(unit: Unit) -> bool:
    """Tell whether a volume is removed when nothing needs it: as podpy render quadlet writes it."""
    unneeded = unit.last("StopWhenUnneeded", "Unit")
    stopped = unit.every("ExecStop", "Service")
    return bool(
        unneeded is not None
        and syntax.truth(unneeded.value)
        and any("volume rm" in one.value for one in stopped)
    )


def is_claim(unit: Unit) -> bool:
    """Tell whether a .volume file is an object by itself, as others only say how to mount."""
    kind = _value(unit, "Type")
    bound = kind in ("bind", "none") and _value(unit, "Device").startswith("/")
    return not (kind == "tmpfs" or bound or passing(unit))


def _value(unit: Unit, key: str) -> str:
    entry = unit.last(key)
    return syntax.unquoted(entry.value) if entry else ""


def volume(unit: Unit, units: Units) -> tuple[Draft | None, Reader]:
    """Return the claim that a .volume file is, None where it is no object, and its remarks."""
    reader = Reader(unit)
    tables.judge(reader, VOLUME)
    _check_volume(reader, units)
    if not is_claim(unit):
        return None, reader
    draft = Draft("v1", "PersistentVolumeClaim", unit.top)
    _name(reader, draft, "VolumeName")
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    draft.put(("spec",), spec, unit.top)
    _labels(reader, draft)
    for key, name in _ANNOTATIONS.items():
        given = reader.text(key)
        if given is not None and name in ("uid", "gid"):
            given = given.replace(value="0") if given.value == "root" else given
        if given is not None and name in ("uid", "gid") and not given.value.isdigit():
            reader.say(given.entry, f'is not supported: "{given.value}" is no number')
        elif given is not None:
            draft.annotate(f"{_PREFIX}{name}", given)
    return draft, reader


def _check_volume(reader: Reader, units: Units) -> None:
    from manifests.quadlet import images

    kind, device, driver = (reader.unit.last(key) for key in ("Type", "Device", "Driver"))
    image = reader.text("Image")
    if driver is not None and driver.value == "image" and image is None:
        reader.say(driver, "Image is required with this driver", Grade.WRONG)
    elif image is not None:
        images.resolved(reader, units, image)
    if kind is not None and kind.value and not (device and device.value):
        reader.say(kind, "cannot be used without Device", Grade.WRONG)


def network(unit: Unit) -> tuple[Draft, Reader]:
    """Return the Network that a .network file is, and its remarks."""
    reader = Reader(unit)
    tables.judge(reader, NETWORK)
    draft = Draft("podpy.dev/v1", "Network", unit.top)
    _name(reader, draft, "NetworkName")
    _labels(reader, draft)
    driver = reader.text("Driver")
    if driver is not None and driver.value != "bridge":
        message = f"is not supported: {driver.value}; pods of this network are on a bridge"
        reader.say(driver.entry, message)
    _subnet(reader, draft)
    if (internal := reader.flag("Internal")) and internal.value:
        draft.put(("spec", "internal"), True, internal.entry)
    for name, option in reader.pairs("Options").items():
        if name == "mtu" and option.value.isdigit():
            draft.put(("spec", "mtu"), int(option.value), option.entry)
        else:
            reader.say(option.entry, f"is not supported: {name}")
    return draft, reader


def _subnet(reader: Reader, draft: Draft) -> None:
    subnets, gateways, ranges = (reader.whole(key) for key in ("Subnet", "Gateway", "IPRange"))
    for listed in (gateways, ranges):
        for further in listed[len(subnets) :]:
            what = "needs a Subnet" if not subnets else "there are fewer Subnets"
            reader.say(further.entry, what, Grade.WRONG)
    for one in ranges[: len(subnets)]:
        reader.say(one.entry, "is not supported: any address of the subnet is given")
    fours = [index for index, one in enumerate(subnets) if ":" not in one.value]
    for index, one in enumerate(subnets):
        if index not in fours[:1]:
            reader.say(one.entry, "is not supported: a network has one subnet, of IPv4")
    for index in fours[:1]:
        draft.put(("spec", "subnet"), subnets[index].value, subnets[index].entry)
        if index < len(gateways):
            draft.put(("spec", "gateway"), gateways[index].value, gateways[index].entry)


def _name(reader: Reader, draft: Draft, key: str) -> None:
    named = reader.text(key)
    pods.name_of(reader, named, "")  # tells where the name is another
    entry = named.entry if named else reader.unit.top
    draft.put(("metadata", "name"), object_name(reader.unit), entry)


def _labels(reader: Reader, draft: Draft) -> None:
    for name, read in reader.pairs("Label").items():
        pods.label(reader, draft, name, read)
