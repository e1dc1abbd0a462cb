"""The annotations that order objects: when each may begin, and which Jobs are hooks of a Sync.

    podpy.dev/wave: "1"                   begins when all of lower waves are healthy; else 0
    podpy.dev/depends-on: Deployment/db   KIND/NAME or KIND/NAMESPACE/NAME, parted by commas
    podpy.dev/hook: pre-sync              a Job that a Sync runs once for each revision
    podpy.dev/hook-delete-policy: HookSucceeded       when that Job is removed again

They stand on objects, not on templates, and change nothing of what runs.
"""

from __future__ import annotations

from manifests import kinds
from manifests.ref import Ref
from manifests.settings import DEPENDS_ON, HOOK, HOOK_DELETE_POLICY, WAVE
from manifests.strenum import StrEnum
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from manifests.kinds import Object

MOST_WAVE = 1_000_000
LONGEST_HOOK_NAME = 48
"""A hook's Job bears the revision behind its name."""


class Hook(StrEnum):
    """When a Sync runs a hook: before anything changes, when all is healthy, when either failed."""

    PRE_SYNC = "pre-sync"
    POST_SYNC = "post-sync"
    SYNC_FAIL = "sync-fail"


class DeletePolicy(StrEnum):
    """When a hook's Job is removed, as Argo CD's argocd-hook-delete-policy has it.

    BEFORE_CREATION   when another revision begins; what is meant where nothing is said
    SUCCEEDED, FAILED   when it has ended so
    """

    BEFORE_CREATION = "BeforeHookCreation"
    SUCCEEDED = "HookSucceeded"
    FAILED = "HookFailed"


class Dependency(Value):
    """One word of `depends-on`: the object that it names, or what is wrong with it."""

    ref: Ref | None = None
    fault: str = ""


def wave(thing: Object) -> int:
    """Return the wave of an object whose annotations are valid."""
    text = thing.metadata.annotations.get(WAVE)
    return 0 if text is None else (_integer(text) or 0)


def depends_on(thing: Object) -> tuple[Ref, ...]:
    """Return which objects an object names as those that come before it."""
    if DEPENDS_ON not in thing.metadata.annotations:
        return ()
    return tuple(one.ref for one in _dependencies(thing) if one.ref is not None)


def words_of(refs: Iterable[Ref]) -> str:
    """Return what `depends-on` says where these objects come before: KIND/NAMESPACE/NAME."""
    return ",".join("/".join(filter(None, (ref.kind, ref.namespace, ref.name))) for ref in refs)


def hook(thing: Object) -> Hook | None:
    """Return when the object, a Job, is to run as a hook; None for what is no hook."""
    word = thing.metadata.annotations.get(HOOK)
    return Hook(word) if word in tuple(Hook) else None


def delete_policies(thing: Object) -> frozenset[DeletePolicy]:
    """Return when a hook's Job is to be removed; more than one may be said."""
    words = _words(thing.metadata.annotations.get(HOOK_DELETE_POLICY, ""))
    known = frozenset(DeletePolicy(word) for word in words if word in tuple(DeletePolicy))
    return known or frozenset({DeletePolicy.BEFORE_CREATION})


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def faults(thing: Object) -> Iterator[tuple[str, str]]:
    """Yield (annotation, what is wrong with it) of an object."""
    given = thing.metadata.annotations
    if WAVE in given and _integer(given[WAVE]) is None:
        yield WAVE, f'"{given[WAVE]}" must be an integer, as "1"'
    if DEPENDS_ON in given:
        yield from ((DEPENDS_ON, one.fault) for one in _dependencies(thing) if one.fault)
    if HOOK_DELETE_POLICY in given:
        yield from ((HOOK_DELETE_POLICY, fault) for fault in _policy_faults(given))
    if HOOK not in given:
        return
    words = ", ".join(Hook)
    if given[HOOK] not in tuple(Hook):
        yield HOOK, f'"{given[HOOK]}" must be one of {words}'
    if thing.kind != "Job":
        yield HOOK, f"a hook is a Job, and this is a {thing.kind}"
    if len(thing.metadata.name) > LONGEST_HOOK_NAME:
        yield HOOK, f"the name of a hook must be no more than {LONGEST_HOOK_NAME} characters"


def _policy_faults(given: Mapping[str, str]) -> Iterator[str]:
    if HOOK not in given:
        yield f"is for hooks, and this is none: {HOOK} is not there"
    known = ", ".join(DeletePolicy)
    for word in _words(given[HOOK_DELETE_POLICY]):
        if word not in tuple(DeletePolicy):
            yield f'"{word}" must be one of {known}'


def _integer(text: str) -> int | None:
    """Read a wave; what looks like a number to Python alone is none."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 7):
        return None
    return int(text) if int(digits) <= MOST_WAVE else None


def _dependencies(thing: Object) -> Iterator[Dependency]:
    for word in thing.metadata.annotations[DEPENDS_ON].split(","):
        yield _dependency(word.strip(), thing.metadata.namespace)


def _dependency(word: str, namespace: str) -> Dependency:
    parts = word.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        return Dependency(fault=f'"{word}" must be KIND/NAME or KIND/NAMESPACE/NAME')
    info = kinds.BY_KIND.get(parts[0])
    if info is None:
        known = ", ".join(kinds.BY_KIND)
        return Dependency(fault=f'"{parts[0]}" is no kind that podpy runs: {known}')
    if len(parts) == 3:
        if not info.namespaced:
            return Dependency(fault=f'"{word}": a {info.kind} is in no namespace')
        return Dependency(ref=Ref(kind=info.kind, namespace=parts[1], name=parts[2]))
    # Of an object outside of namespaces nobody knows which one is meant: the default one.
    within = (namespace or "default") if info.namespaced else ""
    return Dependency(ref=Ref(kind=info.kind, namespace=within, name=parts[1]))
