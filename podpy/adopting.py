"""For `podpy adopt`: what Podman runs in, groups with all that speaks for and against them out.

Podman and the host are asked, and nothing is changed, but for the images that `bring_images` copies
and the manifests that are written where the user says.
"""

from __future__ import annotations

import os

from manifests import kinds, load
from manifests.faults import Fault, Invalid
from manifests.inspected import secrets
from manifests.inspected.container import image_name
from manifests.sources import Bundle, File
from manifests.value import Value
from podpy import converting
from reconciler.adopting import groups
from reconciler.adopting.journal import Journal, Manifest, Moved
from renderers import yaml_text
from runtime.podman import asking, steering
from runtime.podman.steering import Running
from runtime.volume import claims, importing, takeover

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from manifests.inspected.facts import Facts, Subject
    from manifests.loaded import Loaded, Located
    from podpy.context import Context
    from reconciler.adopting.groups import Group
    from runtime.image.meter import Progress
    from runtime.image.store import Store


class Volume(Value):
    """What becomes of a volume, and how much it holds."""

    moved: Moved
    size: int


class Prospect(Value):
    """A group, its change-over, and why it cannot be done: nothing where it can."""

    group: Group
    journal: Journal
    volumes: tuple[Volume, ...]
    secrets: tuple[Manifest, ...]
    refused: tuple[str, ...]


class Wish(Value):
    """How the command line wants it. `copy`: volumes are copied even where a rename would do."""

    namespace: str
    applyset: str
    copy: bool
    seconds: float


def find(names: Sequence[str], *, quadlets: bool) -> tuple[Subject, ...]:
    """Return what is meant: by name, or all that runs, or all that Quadlet's units run."""
    found = asking.subjects(names)
    if quadlets:
        found = tuple(one for one in found if any(_of_quadlet(part) for part in one.containers))
    if not found:
        raise Invalid("Podman runs nothing of the kind", hint="podman ps")
    return found


def _of_quadlet(part: Facts) -> bool:
    return part.unit is not None and part.unit.quadlet


def prospects(context: Context, subjects: Sequence[Subject], wish: Wish) -> tuple[Prospect, ...]:
    """Return a prospect for each group."""
    networks = asking.networks(groups.networks_of(subjects))
    made = groups.make(subjects, networks, "" if wish.namespace == "default" else wish.namespace)
    return tuple(_prospect(context, group, wish) for group in made)


def _prospect(context: Context, group: Group, wish: Wish) -> Prospect:
    there = asking.volumes(one.volume for one in group.claims)
    volumes = tuple(_volumes(context, group, wish, there))
    known, untold = _secrets(group, wish)
    loaded = _loaded((*known, *group.documents), group.name)
    rendered = converting.kubernetes(loaded, "") if not loaded.errors else ()
    files = [Manifest(file=one.name, text=one.content.decode()) for one in rendered]
    journal = Journal(
        group=group.name,
        namespace=wish.namespace,
        applyset=wish.applyset,
        running=tuple(_running(group)),
        volumes=tuple(one.moved for one in volumes),
        manifests=tuple(one for one in files if not _is_secret(one)),
        secrets=group.secrets,
        seconds=wish.seconds,
    )
    refused = (
        *(str(one) for one in group.fatal),
        *(one.shown for one in loaded.errors),
        *untold,
        *_not_running(group),
        *_used_by_others(group),
        *_there_already(context, loaded),
        *_volumes_refused(context, group, wish, there),
        *_images_refused(context, group),
        *_at_boot(journal),
        *_unfit(context, loaded),
    )
    return Prospect(
        group=group,
        journal=journal,
        volumes=volumes,
        secrets=tuple(filter(_is_secret, files)),
        refused=tuple(dict.fromkeys(refused)),
    )


def _is_secret(one: Manifest) -> bool:
    return one.file.endswith(".secret.yaml")


def _secrets(group: Group, wish: Wish) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the Secrets of a group, and what Podman does not tell of them."""
    found, untold = [], []
    for name in group.secrets:
        try:
            found.append(secrets.document(name, asking.secret(name), wish.namespace))
        except Fault as fault:
            untold.append(f"secret {name}: {fault}")
    return found, untold


def _loaded(documents: Iterable[Mapping[str, Any]], name: str) -> Loaded:
    text = "---\n".join(yaml_text.dumps(one) for one in documents)
    source = Bundle(
        name=f"Podman's {name}",
        files=(File(name=f"Podman's {name}", data=text.encode()),),
    )
    return load.load([source], load.KUBE_PLAY)


def _running(group: Group) -> Iterator[Running]:
    """Give what is stopped: the containers of each pod, and what holds its namespaces last."""
    for piece in group.pieces:
        subject = piece.subject
        parts = {part.id: part for part in (*subject.containers, subject.face)}
        for part in parts.values():
            yield Running(
                id=part.id,
                name=part.name,
                restart=part.text("HostConfig.RestartPolicy.Name"),
                stop_seconds=part.number("Config.StopTimeout"),
                unit=part.unit.name if part.unit else "",
                file=part.unit.file if part.unit else "",
                quadlet=bool(part.unit and part.unit.quadlet),
                running=part.runs,
            )


def _volumes(
    context: Context, group: Group, wish: Wish, known: Mapping[str, asking.Volume]
) -> Iterator[Volume]:
    for one in group.claims:
        path = known[one.volume].path
        if not os.path.isdir(path):
            raise Invalid(f"volume {one.volume}: there is no {path}", hint="podman volume inspect")
        copy = wish.copy or not takeover.renames(context.paths, path)
        moved = Moved(volume=one.volume, claim=one.claim, path=path, copy=copy)
        yield Volume(moved=moved, size=claims.disk_usage(path))


def _not_running(group: Group) -> Iterator[str]:
    for piece in group.pieces:
        if not any(part.runs for part in piece.subject.containers):
            yield f"{piece.subject.name}: does not run: start it first (podman start)"
        for part in piece.subject.containers:
            if part.goes_when_stopped and part.unit is None:
                yield (
                    f"{part.name}: Podman removes it when it stops (--rm), so there would be no "
                    "way back: make it without --rm first"
                )


def _used_by_others(group: Group) -> Iterator[str]:
    own = {part.name for piece in group.pieces for part in piece.subject.containers}
    names = own | {piece.subject.name for piece in group.pieces}
    names |= {piece.subject.face.name for piece in group.pieces}
    for taken in group.claims:
        for user in asking.users(taken.volume):
            if user not in names:
                yield f"volume {taken.volume}: {user} uses it, too: adopt that with it"
    for network in group.networks:
        for member in asking.members(network):
            if member not in names:
                yield f"network {network}: {member} is in it, too: adopt that with it"


def _there_already(context: Context, loaded: Loaded) -> Iterator[str]:
    """Give the objects that podpy has already under these names."""
    from reconciler.state import objects
    from runtime.observe import records

    here = objects.refs(context.host.base.database) | {
        kinds.ref(record.pod) for record in records.read_pods(context.paths)
    }
    for located in loaded.objects:
        ref = kinds.ref(located.object)
        if ref in here and not _is_same_secret(context, located):
            yield f"{ref}: podpy has one of that name already"


def _is_same_secret(context: Context, located: Located) -> bool:
    """Tell whether podpy has the Secret already, with the same content: for another container."""
    from reconciler.state import objects, secrets

    thing = located.object
    row = objects.find(context.host.base.database, kinds.ref(thing))
    if thing.kind != "Secret" or row is None:
        return False
    return row.digest == secrets.digest(context.paths, located.digest)


def _volumes_refused(
    context: Context, group: Group, wish: Wish, known: Mapping[str, asking.Volume]
) -> Iterator[str]:
    for one in group.claims:
        if known[one.volume].foreign:
            yield f"volume {one.volume}: {known[one.volume].foreign}"
        try:
            importing.check(context.paths, wish.namespace, one.claim)
        except Invalid as fault:
            yield fault.message


def _images_refused(context: Context, group: Group) -> Iterator[str]:
    store = context.host.base.store
    for part in _parts(group):
        name, number = image_name(part), part.text("Image")
        there = store.find(name)
        if there is not None and there.id != number:
            yield (
                f'{part.name}: podpy has another image as "{name}": podpy image rm {name}, or '
                "let the container run that first"
            )


def _at_boot(journal: Journal) -> Iterator[str]:
    for one in journal.running:
        try:
            steering.check(one)
        except Fault as fault:
            yield str(fault)


def _unfit(context: Context, loaded: Loaded) -> Iterator[str]:
    """Give why this host can make no pods as it is now: that is told before anything stops."""
    from reconciler import cycle, loading
    from reconciler.targets.host import fitness

    if loaded.errors:
        return
    base = context.host.base
    wished = loading.wished(context.paths, base.database, loaded)
    seen = cycle.prospect(context.host, wished)
    for fault in fitness.unfit(base, seen.expansion.pods):
        yield str(fault)


def _parts(group: Group) -> Iterator[Facts]:
    for piece in group.pieces:
        yield from piece.subject.containers


def bring_images(store: Store, group: Group, report: Callable[[Progress], None]) -> None:
    """Copy the images of a group from Podman's storage, under the names of its manifests."""
    from runtime.image import pull, reference

    for part in _parts(group):
        name = str(reference.parse(image_name(part)))
        there = store.find(name)
        if there is not None and store.is_whole(there):
            continue
        image = pull.pull(store, f"containers-storage:@{part.text('Image')}", pull.DEFAULTS, report)
        store.name(image, (name,))
