"""A set of unit files in, documents with what is wrong and what is left out of them, out. Pure.

    read(unit_set) -> Reading: for manifests.load, beside manifests.documents

A .container is a Pod of one container, a .pod a Pod of those that name it; a .volume is a claim, a
.network a Network, a .kube the manifests that it names. What an object refers to comes from
anywhere in the set.
"""

from __future__ import annotations

from manifests.problems import Problem
from manifests.quadlet import (
    arguments,
    container,
    drafting,
    handlers,
    images,
    kube,
    membership,
    mounts,
    objects,
    pods,
    supervision,
    tables,
    timers,
)
from manifests.quadlet.membership import Role
from manifests.quadlet.pods import PodDraft
from manifests.quadlet.reader import Read, Reader
from manifests.quadlet.remarks import Grade, Remark
from manifests.quadlet.tables import Table
from manifests.quadlet.units import Unit, Units
from manifests.settings import DEPENDS_ON
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.documents import Document
    from manifests.problems import FieldPath
    from manifests.quadlet.drafting import Draft
    from manifests.quadlet.syntax import Entry
    from manifests.sources import UnitSet

POD = Table(
    honoured=frozenset(
        {
            *("AddHost", "DNS", "DNSOption", "DNSSearch", "HostName", "IP", "IP6", "Label"),
            *("Network", "NetworkAlias", "PodName", "PodmanArgs", "PublishPort", "ServiceName"),
            *("ShmSize", "StopTimeout", "Volume"),
        }
    ),
    unsupported={**tables.NAMESPACES, **tables.ARGUMENTS},
    told={"ExitPolicy": "a pod stays as long as its object does"},
    harmless={"UserNS": ("host",), "ExitPolicy": ("continue", "stop")},
)
TABLES: dict[str, Table] = {
    "Container": container.TABLE,
    "Pod": POD,
    "Volume": objects.VOLUME,
    "Network": objects.NETWORK,
    "Kube": kube.TABLE,
    "Image": images.IMAGE,
    "Build": images.BUILD,
    "Artifact": images.ARTIFACT,
}
_GRACE = 10
"""Seconds that Podman gives a container to stop in, where nothing says so."""


class Reading(Value):
    """What a set holds: `remarks` are those about keys, `problems` those about texts."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]
    remarks: tuple[Remark, ...]


def read(given: UnitSet) -> Reading:
    """Return what the units of a set stand for."""
    return _Set(given).reading()


def _as_it_runs(draft: Draft) -> Draft:
    """Return a pod that comes to an end as the Job that it is; others as they are."""
    if not isinstance(draft, PodDraft) or draft.job is None:
        return draft
    spec = draft.raw["spec"]
    deadline = spec.pop("activeDeadlineSeconds", None)
    spec["restartPolicy"] = supervision.NEVER
    made = drafting.templated(draft, "batch/v1", "Job")
    made.put(("spec", "backoffLimit"), *draft.job)
    if deadline is not None:
        path = ("spec", "activeDeadlineSeconds")
        made.put(path, deadline, draft.sources.get(path, draft.top))
    return made


class _Set:
    """The drafts of a set as they come together."""

    def __init__(self, given: UnitSet) -> None:
        self._units = Units(given.members, on_host=given.on_host)
        self._wanted = given.wanted
        self._drafts: list[Draft] = []
        self._documents: list[Document] = []
        self._problems: list[Problem] = []
        self._remarks: dict[Remark, None] = {}
        self._pods: dict[str, PodDraft] = {}
        self._manifests: dict[str, list[str]] = {}
        self._after: list[tuple[Unit, Unit, Entry]] = []

    def reading(self) -> Reading:
        chosen = [unit for unit in self._chosen() if unit.suffix not in (".volume", ".network")]
        for unit in chosen:
            match unit.suffix:
                case ".container":
                    self._container(unit)
                case ".pod":
                    self._pod(unit)
                case ".kube":
                    self._kube(unit)
                case _:
                    self._keep(images.check(unit, self._units))
        # Last, as a container's instance may have made instances of these.
        for unit in [unit for unit in self._chosen() if unit.suffix in (".volume", ".network")]:
            self._object(unit)
        self._order()
        self._finish()
        return Reading(
            documents=tuple(self._documents),
            problems=(*self._units.problems, *self._problems),
            remarks=tuple(self._remarks),
        )

    def _chosen(self) -> Iterator[Unit]:
        for unit in list(self._units.by_name.values()):
            if not self._wanted or unit.path in self._wanted:
                yield unit

    def _keep(self, reader: Reader) -> None:
        """Keep what a reader has said, of a template once for all its instances."""
        self._remarks.update(dict.fromkeys(reader.said))

    def _reader(self, unit: Unit) -> Reader:
        reader = Reader(unit)
        arguments.expand(reader)
        return self._ordered(reader)

    def _ordered(self, reader: Reader) -> Reader:
        """Look at systemd's own sections, and keep what the unit waits for."""
        unit = reader.unit
        supervision.judge(reader, self._units)
        for key in ("After", "Before"):
            for other, entry in supervision.ordered(reader, self._units, key):
                pair = (unit, other) if key == "After" else (other, unit)
                self._after.append((*pair, entry))
        return reader

    def _container(self, unit: Unit) -> None:
        """Make the pod of a container that is in no .pod."""
        if self._pod_of(unit) is not None or membership.is_init(unit, self._units):
            return
        reader = self._reader(unit)
        pod = PodDraft(self._units, unit.top)
        self._name(pod, reader, "ContainerName")
        own = pod.name
        names = [(alias.value, alias.entry) for alias in reader.whole("NetworkAlias")]
        mark = supervision.done_mark(unit)
        timed = [(one.stem, one.top) for one in self._units.timers.get(unit.service, ())]
        for name, entry in [*names, *timed, *([mark] if mark else ())]:
            if own.startswith(f"{name}-"):
                # That is what others call it; the rest tells its container from others.
                pod.put(("metadata", "name"), name, entry)
                own = own.removeprefix(f"{name}-")
        pod.add(("spec", "containers"), {"name": own}, unit.top)
        where: FieldPath = ("spec", "containers", 0)
        pods.shared_keys(reader, pod)
        container.read(reader, pod, where)
        pods.ports(reader, pod)
        self._supervise(pod, [reader], None)
        handlers.read(reader, pod, where)
        inits = [self._reader(one) for one in membership.inits(unit, self._units)]
        for one in inits:
            handlers.read(one, pod, self._member(one, pod, None, Role.INIT))
        if supervision.once(unit):
            pod.job = supervision.retries(reader) or (0, unit.top)
        self._done(unit, pod, reader, *inits)

    def _pod_of(self, unit: Unit) -> Unit | None:
        """Return the .pod that a container is in; a mistake there is told, and it is left out."""
        named = Reader(unit).text("Pod")
        if named is None:
            return None
        pod = self._units.find(named.value, unit)
        if pod is not None and pod.suffix == ".pod":
            return pod
        reader = Reader(unit)
        wrong = "is not among the units" if named.value.endswith(".pod") else "is no .pod file"
        reader.say(named.entry, f"{named.value} {wrong}", Grade.WRONG)
        self._keep(reader)
        return unit

    def _pod(self, unit: Unit) -> None:
        own = self._reader(unit)
        tables.judge(own, POD)
        tables.check_mappings(own)
        pod = PodDraft(self._units, unit.top)
        self._name(pod, own, "PodName")
        pods.shared_keys(own, pod)
        members = [one for one in list(self._units.by_name.values()) if one.suffix == ".container"]
        readers = []
        for member in members:
            named = Reader(member).text("Pod")
            if not member.template and named and self._units.find(named.value, member) is unit:
                readers.append(self._reader(member))
        lasting = []
        begun = []
        for one in membership.in_turn(readers, self._after):
            role = membership.role(one, readers, self._after)
            begun.append((one, self._member(one, pod, own, role)))
            if role is Role.REGULAR:
                lasting.append(one)
        for one, where in begun:
            handlers.read(one, pod, where)
        if not lasting:
            message = "no container of the units is in this pod: nothing is made of it"
            own.say(unit.top, message, Grade.TOLD)
            self._keep(own)
            return
        pods.ports(own, pod)
        pods.grace(own, pod)
        self._supervise(pod, lasting, own)
        if all(supervision.once(one.unit) for one in lasting):
            pod.job = supervision.retries(lasting[0]) or (0, unit.top)
        handlers.read(own, pod, None)
        self._done(unit, pod, own, *readers)

    def _member(self, reader: Reader, pod: PodDraft, own: Reader | None, role: Role) -> FieldPath:
        """Read one container of a pod; `own` is the reader of its .pod."""
        unit = reader.unit
        start = reader.flag("StartWithPod")
        if start is not None and not start.value and role is Role.REGULAR:
            reader.say(start.entry, "is not supported: it starts with its pod")
        given = reader.text("ContainerName")
        name = pods.name_of(reader, given, unit.stem)
        for prefix in (pod.name, *([own.unit.stem] if own else ())):
            name = name.removeprefix(f"{prefix}-")
        entry = given.entry if given is not None else unit.top
        listed = "containers" if role is Role.REGULAR else "initContainers"
        raw = {"name": name, **({"restartPolicy": "Always"} if role is Role.SIDECAR else {})}
        where = pod.add(("spec", listed), raw, entry)
        container.read(reader, pod, where)
        if own is not None:
            for one in (entry for key in container.POD_KEYS for entry in unit.every(key)):
                message = f"is left out: Podman refuses it in a pod; write it in {own.unit.name}"
                reader.say(one, message)
            mounts.volumes(own, pod, where)
        return where

    def _name(self, pod: PodDraft, reader: Reader, key: str) -> None:
        unit = reader.unit
        named = reader.text(key)
        pods.name_of(reader, named, unit.stem)
        pod.put(("metadata", "name"), objects.object_name(unit), named.entry if named else unit.top)

    def _supervise(self, pod: PodDraft, readers: list[Reader], own: Reader | None) -> None:
        for reader in readers:
            pods.grace(reader, pod)
            supervision.deadline(reader, pod)
        supervision.put_restart(pod, readers, own)
        path = ("spec", "terminationGracePeriodSeconds")
        if pod.at(path) is None:
            pod.put(path, _GRACE, pod.top)

    def _done(self, unit: Unit, pod: PodDraft, *readers: Reader) -> None:
        if unit.template:
            instances = [one for one in self._units.by_name if one.startswith(unit.stem)]
            if instances == [unit.name]:
                name = f"{unit.stem}NAME{unit.suffix}"
                message = f"is a template: nothing is made of it without a link {name}"
                readers[0].say(unit.top, message, Grade.TOLD)
        started_by = self._units.timers.get(unit.service, [])
        if not (unit.template or pod.left_out):
            made = self._scheduled(unit, pod, started_by) if started_by else [pod]
            self._drafts.extend((*made, *pod.beside))
            if pod in made:
                self._pods.update({one.unit.name: pod for one in readers})
        for reader in readers:
            self._keep(reader)

    def _scheduled(self, unit: Unit, pod: PodDraft, started_by: list[Unit]) -> list[Draft]:
        """Return a CronJob for each timer that starts a pod; what cannot be one is told."""
        made: list[Draft] = []
        if pod.job is None and pod.at(("spec", "restartPolicy")) == supervision.ALWAYS:
            for timer in started_by:
                why = "it is always restarted, and a Job comes to an end"
                self._keep(timers.leave_out(timer, unit, why))
            return made
        pod.job = pod.job or (0, unit.top)
        job = _as_it_runs(pod)
        for timer in started_by:
            cron_job, reader = timers.cron_job(job, timer)
            self._keep(reader)
            made.extend([cron_job] if cron_job is not None else [])
        return made

    def _object(self, unit: Unit) -> None:
        if unit.template:
            return
        if objects.is_default(unit):
            return
        if unit.suffix == ".volume":
            draft, reader = objects.volume(unit, self._units)
        else:
            draft, reader = objects.network(unit)
        if not objects.passing(unit):
            supervision.judge(reader, self._units)
            handlers.refuse(reader)
        self._keep(reader)
        if draft is not None:
            self._drafts.append(draft)

    def _kube(self, unit: Unit) -> None:
        supervised = self._ordered(Reader(unit))
        made, problems, reader = kube.read(unit, self._units)
        reader.said.extend(supervised.said)
        self._keep(reader)
        self._problems.extend(problems)
        started_by = self._units.timers.get(unit.service, [])
        for timer in started_by:
            self._keep(timers.leave_out(timer, unit, "only containers and pods are CronJobs"))
        if not (unit.template or started_by):
            for one in made:
                # Podman plays one object of two files twice, which changes nothing.
                if not any(one.raw == other.raw for other in self._documents):
                    self._documents.append(one)
            self._manifests[unit.name] = [
                f"{one.kind}/{one.name}"
                for one in made
                if one.kind in ("Pod", "Deployment", "DaemonSet", "ReplicaSet", "Job")
            ]

    def _order(self) -> None:
        """Write After= and Before= as the annotation that orders objects."""
        wanted: dict[str, dict[str, Entry]] = {}
        for later, earlier, entry in self._after:
            pod, other = self._pods.get(later.name), self._pods.get(earlier.name)
            if pod is None or pod is other:
                continue
            names = self._manifests.get(earlier.name, [])
            for name in [other.reference] if other is not None else names:
                wanted.setdefault(pod.name, {}).setdefault(name, entry)
        for pod in dict.fromkeys(self._pods.values()):
            listed = wanted.get(pod.name)
            if listed:
                read = Read(value=",".join(listed), entry=next(iter(listed.values())))
                pod.annotate(DEPENDS_ON, read)

    def _finish(self) -> None:
        """Make documents of the drafts, counted by the files that they begin in."""
        counts: dict[str, int] = {}
        made = []
        for draft in map(_as_it_runs, self._drafts):
            file = draft.top.file
            made.append(draft.document(file, counts.get(file, 0)))
            counts[file] = counts.get(file, 0) + 1
        self._documents = [*made, *self._documents]
