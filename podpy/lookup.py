"""Find pods and containers as users name them: names, aliases, ids, workloads, labels.

web            a pod; podman's alias web-pod; pod/web
deploy/web     a pod of a workload
web-pod-app    podman's name of a container: POD-CONTAINER
3f2a9c...      podman's id of a pod or container, or a pod's uid, or how one of them begins
"""

from __future__ import annotations

from manifests.faults import Invalid
from manifests.value import Value
from runtime.observe import briefs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.observe.briefs import Brief
    from runtime.paths import Paths

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
DEFAULT_NAMESPACE = "default"
POD_WORDS = ("pod", "pods", "po")
SHORTEST_ID = 6
"""What is shorter is no id: it would name pods by chance."""


class Found(Value):
    """A pod; `container` is set where the word named a container."""

    pod: Brief
    container: str = ""


def pods(paths: Paths, word: str, namespace: str = "") -> tuple[Found, ...]:
    """Return the pods that `word` names, those that run first. Raises Invalid when there is none.

    `namespace` falls back to the default one; an id names a pod in any.
    """
    place = namespace or DEFAULT_NAMESPACE
    kind, slash, name = word.partition("/")
    everything = sorted(briefs.read(paths), key=_rank)
    here = [pod for pod in everything if pod.namespace == place]
    if slash and kind.lower() not in POD_WORDS:
        found = [Found(pod=pod) for pod in _owned(here, kind, name)]
    else:
        wanted = name if slash else word
        found = _named(here, wanted) or _by_id(everything, wanted)
    if not found:
        raise Invalid(_missing(word, place), hint="podpy get pods -A")
    return tuple(found)


def _rank(pod: Brief) -> tuple[int, float, str]:
    """Those that run first, by name; then those that could not be made; then those that have ended
    (a Job's tries), the last first."""
    order = 2 if pod.over else 1 if pod.waiting else 0
    return order, -pod.created_at if pod.over else 0.0, pod.name


def pod(paths: Paths, word: str, namespace: str = "") -> Found:
    """Return the pod that `word` names; of several (a workload's) the first that runs.

    Where all have ended, as a Job's tries may have, it is the last one.
    """
    return pods(paths, word, namespace)[0]


def container(found: Found, wanted: str = "") -> str:
    """Return the container that is meant: `wanted`, the one found, or the pod's default one.

    The default is the one that the annotation names, else the first, as for kubectl.
    """
    pod = found.pod
    known = (*pod.containers, *pod.init_containers)
    name = wanted or found.container or pod.annotations.get(DEFAULT_CONTAINER, "")
    if name in known:
        return name
    if wanted:
        raise Invalid(
            f'pod {pod.name} has no container "{wanted}"',
            hint=f"its containers: {', '.join(known)}",
        )
    return known[0]


def chosen_for_you(found: Found, name: str, wanted: str = "") -> str:
    """Return what to say where podpy has chosen the container and there are others, else ""."""
    pod = found.pod
    if wanted or found.container or len(pod.containers) < 2 or DEFAULT_CONTAINER in pod.annotations:
        return ""
    others = (*pod.containers, *(f"{one} (init)" for one in pod.init_containers))
    return f'Defaulted container "{name}" out of: {", ".join(others)}'


def ids(uid: str, containers: Iterable[str]) -> dict[str, str]:
    """Return Podman's ids of a pod and its containers -> the container's name ("" for the pod)."""
    from podpy import podman

    named = {podman.container_id(uid, name): name for name in containers}
    return {uid: "", podman.pod_id(uid): "", **named}


def _owned(here: list[Brief], kind: str, name: str) -> list[Brief]:
    from podpy import names

    owner = (names.kind(kind).kind, name)
    return [pod for pod in here if owner in pod.owners]


def _named(here: list[Brief], word: str) -> list[Found]:
    for pod in here:
        if word == pod.name or word in pod.aliases:
            return [Found(pod=pod)]
    for pod in here:
        for stem in (pod.name, *pod.aliases):
            rest = word.removeprefix(f"{stem}-")
            if rest != word and rest in (*pod.containers, *pod.init_containers):
                return [Found(pod=pod, container=rest)]
    return []


def _by_id(everything: list[Brief], word: str) -> list[Found]:
    if len(word) < SHORTEST_ID or set(word) - set("0123456789abcdef-"):
        return []
    found = [
        Found(pod=pod, container=name)
        for pod in everything
        for known, name in ids(pod.uid, (*pod.containers, *pod.init_containers)).items()
        if known.startswith(word)
    ]
    if len(found) > 1:
        raise Invalid(f'"{word}" is how {len(found)} ids begin', hint="write more of it")
    return found


def _missing(word: str, place: str) -> str:
    kind, slash, name = word.partition("/")
    if slash and kind.lower() not in POD_WORDS:
        return f'{kind} "{name}" in namespace {place} has no pods'
    return f'there is no pod "{name if slash else word}" in namespace {place}'
