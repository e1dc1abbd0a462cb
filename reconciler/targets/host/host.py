"""This host as a target: one class that fulfils targets.target.Target.

What makes pods is imported when the first one is made: removing and looking need none of it.
"""

from __future__ import annotations

import os

from manifests.config import PersistentVolumeClaim
from manifests.faults import HostFault
from reconciler.targets.host import images, logs, networking, removal, shutdown, waiting
from reconciler.targets.host.base import Base
from runtime.observe import pods as observed_pods
from runtime.volume import claims

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from manifests.config import Network
    from manifests.faults import Fault
    from manifests.observed import Observed, PodRecord, PodState
    from manifests.ref import Ref
    from reconciler.targets.target import Image
    from reconciler.workloads.expand import WantedPod


class Host:
    """`base` is what the modules share; `pulling` how images are pulled."""

    def __init__(self, base: Base, pulling: images.Pulling | None = None) -> None:
        self.base = base
        self.pulling = pulling or images.Pulling()

    def observe(self) -> Observed:
        from reconciler.targets.host import observing

        return observing.observe(self.base)

    def pods(self) -> tuple[PodState, ...]:
        """Every pod as it is, without asking what of it is broken."""
        return tuple(observed_pods.read(self.base.paths, self.base.cgroups))

    def sweep(self) -> None:
        """Remove what killed passes and a reboot have left of pods that are no more, and from the
        trash what is past its time."""
        removal.sweep(self.base)
        removal.empty_trash(self.base)

    def admit(self) -> None:
        """Let a pass begin that may start pods. Raises Retry where the host is going down."""
        shutdown.refuse(self.base.paths)

    def arrange_shutdown(self) -> None:
        """See to it that pods are stopped in good order when the host goes down."""
        shutdown.arrange(self.base)

    def ensure_network(self, network: Network) -> None:
        networking.ensure(self.base, network)

    def remove_network(self, name: str) -> None:
        networking.remove(self.base, name)

    def ensure_claim(self, claim: Ref) -> None:
        found = self.base.find(claim)
        if isinstance(found, PersistentVolumeClaim):
            self._take_back(claim)
            claims.ensure(self.base.paths, found)

    def _take_back(self, claim: Ref) -> None:
        """Bring back the data of a claim that was pruned by who wants it again."""
        paths, where = self.base.paths, (claim.namespace, claim.name)
        if not self.base.by or claims.find(paths, *where) is not None:
            return
        from runtime import locks
        from runtime.volume import trash

        with locks.held(paths, [trash.LOCK]):
            trash.take_back(paths, *where, self.base.by)

    def remove_claim(self, claim: Ref) -> None:
        users = removal.users(self.base, claim)
        if users:
            raise HostFault(f"{claim}: in use by {users}", hint="delete these pods first")
        from runtime import locks
        from runtime.volume import trash

        paths, where = self.base.paths, (claim.namespace, claim.name)
        seconds = self.base.trash_seconds
        if seconds is None:
            seconds = trash.grace(paths)
        if not seconds:
            claims.remove(paths, *where, consent=True)
            return
        with locks.held(paths, [trash.LOCK]):
            trash.put(paths, *where, self.base.by or "podpy", seconds)

    def release_claim(self, claim: Ref) -> None:
        """Remove a claim that has just been made, if nothing was written into it."""
        found = claims.find(self.base.paths, claim.namespace, claim.name)
        if found is not None and not os.listdir(found.path):
            claims.remove(self.base.paths, claim.namespace, claim.name, consent=True)

    def pull(self, image: Image) -> str:
        return images.ensure(self.base, image, self.pulling)

    def unfit(self, wanted: Sequence[WantedPod]) -> Sequence[Fault]:
        from reconciler.targets.host import fitness

        return fitness.unfit(self.base, wanted)

    def check(
        self, wanted: Sequence[WantedPod], ids: Mapping[str, str], leaving: Collection[str]
    ) -> Mapping[Ref, Fault]:
        from reconciler.targets.host import vetting

        return vetting.check(self.base, wanted, ids, leaving)

    def prepare(self, wanted: Sequence[WantedPod]) -> Mapping[Ref, PodRecord | Fault]:
        from reconciler.targets.host import pods

        return pods.prepare(self.base, wanted)

    def start(self, record: PodRecord, ids: Mapping[str, str]) -> None:
        from reconciler.targets.host import pods

        pods.start(self.base, record, ids)

    def abandon(self, record: PodRecord) -> None:
        from reconciler.targets.host import pods

        pods.abandon(self.base, record)

    def update(self, state: PodState, wanted: WantedPod) -> None:
        from reconciler.targets.host import pods

        pods.update(self.base, state, wanted)

    def mend(self, state: PodState, wanted: WantedPod) -> None:
        from reconciler.targets.host import pods

        pods.mend(self.base, state, wanted)

    def remove(self, states: Sequence[PodState]) -> Mapping[str, Fault]:
        return removal.remove(self.base, states)

    def rotate_logs(self, states: Iterable[PodState]) -> None:
        for state in states:
            logs.rotate(self.base, state)

    def attended(self, uid: str) -> bool:
        """Say whether a hook waits for a back-off of the pod."""
        return waiting.attended(self.base.paths, uid)

    def attend(self, uid: str) -> None:
        """Start a hook that waits, where the one that did was killed."""
        waiting.begin(self.base, uid)
