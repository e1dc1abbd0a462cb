"""Read how users name objects: `pods web`, `pod/web`, `deploy web api`, as kubectl reads it."""

from __future__ import annotations

from manifests import kinds
from manifests.faults import Invalid
from manifests.meta import DEFAULT_NAMESPACE
from manifests.ref import Ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from manifests.kinds import KindInfo

ALL = ("Pod", "DaemonSet", "Deployment", "ReplicaSet", "CronJob", "Job")
"""What `get all` lists, in kubectl's order."""


def kind(word: str) -> KindInfo:
    """Return the kind that `word` names: plural, singular, short, in any case, with its group."""
    name, _, group = word.lower().partition(".")
    info = kinds.BY_NAME.get(name)
    if info is None or (group and group != group_of(info)):
        from podpy import unknown

        raise unknown.kind(word)
    return info


def group_of(info: KindInfo) -> str:
    """Return the API group: apps, batch, podpy.dev; "" for Kubernetes' core."""
    return info.api_version.rpartition("/")[0]


def full(info: KindInfo, name: str) -> str:
    """Return the name that `-o name` prints: pod/web, deployment.apps/web."""
    group = group_of(info)
    return f"{info.names[1]}{'.' if group else ''}{group}/{name}"


def several(word: str) -> tuple[KindInfo, ...]:
    """Return the kinds that `pods,deploy` or `all` name, each once."""
    found: dict[str, KindInfo] = {}
    for part in word.split(","):
        for info in (kinds.BY_KIND[name] for name in ALL) if part == "all" else (kind(part),):
            found.setdefault(info.kind, info)
    return tuple(found.values())


def parse(words: Sequence[str], namespace: str = "") -> tuple[Ref, ...]:
    """Return the objects that `words` name: KIND NAME... or KIND/NAME..."""
    if words and all("/" in word for word in words):
        pairs = [word.split("/", 1) for word in words]
        return tuple(ref(kind(first), name, namespace) for first, name in pairs)
    if len(words) < 2 or any("/" in word for word in words):
        raise Invalid("name a kind and objects: pod web, or pod/web")
    info = kind(words[0])
    return tuple(ref(info, name, namespace) for name in words[1:])


def ref(info: KindInfo, name: str, namespace: str = "") -> Ref:
    """Return the Ref of an object of that kind; `namespace` falls back to the default one."""
    place = (namespace or DEFAULT_NAMESPACE) if info.namespaced else ""
    return Ref(kind=info.kind, namespace=place, name=name)
