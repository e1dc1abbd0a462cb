"""Wanted files, those on the disk and what systemd says in; what is to be done, and why, out. Pure.

Called for the plan and for the pass. A unit is restarted where its own file has changed, or one
that it names: a volume, a network, variables, files that it shows. With a changed pod, or an init
container, all of the pod is.
"""

from __future__ import annotations

from manifests.faults import Invalid
from manifests.value import EMPTY, Value
from reconciler.targets.quadlet import units
from reconciler.targets.quadlet.units import Role

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from manifests.ref import Ref
    from reconciler.targets.quadlet.records import Record
    from reconciler.targets.quadlet.units import Service
    from reconciler.targets.quadlet.wanted import Wanted
    from runtime.systemd_bus import Unit

    Told = dict[Ref, list[str]]


class Seen(Value):
    """What there is: digests of `wanted` files and of those on the `disk` (None: not there), what
    systemd says of units, and which Jobs are `done`. `others` are files of other Syncs."""

    wanted: Mapping[str, str]
    disk: Mapping[str, str | None]
    units: Mapping[str, Unit]
    done: Collection[str] = ()
    others: Collection[str] = ()


class Work(Value):
    """Files to `write` and to `remove`, services to `stop`, `restart` and `start`.

    `changed` and `drifted` say why, for each object; `affected` are the objects of whose services
    some begin anew.
    """

    write: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    reload: bool = False
    changed: Mapping[Ref, tuple[str, ...]] = EMPTY
    drifted: Mapping[Ref, tuple[str, ...]] = EMPTY
    affected: frozenset[Ref] = frozenset()

    @property
    def effective(self) -> bool:
        return bool(self.write or self.remove or self.restart or self.start or self.reload)


def find(
    wanted: Wanted, services: tuple[Service, ...], record: Record, seen: Seen, kept: Collection[Ref]
) -> Work:
    """Return what is to be done; `kept` are objects that are not wished any more, and stay.

    Raises Invalid where a file is in the way that is not podpy's.
    """
    _refuse_others(wanted, record, seen)
    changed: Told = {}
    drifted: Told = {}
    write = tuple(_written(wanted, record, seen, changed, drifted))
    remove = tuple(
        name
        for name, known in record.files.items()
        if name not in wanted.files and not (known.of in kept if known.of else kept)
    )
    owners = set(wanted.owners.values())
    for name in remove:
        of = record.files[name].of
        if of in owners and of is not None:
            changed.setdefault(of, []).append(f"{name} is no longer wanted")
    touched = {*write, *units.naming(wanted.files, write)}
    restart = tuple(dict.fromkeys((*_again(services, touched), *_left(services, record))))
    start = tuple(_stopped(services, seen, restart, drifted))
    stale = sorted(one.name for one in seen.units.values() if one.stale)
    beginning = {*restart, *start}
    return Work(
        write=write,
        remove=remove,
        stop=leaving(remove),
        restart=restart,
        start=start,
        reload=bool(write or remove or stale or record.reload),
        changed={ref: tuple(why) for ref, why in changed.items()},
        drifted={ref: tuple(why) for ref, why in drifted.items()},
        affected=frozenset(one.of for one in services if beginning & {one.name, one.pod}),
    )


def _refuse_others(wanted: Wanted, record: Record, seen: Seen) -> None:
    taken = []
    for name in wanted.files:
        there = seen.disk.get(name) is not None
        if not there or name in record.files or name.endswith("/"):
            continue
        shared = name not in wanted.owners and seen.disk[name] == seen.wanted[name]
        if not (shared and name in seen.others):
            taken.append(name)
    if taken:
        raise Invalid(
            f"not podpy's for this Sync, and in the way: {', '.join(taken)}",
            hint="move them out of /etc/containers/systemd, or rename the objects",
        )


def _written(
    wanted: Wanted, record: Record, seen: Seen, changed: Told, drifted: Told
) -> Iterator[str]:
    """Yield the files to be written, and note why."""
    for name in wanted.files:
        known = record.files.get(name)
        there, digest = seen.disk.get(name), seen.wanted[name]
        if there == digest and (known is not None or name in seen.others):
            continue
        yield name
        of = wanted.owners.get(name)
        if of is None:
            continue
        if known is None or digest != known.digests[-1]:
            changed.setdefault(of, []).append(f"{name} {'is new' if known is None else 'changed'}")
        elif there in known.digests:
            changed.setdefault(of, []).append(f"{name} changed")
        elif there is None:
            drifted.setdefault(of, []).append(f"{name} was removed by hand")
        else:
            drifted.setdefault(of, []).append(f"{name} was changed by hand")


def _again(services: tuple[Service, ...], touched: Collection[str]) -> Iterator[str]:
    """Yield the services to restart for these files: of a pod that is restarted, only the pod's."""
    hit = [one for one in services if one.file in touched]
    whole = {one.name for one in hit if one.role is Role.POD}
    whole |= {one.pod for one in hit if one.pod and one.role in (Role.INIT, Role.JOB)}
    yield from sorted(whole)
    for one in hit:
        if one.name not in whole and one.pod not in whole:
            yield one.name


def _left(services: tuple[Service, ...], record: Record) -> Iterator[str]:
    """Yield what a pass that was killed has not restarted."""
    names = {one.name for one in services}
    yield from (name for name in record.due if name in names)


def _stopped(
    services: tuple[Service, ...], seen: Seen, restart: Collection[str], drifted: Told
) -> Iterator[str]:
    """Yield the services that should run, and do not; what begins anyway is not looked at."""
    down: set[str] = set()
    lasting = {one.pod for one in services if one.role is Role.LASTING}
    for one in sorted(services, key=lambda one: one.role is not Role.POD):
        if one.name in restart or one.pod in restart or one.pod in down:
            continue
        unit = seen.units.get(one.name)
        if unit is None or unit.job or not _is_down(one, unit, seen, lasting):
            continue
        down.add(one.name)
        how = f"failed: {unit.result}" if unit.active == "failed" else "does not run"
        drifted.setdefault(one.of, []).append(f"{one.name} {how}")
        yield one.name


def _is_down(one: Service, unit: Unit, seen: Seen, lasting: Collection[str]) -> bool:
    """Tell whether a service is not as it should be; of a pod whose containers may all end, that it
    runs no more tells nothing."""
    if unit.active not in ("inactive", "failed"):
        return False
    match one.role:
        case Role.INIT:
            return False
        case Role.JOB:
            return not one.pod and unit.active == "inactive" and _never(one, unit, seen)
        case Role.LASTING:
            return True
        case Role.POD:
            return unit.tried == 0 or one.name in lasting
        case Role.ONCE:
            return unit.tried == 0


def _never(one: Service, unit: Unit, seen: Seen) -> bool:
    """Tell whether a Job has not run, in this boot or before."""
    return unit.tried == 0 and one.mark not in seen.done


def leaving(remove: Collection[str]) -> tuple[str, ...]:
    """Return the services of files that go, in the order of their stops: pods, which take their
    containers with them, then what those have used."""
    names = sorted(remove, key=lambda name: (not name.endswith(".pod"), _supplies(name), name))
    found = (units.service(name) for name in names)
    return tuple(name for name in found if name is not None)


def _supplies(name: str) -> bool:
    return not name.endswith((".pod", ".container", ".kube"))
