"""The images of a batch of pods: each is pulled once, by whoever asks first."""

from __future__ import annotations

import threading

from manifests import references
from manifests.container import PullPolicy
from manifests.faults import Fault, Retry
from reconciler.targets.target import Image
from runtime import interrupts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.ref import Ref
    from reconciler.plan.change import Change
    from reconciler.targets.target import Target

UNPULLED = "ErrImagePull"
"""The kubelet's word for an image that cannot be pulled."""

STRICTNESS = (
    PullPolicy.NEVER,
    PullPolicy.IF_NOT_PRESENT,
    PullPolicy.MISSING,
    PullPolicy.NEWER,
    PullPolicy.ALWAYS,
)


def out_of_reach(fault: Fault) -> bool:
    """Tell whether an image is there, as far as is known, and only a registry is in the way."""
    return bool(fault.image) and isinstance(fault, Retry)


class Images:
    """Asked by many threads; one image's pull keeps none of the others waiting."""

    def __init__(self, target: Target, changes: Iterable[Change]) -> None:
        self._target = target
        self._policies: dict[str, PullPolicy] = {}
        self._of: dict[Ref, frozenset[str]] = {}
        self._ids: dict[str, str | Fault] = {}
        for change in changes:
            if change.pod is None:
                continue
            spec = change.pod.pod.spec
            uses = tuple(references.images(spec))
            self._of[change.ref] = frozenset(name for _key, name, _policy in uses)
            for _key, name, policy in uses:
                known = self._policies.get(name, policy)
                self._policies[name] = max(policy, known, key=STRICTNESS.index)
        self._locks = {name: threading.Lock() for name in self._policies}

    def of(self, change: Change) -> frozenset[str]:
        return self._of[change.ref]

    def get(self, name: str) -> str:
        """Return the id of the image, pulling it if need be; raises the same fault each time."""
        with self._locks[name]:
            if name not in self._ids:
                try:
                    interrupts.check(f'image "{name}"')
                    image = Image(name=name, policy=self._policies[name])
                    self._ids[name] = self._target.pull(image)
                except interrupts.Interrupted as fault:
                    self._ids[name] = fault
                except Fault as fault:
                    fault.image, fault.reason = name, fault.reason or UNPULLED
                    self._ids[name] = fault
        found = self._ids[name]
        if isinstance(found, Fault):
            raise found
        return found
