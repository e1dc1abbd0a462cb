"""Keep the nft table as the networks and pods of this host need it: one transaction, if any.

What podpy has last put there is remembered in Paths.rules with the generation that this gave the
kernel's rules. While the generation is the same nobody has changed any rule: nothing is listed,
and pods come and go as elements. Otherwise the table is listed and compared, and loaded as a whole
where its chains are not as they were. A lost or half-written memory costs one such load.
"""

from __future__ import annotations

import errno
import os

from manifests import digests
from manifests.faults import HostFault
from manifests.value import EMPTY, Value
from reconciler.targets.host import network_records
from renderers import nft
from runtime import files
from runtime.net import connections, netlink, nfnetlink, nftables
from runtime.rootless import mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from manifests.observed import PodRecord
    from runtime.paths import Paths

_seen: dict[str, Memory] = {}
"""What this process has read back since, by Paths.rules: observing writes no memory."""
_TRIES = 5
"""How often others may change rules while podpy loads its own and reads them back."""


class Memory(Value):
    """What podpy has last loaded. `frame` is the digest of the text without elements, `parts` what
    nft made of it, `place` the network namespace; `generation` 0 is nobody's."""

    generation: int
    place: int
    frame: str
    parts: Mapping[str, str]
    elements: nft.Elements


def load(paths: Paths, present: Iterable[PodRecord]) -> None:
    """Make the table what these pods and the networks on this host need. The caller holds the
    networks' lock. Does nothing where the table is that already."""
    wanted = _wanted(paths, present)
    if not wanted.networks:
        _remove(paths)
        return
    held = nft.elements(wanted)
    known = _change(paths, held)
    if known is None:
        _load(paths, wanted, held)
    connections.forget_stale(known.elements if known else EMPTY, held)


def drift(paths: Paths, present: Iterable[PodRecord]) -> tuple[str, ...]:
    """Say what of the table is not as it should be; reads only."""
    wanted = _wanted(paths, present)
    if not wanted.networks:
        return ()
    held = nft.elements(wanted)
    known, generation = _remembered(paths), nfnetlink.generation()
    if known is not None and known.generation == generation and known.elements == held:
        return ()
    from renderers import nft_drift

    if known is not None and known.generation == generation:
        return nft_drift.elements_changed(held, known.elements)
    listed = nftables.listed(wanted.table)
    if listed is None:
        return (f"nft table {wanted.table} was missing",)
    if known is None:
        return (f"nft table {wanted.table} was not loaded by this version of podpy",)
    found = nft_drift.read(listed)
    if found.parts == known.parts:
        _seen[paths.rules] = known.replace(generation=generation, elements=found.elements)
    return (
        *nft_drift.parts_changed(known.parts, found.parts),
        *nft_drift.elements_changed(held, found.elements),
    )


def _change(paths: Paths, held: nft.Elements) -> Memory | None:
    """Bring the elements in line; return what was there before, None where that does not do."""
    for _try in range(_TRIES):
        known = _as_it_is(paths)
        if known is None:
            return None
        remove, add = nft.difference(known.elements, held)
        try:
            generation = nfnetlink.change(
                paths.instance, known.generation, remove=_packable(remove), add=_packable(add)
            )
        except HostFault as fault:
            if netlink.failed_with(fault, errno.ERESTART):
                continue
            if netlink.failed_with(fault, errno.ENOENT, errno.EEXIST):
                return None
            raise
        _remember(paths, known.replace(generation=generation, elements=held))
        return known
    return None


def _as_it_is(paths: Paths) -> Memory | None:
    """Return the table as it is now, if its rules are those that podpy loaded."""
    known = _remembered(paths)
    generation = nfnetlink.generation()
    if known is None or generation is None or known.generation == generation:
        return known
    seen = _seen.get(paths.rules)
    if seen is not None and seen.generation == generation:
        return seen
    listed = nftables.listed(paths.instance)
    if listed is None:
        return None
    from renderers import nft_drift

    found = nft_drift.read(listed)
    if found.parts != known.parts:
        return None
    return known.replace(generation=generation, elements=found.elements)


def _load(paths: Paths, wanted: nft.RuleSet, held: nft.Elements) -> None:
    """Load the whole table, and read back what nft made of it before anybody else changes rules."""
    from renderers import nft_drift

    memory = Memory(generation=0, place=_place(), frame=_frame(paths), parts={}, elements={})
    for _try in range(_TRIES):
        # Remembered first: where there may be a table of ours, there is a memory of it.
        _remember(paths, memory)
        before = nfnetlink.generation()
        nftables.load(nft.table(wanted))
        listed = nftables.listed(wanted.table)
        after = nfnetlink.generation()
        memory = memory.replace(parts=nft_drift.read(listed or {}).parts, elements=held)
        if before is not None and after == nfnetlink.following(before):
            _remember(paths, memory.replace(generation=after))
            return
    _remember(paths, memory)


def _remove(paths: Paths) -> None:
    if os.path.exists(paths.rules):
        nftables.load(nft.removal(paths.instance))
        os.unlink(paths.rules)


def _wanted(paths: Paths, present: Iterable[PodRecord]) -> nft.RuleSet:
    return nft.RuleSet(
        table=paths.instance,
        networks=tuple(
            nft.Network(link=network.link, subnet=network.subnet, internal=network.internal)
            for network in network_records.whole(paths)
        ),
        ports=tuple(
            _inside(port) for record in present if record.network for port in port_maps(record)
        ),
    )


def _inside(port: nft.PortMap) -> nft.PortMap:
    """In a user's network namespace all comes to one address, whichever it was for outside."""
    return port.replace(host_ip="") if mode.active() else port


def port_maps(record: PodRecord) -> Iterable[nft.PortMap]:
    """Return the ports of the host that lead to a pod. Pure.

    An init container that ends may claim a port that a container has after it.
    """
    spec = record.pod.spec
    ending = [one for one in spec.init_containers if one.restart_policy is None]
    lasting = [one for one in spec.init_containers if one.restart_policy is not None]
    found: dict[str, nft.PortMap] = {}
    for container in (*ending, *lasting, *spec.containers):
        for port in container.ports:
            # Networks have IPv4 addresses alone: manifests.support reports the others.
            if port.host_port and ":" not in port.host_ip:
                item = nft.PortMap(
                    protocol=port.protocol.value.lower(),
                    host_port=port.host_port,
                    host_ip=port.host_ip,
                    address=record.address,
                    port=port.container_port,
                )
                found[item.key] = item
    return found.values()


def _packable(elements: nft.Elements) -> list[nfnetlink.Elements]:
    return [
        nfnetlink.Elements(
            name=name,
            key_types=nft.SETS[name].key,
            data_types=nft.SETS[name].data,
            items=tuple(items.items()),
        )
        for name, items in elements.items()
        if items
    ]


def _remembered(paths: Paths) -> Memory | None:
    """Return the memory of this version's table in this network namespace."""
    raw = files.read_json(paths.rules)
    if not isinstance(raw, dict) or raw.keys() != set(Memory.__fields__):
        return None
    memory = Memory(**raw)
    ours = (memory.place, memory.frame) == (_place(), _frame(paths))
    return memory if ours else None


def _remember(paths: Paths, memory: Memory) -> None:
    held = {field: getattr(memory, field) for field in Memory.__fields__}
    if files.read_json(paths.rules) != held:
        files.write_json(paths.rules, held)


def _frame(paths: Paths) -> str:
    return digests.of(nft.frame(paths.instance))


def _place() -> int:
    return os.stat("/proc/thread-self/ns/net").st_ino
