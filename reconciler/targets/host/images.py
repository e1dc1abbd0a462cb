"""Have the images that pods need in the store, as their pull policies ask."""

from __future__ import annotations

from manifests.container import PullPolicy
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.targets.host.base import Base
    from reconciler.targets.target import Image
    from runtime.image import meter, pull


class Pulling(Value):
    """How a command wants images pulled; None for the defaults."""

    options: pull.Options | None = None
    progress: Callable[[meter.Progress], None] | None = None


def ensure(base: Base, image: Image, pulling: Pulling) -> str:
    """Return the id of the image, pulled if need be."""
    policy = PullPolicy(image.policy)
    if policy in (PullPolicy.IF_NOT_PRESENT, PullPolicy.MISSING, PullPolicy.NEVER):
        # The common case starts no skopeo, so it does not import what would.
        there = base.store.find(image.name)
        if there is not None and base.store.is_whole(there):
            return there.id
    from runtime.image import pull

    more = {} if pulling.progress is None else {"progress": pulling.progress}
    return pull.ensure(base.store, image.name, policy, pulling.options or pull.Options(), **more).id
