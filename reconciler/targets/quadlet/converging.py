"""One pass of a Sync whose units systemd runs: wishes in, the host as they say, a report out.

    prospect  wished objects -> files (wanted), against the disk and systemd (work) -> a plan
    fetch     the images of what begins anew, while all still runs
    record    the wish, and the files that there will be: killed from here on, the next pass goes on
    write     files; stop what goes and remove its files; one daemon-reload; restart, start
    settle    wait until what has begun is healthy, with no lock held

What reconciler.cycle is for podpy's own runtime. Called by reconciler.syncs.
"""

from __future__ import annotations

import time

from manifests import kinds
from manifests.faults import Fault, Invalid, TimedOut
from manifests.value import Value
from reconciler import history, recording, wishing
from reconciler.execute import run as execute
from reconciler.execute.run import Outcome
from reconciler.plan import immutable
from reconciler.plan.change import Change, Op, Plan
from reconciler.report import Report
from reconciler.targets.quadlet import changes, disk, fitness, images, records, settling, units
from reconciler.targets.quadlet import wanted as wanting
from reconciler.targets.quadlet import work as working
from reconciler.targets.quadlet.records import Known, Record
from reconciler.workloads.ownership import belongs_to
from runtime import interrupts, locks, systemd_bus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from manifests.ref import Ref
    from manifests.sync import Sync
    from reconciler.cycle import Consent, Options
    from reconciler.plan.wish import Wish, Wished
    from reconciler.targets.host.host import Host
    from reconciler.targets.quadlet.units import Service
    from reconciler.targets.quadlet.wanted import Wanted
    from reconciler.targets.quadlet.work import Work
    from runtime.systemd_bus import Manager

LOCK = "the unit files of Quadlet"
"""Held while files are written and systemd reads them; Syncs share both."""


class Intent(Value):
    """A wish, and the files and services that it comes to: nothing of the host is in it."""

    wish: Wish
    wanted: Wanted
    services: tuple[Service, ...]


class Prospect(Value):
    """A plan, and what it was made of."""

    wish: Wish
    wanted: Wanted
    digests: dict[str, str]
    services: tuple[Service, ...]
    record: Record
    work: Work
    plan: Plan


class Units:
    """The units of one Sync on this host."""

    def __init__(self, host: Host, sync: Sync) -> None:
        self._host, self._base, self._paths = host, host.base, host.base.paths
        self._name = sync.metadata.name
        self._spec = sync.spec

    def plan(self, wished: Sequence[Wished], options: Options, consent: Consent) -> Plan:
        """Return what a pass would do. Changes nothing; raises Unfit, Invalid as `converge`."""
        podman = fitness.podman()
        with systemd_bus.connected() as manager:
            intent = self._intent(podman, wished, options, consent)
            return self._prospect(manager, intent).plan

    def converge(
        self,
        wished: Sequence[Wished],
        options: Options,
        notify: Callable[[Outcome], None],
        consent: Consent,
    ) -> Report:
        """Bring units in line with these objects, and wait until what has begun is healthy.

        Raises Unfit where systemd or Podman is missing or too old, Invalid where the objects cannot
        be units of this Sync; then nothing has been changed.
        """
        podman = fitness.podman()
        deadline = time.monotonic() + self._base.start_seconds
        with systemd_bus.connected() as manager:
            with interrupts.noticed(), locks.held(self._paths, [str(one.ref) for one in wished]):
                self._host.admit()
                intent = self._intent(podman, wished, options, consent)
                seen = self._prospect(manager, intent)
                fault = execute.tried("images", lambda: images.fetch(_beginning(seen)))
                if fault is not None:
                    return self._refused(seen, fault, notify)
                with locks.held(self._paths, [LOCK]):
                    seen = self._prospect(manager, intent)
                    outcomes = self._carried_out(manager, seen, notify)
            if self._spec.wait and not any(one.fault for one in outcomes):
                outcomes += self._unsettled(manager, seen, deadline)
        return Report(plan=seen.plan, outcomes=outcomes, rebuilt=self._base.database.rebuilt)

    def _intent(
        self, podman: str, wished: Sequence[Wished], options: Options, consent: Consent
    ) -> Intent:
        wish = wishing.wish_of(self._base, wished, options, consent)
        immutable.refuse_changes(wish)
        self._refuse_pods(wish)
        wanted = wanting.make(wished, podman)
        if wanted.lost and not self._spec.allow_unsupported:
            raise wanting.lossy(wanted.lost)
        services = units.services(wanted.files, wanted.owners)
        return Intent(wish=wish, wanted=wanted, services=services)

    def _prospect(self, manager: Manager, intent: Intent) -> Prospect:
        wish, wanted, services = intent.wish, intent.wanted, intent.services
        record = records.read(self._paths, self._name)
        kept = set(record.objects) - {item.ref for item in wish.objects} - set(wish.pruned)
        names = dict.fromkeys((*wanted.files, *record.files))
        seen = working.Seen(
            wanted=disk.wanted(self._paths, wanted.files),
            disk=disk.there(self._paths, names),
            units=manager.units(one.name for one in services),
            done=disk.done(),
            others=records.files_of_others(self._paths, self._name),
        )
        found = working.find(wanted, services, record, seen, kept)
        self._refuse_networks(wish, record)
        return Prospect(
            wish=wish,
            wanted=wanted,
            digests=dict(seen.wanted),
            services=services,
            record=record,
            work=found,
            plan=changes.plan(wish, found),
        )

    def _refuse_pods(self, wish: Wish) -> None:
        """Raise Invalid where podpy's own runtime has pods of these objects."""
        running = {
            ref for state in self._host.pods() for ref in (belongs_to(state), kinds.ref(state.pod))
        }
        theirs = [f"{one.where}: {one.ref}" for one in wish.objects if one.ref in running]
        if theirs:
            raise Invalid(
                f"podpy's own runtime has pods of {', '.join(theirs)}",
                hint="podpy delete them first, or podpy sync rm the Sync and add it again",
            )

    def _refuse_networks(self, wish: Wish, record: Record) -> None:
        """Raise Invalid where a network would be another one: Podman keeps the one it has."""
        for item in wish.objects:
            if item.ref.kind == "Network" and item.ref in record.objects:
                before = wish.remembered.get(item.ref)
                if before is not None and before.digest != item.digest:
                    raise Invalid(
                        f"{item.where}: {item.ref} cannot change while Podman has it",
                        hint="give the changed network another name",
                    )

    def _refused(self, seen: Prospect, fault: Fault, notify: Callable[[Outcome], None]) -> Report:
        """Return the report of a pass that has changed nothing."""
        outcomes = tuple(Outcome(change=one, fault=fault) for one in seen.plan.effective()[:1])
        for one in outcomes:
            notify(one)
        history.note(self._base.database, outcomes)
        return Report(plan=seen.plan, outcomes=outcomes, refused=True)

    def _carried_out(
        self, manager: Manager, seen: Prospect, notify: Callable[[Outcome], None]
    ) -> tuple[Outcome, ...]:
        if seen.plan.effective() or recording.unrecorded(seen.wish):
            recording.save_wish(self._base, seen.wish)
        began = time.monotonic()
        fault = execute.tried(f"Sync/{self._name}", lambda: self._work(manager, seen))
        seconds = time.monotonic() - began
        outcomes = tuple(
            Outcome(change=one, fault=fault, seconds=seconds) for one in seen.plan.effective()
        )
        for one in outcomes:
            notify(one)
        history.note(self._base.database, outcomes)
        history.forget(self._base, outcomes)
        return outcomes

    def _work(self, manager: Manager, seen: Prospect) -> None:
        """Do what is to be done. Killed in it, the record leaves the rest to the next pass."""
        work, record = seen.work, _objects_of(seen)
        if not work.effective:
            if record != seen.record:
                records.save(self._paths, self._name, record)
            return
        due = tuple(dict.fromkeys((*seen.record.due, *work.restart)))
        coming = record.replace(files=_coming(seen), due=due, reload=True)
        records.save(self._paths, self._name, coming)
        for name in work.write:
            disk.put(seen.wanted.files[name])
        settling.stopped(manager, work.stop)
        others = records.files_of_others(self._paths, self._name)
        disk.remove(name for name in work.remove if name not in others)
        if work.reload:
            manager.reload()
        after = record.replace(files=_after(seen), due=due)
        records.save(self._paths, self._name, after)
        # How they ended before tells nothing of how they begin, nor does how often systemd tried.
        for one in _beginning(seen):
            manager.forgive(one.name)
        for name in work.restart:
            manager.restart(name)
        for name in work.start:
            manager.start(name)
        records.save(self._paths, self._name, after.replace(due=()))

    def _unsettled(self, manager: Manager, seen: Prospect, deadline: float) -> tuple[Outcome, ...]:
        """Wait for what has begun; return an outcome for each object that is not healthy."""
        if not seen.work.affected:
            return ()
        left = deadline - time.monotonic()
        affected, overtaken = seen.work.affected, self._base.overtaken
        told = settling.unsettled(manager, seen.services, affected, left, overtaken)
        outcomes = tuple(
            Outcome(
                change=Change(op=Op.UPDATE, ref=ref),
                fault=(Fault if one.final else TimedOut)(f"{ref}: is not healthy: {one.why}"),
            )
            for ref, one in told
        )
        history.note(self._base.database, outcomes)
        return outcomes


def _beginning(seen: Prospect) -> list[Service]:
    """Return the services that begin anew, whose images must be here."""
    begun = {*seen.work.restart, *seen.work.start}
    return [one for one in seen.services if begun & {one.name, one.pod}]


def _objects_of(seen: Prospect) -> Record:
    """Return the record with the objects that there are after the pass."""
    kept = set(seen.record.objects) - set(seen.wish.pruned)
    wished = (item.ref for item in seen.wish.objects)
    return seen.record.replace(objects=tuple(sorted({*kept, *wished}, key=_key)))


def _key(ref: Ref) -> tuple[str, str, str]:
    return ref.key()


def _coming(seen: Prospect) -> dict[str, Known]:
    """Return the files while they are written: each has what it had, or what it will have."""
    found = dict(seen.record.files)
    for name, digest in seen.digests.items():
        before = found[name].digests if name in found else ()
        kept = tuple(one for one in before if one != digest)
        found[name] = Known(digests=(*kept, digest), of=seen.wanted.owners.get(name))
    return found


def _after(seen: Prospect) -> dict[str, Known]:
    """Return the files once all are written and removed."""
    wanted = {
        name: Known(digests=(digest,), of=seen.wanted.owners.get(name))
        for name, digest in seen.digests.items()
    }
    removed = {*seen.work.remove, *wanted}
    kept = {name: one for name, one in seen.record.files.items() if name not in removed}
    return {**kept, **wanted}
