"""For `podpy generate`: objects of this host in, manifests that make them again out."""

from __future__ import annotations

from manifests import kinds, load, references, settings
from manifests.config import Network, Secret
from manifests.faults import Invalid
from manifests.meta import ObjectMeta
from manifests.pod import Pod
from manifests.problems import Severity
from manifests.ref import Ref
from manifests.references import DEFAULT_NETWORK, network_of
from manifests.sources import Bundle, File
from podpy import names
from reconciler.workloads.expand import JOB_LABEL, TEMPLATE_HASH_LABEL
from reconciler.workloads.ownership import owner_of
from renderers import yaml_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from manifests.kinds import Object
    from manifests.loaded import Loaded
    from podpy.inventory import Inventory, Item

_LISTED = tuple(info for info in kinds.KINDS if info.kind not in ("Namespace", "Network", "Sync"))
"""The kinds of which everything is taken where nothing is named; networks come with their pods."""


def every(inventory: Inventory, namespace: str) -> tuple[Item, ...]:
    """Return the objects of a namespace, or of all for "", without the pods of workloads."""
    return tuple(
        item
        for info in _LISTED
        for item in inventory.items(info)
        if namespace in ("", item.ref.namespace)
        and (item.state is None or owner_of(item.state) is None)
    )


def named(inventory: Inventory, words: Sequence[str], namespace: str) -> tuple[Item, ...]:
    """Return the objects that `words` name, as for `get`. Raises Invalid for one that is not."""
    found = []
    for ref in names.parse(words, namespace):
        item = _find(inventory, ref)
        if item is None:
            raise Invalid(f"{ref}: not found", hint=f"podpy get {kinds.BY_KIND[ref.kind].names[0]}")
        found.append(item)
    return tuple(found)


def with_needed(inventory: Inventory, items: Iterable[Item]) -> tuple[Object, ...]:
    """Return what makes these objects again, with what their pods name, in the order of applying.

    Raises Invalid for a Secret whose content went with a reboot.
    """
    found: dict[Ref, Object] = {}
    waiting = list(items)
    while waiting:
        item = waiting.pop()
        if item.ref in found:
            continue
        if isinstance(item.thing, Secret) and inventory.has_lost(item.thing):
            raise Invalid(f"{item.ref}: its content went with a reboot", hint="apply it again")
        found[item.ref] = _detached(item.thing) if isinstance(item.thing, Pod) else item.thing
        needed = (_find(inventory, ref) for ref in _names(item.thing))
        waiting.extend(one for one in needed if one is not None)
    return tuple(found[ref] for ref in sorted(found, key=lambda r: (kinds.ORDER[r.kind], r.key())))


def loaded(things: Iterable[Object], *, rendered: bool) -> Loaded:
    """Load the objects as if a source held them; what podpy does not honour is a warning."""
    text = "---\n".join(yaml_text.dumps(kinds.dump(thing)) for thing in things)
    source = Bundle(name="this host", files=(File(name="this host", data=text.encode()),))
    options = load.KUBE_PLAY.replace(missing=Severity.WARNING, rendered=rendered)
    return load.load([source], options)


def _find(inventory: Inventory, ref: Ref) -> Item | None:
    return next((one for one in inventory.items(kinds.BY_KIND[ref.kind]) if one.ref == ref), None)


def _detached(pod: Pod) -> Pod:
    """The pod as one that belongs to no workload, and that is not there yet."""
    metadata = pod.metadata
    labels, annotations = dict(metadata.labels), dict(metadata.annotations)
    for given in (TEMPLATE_HASH_LABEL, JOB_LABEL):
        labels.pop(given, None)
    annotations.pop(settings.TEMPLATE_HASH, None)
    fresh = ObjectMeta(
        name=metadata.name,
        namespace=metadata.namespace,
        labels=labels,
        annotations=annotations,
    )
    return pod.replace(metadata=fresh)


def _names(thing: Object) -> Iterator[Ref]:
    """What an object's pods name: ConfigMaps, Secrets, claims, and a network of their own."""
    part = kinds.pod_part(thing)
    if part is None:
        return
    metadata, spec, _ = part
    annotations = {**thing.metadata.annotations, **metadata.annotations}
    given = ObjectMeta(namespace=thing.metadata.namespace, annotations=annotations)
    pod = Pod(metadata=given, spec=spec)
    yield from references.references(pod)
    network = network_of(pod)
    if network not in ("", DEFAULT_NETWORK):
        yield Ref(kind=Network.__name__, name=network)
