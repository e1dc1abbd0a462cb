"""The keys that describe a pod as a whole: in [Pod], and in [Container] where it is a pod alone."""

from __future__ import annotations

from manifests import codec, publishing, settings
from manifests.checks import names
from manifests.checks.ports import overlap, shown
from manifests.container import ContainerPort
from manifests.quadlet import drafting, durations
from manifests.quadlet.drafting import Draft
from manifests.quadlet.remarks import Grade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.quadlet.reader import Read, Reader
    from manifests.quadlet.syntax import Entry
    from manifests.quadlet.units import Units

_DEFAULT_NETWORKS = ("bridge", "private", "podman", "default", "slirp4netns", "pasta")
_FIRST = ("spec", "containers", 0)
_OPTIONS = {"ip": settings.ADDRESS, "mac": settings.MAC}


class PodDraft(Draft):
    """A Pod in the making. `units` are all that it may refer to, `beside` objects that it needs.

    `left_out`: it cannot be made, which is told. `job`: it comes to an end, and is tried again so
    often.
    """

    def __init__(self, units: Units, top: Entry) -> None:
        super().__init__("v1", "Pod", top)
        self.units = units
        self.beside: list[Draft] = []
        self.left_out = False
        self.job: tuple[int, Entry] | None = None
        self._volumes: dict[str, str] = {}

    @property
    def reference(self) -> str:
        """What others wait for."""
        return f"{'Pod' if self.job is None else 'Job'}/{self.name}"

    def volume(self, source: dict[str, Any], hint: str, entry: Entry, owner: str = "") -> str:
        """Return the name of the pod's volume of a source; one that is there is not made again.

        An emptyDir is another one for each `owner`, a unit, and for each that has none.
        """
        key = f"{owner} {sorted(source.items())!r}"
        if "emptyDir" in source and not owner:
            key += f" {len(self._volumes)}"
        if key not in self._volumes:
            name = drafting.free(drafting.label(hint, 50) or "volume", self._volumes.values())
            self.add(("spec", "volumes"), {"name": name, **source}, entry)
            self._volumes[key] = name
        return self._volumes[key]


def name_of(reader: Reader, read: Read | None, fallback: str) -> str:
    """Return the name that Kubernetes can have for an object, and tell where it is another."""
    given = read.value if read else fallback
    # Spelled as Podman names the objects of units that name none.
    given = given.removeprefix("systemd-")
    made = drafting.label(given) or "unnamed"
    if read is not None and made != given:
        reader.say(read.entry, f'"{given}" is called "{made}": names are host names', Grade.TOLD)
    return made


def shared_keys(reader: Reader, pod: PodDraft) -> None:
    """Read the keys that [Pod] and [Container] have in common."""
    network(reader, pod)
    _address(reader, pod)
    _aliases(reader, pod)
    _hosts(reader, pod)
    _dns(reader, pod)
    host_name = reader.text("HostName")
    if host_name is not None and host_name.value != pod.name:
        own = drafting.label(host_name.value.partition(".")[0])
        pod.put(("spec", "hostname"), own, host_name.entry)
        if own != host_name.value:
            message = f'is "{own}": Kubernetes has no domains or other signs in it'
            reader.say(host_name.entry, f"is not supported as it is: it {message}")
    for name, read in reader.pairs("Label").items():
        label(reader, pod, name, read)
    for one in reader.listed("--sysctl"):  # of a pod, which has no key for it
        name, _, value = one.value.partition("=")
        sysctl = {"name": name, "value": value}
        pod.add(("spec", "securityContext", "sysctls"), sysctl, one.entry)


def label(reader: Reader, draft: Draft, name: str, read: Read) -> None:
    """Add a label; as an annotation where it is none that Kubernetes takes."""
    if names.qualified(name):
        reader.say(read.entry, f"{name}: {names.qualified(name)}; it is left out")
    elif names.label_value(read.value):
        draft.annotate(name, read)
        message = f"{name} is an annotation here: its value is not one of a label"
        reader.say(read.entry, message, Grade.TOLD)
    else:
        there = draft.at(("metadata", "labels", name))
        if there not in (None, read.value):
            reader.say(read.entry, f"{name}: another container of the pod has it as {there}")
        draft.put(("metadata", "labels", name), read.value, read.entry)


def network(reader: Reader, pod: PodDraft) -> None:
    """Read Network=: which network the pod is in."""
    listed = [one for one in reader.whole("Network") if one.value]
    for further in listed[1:]:
        reader.say(further.entry, "a pod joins one network, as in Kubernetes: the first named")
    for one in listed[:1]:
        _join(reader, pod, one)


def _join(reader: Reader, pod: PodDraft, read: Read) -> None:
    name, _, options = read.value.partition(":")
    entry = read.entry
    if name == "host":
        pod.put(("spec", "hostNetwork"), True, entry)
        return
    if name.endswith(".container") or name in ("container", "ns", "pod"):
        if name.endswith(".container") and pod.units.find(name, reader.unit) is None:
            reader.say(entry, f"{name} is not among the units", Grade.WRONG)
        elif name.endswith(".container") and options:
            reader.say(entry, f"{name} takes no options", Grade.WRONG)
        else:
            message = "another's network is not joined; write both into one .pod"
            reader.say(entry, f"is not supported: {message}")
        return
    if name not in _DEFAULT_NETWORKS:
        joined = network_name(reader, pod.units, name, entry)
        if joined:
            pod.put(("metadata", "annotations", settings.NETWORK), joined, entry)
    elif name in ("slirp4netns", "pasta"):
        reader.say(entry, f"is not supported: podpy runs as root, and pods have bridges: {name}")
        return
    for option in filter(None, options.split(",")):
        key, _, value = option.partition("=")
        if key in _OPTIONS:
            pod.put(("metadata", "annotations", _OPTIONS[key]), value, entry)
        elif (key, value) != ("alias", pod.name):
            reader.say(entry, f"is not supported: podpy's networks have no option {key}")


def network_name(reader: Reader, units: Units, name: str, entry: Entry) -> str:
    """Return the name of the Network that Network= means; "" where there is none, which is told."""
    if not name.endswith(".network"):
        return drafting.label(name)
    unit = units.find(name, reader.unit)
    if unit is None:
        reader.say(entry, f"{name} is not among the units", Grade.WRONG)
        return ""
    from manifests.quadlet import objects

    return "" if objects.is_default(unit) else objects.object_name(unit)


def _address(reader: Reader, pod: PodDraft) -> None:
    four, six = reader.text("IP"), reader.text("IP6")
    if four is not None:
        pod.annotate(settings.ADDRESS, four)
    if six is not None:
        reader.say(six.entry, "is not supported: podpy's networks have IPv4 addresses")


def _aliases(reader: Reader, pod: PodDraft) -> None:
    for alias in reader.whole("NetworkAlias"):
        if alias.value != pod.name:
            message = f"{pod.name} is found by its own name, not as {alias.value}"
            reader.say(alias.entry, f"is not supported: {message}")


def _hosts(reader: Reader, pod: PodDraft) -> None:
    for host in reader.whole("AddHost"):
        name, _, address = host.value.partition(":")
        if address == "host-gateway" or settings.fault(settings.ADDRESS, address):
            reader.say(host.entry, f'is not supported: "{address}" is no address')
            continue
        there = pod.at(("spec", "hostAliases")) or [{"ip": ""}]
        if there[-1]["ip"] == address:
            there[-1]["hostnames"].extend(name.split(";"))
        else:
            alias = {"ip": address, "hostnames": name.split(";")}
            pod.add(("spec", "hostAliases"), alias, host.entry)


def _dns(reader: Reader, pod: PodDraft) -> None:
    where = ("spec", "dnsConfig")
    for key, field in (("DNS", "nameservers"), ("DNSSearch", "searches")):
        for one in reader.whole(key):
            if one.value in ("none", "."):
                reader.say(one.entry, f"is not supported: {one.value}")
            else:
                pod.add((*where, field), one.value, one.entry)
    for one in reader.whole("DNSOption"):
        name, colon, value = one.value.partition(":")
        option = {"name": name, "value": value} if colon else {"name": name}
        pod.add((*where, "options"), option, one.entry)


def ports(reader: Reader, pod: PodDraft) -> None:
    """Read PublishPort=: the ports of a pod stand in its first container."""
    host = bool(pod.at(("spec", "hostNetwork")))
    claimed: list[ContainerPort] = []
    for word in reader.whole("PublishPort"):
        if host:
            reader.say(word.entry, "is left out: the pod has the host's ports", Grade.TOLD)
            continue
        try:
            found = list(publishing.read(word.value.strip()))
        except ValueError as error:
            reader.say(word.entry, f'"{word.value}": {error}', Grade.WRONG)
            continue
        if found and not found[0].given:
            message = f"Podman takes any port of the host; here it is {found[0].host}"
            reader.say(word.entry, message, Grade.TOLD)
        for one in found:
            port = codec.restore(ContainerPort, one.raw())
            if any(overlap(port, other) for other in claimed):
                reader.say(word.entry, f"is left out: {shown(port)} is claimed twice")
            else:
                pod.add((*_FIRST, "ports"), one.raw(), word.entry)
                claimed.append(port)


def grace(reader: Reader, pod: PodDraft) -> None:
    """Read StopTimeout=; of several the longest counts. Podman's own default is 10 seconds."""
    given = reader.text("StopTimeout")
    path = ("spec", "terminationGracePeriodSeconds")
    if given is None:
        return
    if not given.value.isdigit():
        reader.say(given.entry, f'"{given.value}" must be a number of seconds', Grade.WRONG)
    elif int(given.value) > (pod.at(path) or 0):
        pod.put(path, int(given.value), given.entry)


def shared_memory(reader: Reader, pod: PodDraft) -> tuple[str, Read] | None:
    """Return the volume that ShmSize= asks for at /dev/shm."""
    given = reader.text("ShmSize")
    if given is None:
        return None
    try:
        amount = durations.amount(durations.size(given.value))
    except ValueError as error:
        reader.say(given.entry, str(error), Grade.WRONG)
        return None
    source = {"emptyDir": {"medium": "Memory", "sizeLimit": amount}}
    return pod.volume(source, "shm", given.entry, f"{reader.unit.name} shm"), given
