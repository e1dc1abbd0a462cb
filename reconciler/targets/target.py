"""What the reconciler asks of a target, as a Protocol: reconciler.targets.host fulfils it.

Every method may be called again after it was killed half-way; what is there already is success.
Faults name the object. Methods are called from several threads, for different pods.
"""

from __future__ import annotations

from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Protocol

    from manifests.config import Network
    from manifests.faults import Fault
    from manifests.observed import Observed, PodRecord, PodState
    from manifests.ref import Ref
    from reconciler.workloads.expand import WantedPod


class Image(Value):
    """An image that pods need: its name as written, and the strictest pull policy asked for."""

    name: str
    policy: str


if TYPE_CHECKING:

    class Target(Protocol):
        """The host, as the reconciler sees it."""

        def observe(self) -> Observed:
            """Read what is there. Changes nothing."""
            ...

        def ensure_network(self, network: Network) -> None:
            """Make the network, or mend it."""
            ...

        def remove_network(self, name: str) -> None: ...

        def ensure_claim(self, claim: Ref) -> None:
            """Make the claim's directory."""
            ...

        def remove_claim(self, claim: Ref) -> None:
            """Remove the claim with its data: the caller has the user's consent."""
            ...

        def pull(self, image: Image) -> str:
            """Have the image in the store as its policy asks; return its id."""
            ...

        def unfit(self, wanted: Sequence[WantedPod]) -> Sequence[Fault]:
            """Find what keeps the target from making any pod now. Changes nothing that lasts."""
            ...

        def check(
            self, wanted: Sequence[WantedPod], ids: Mapping[str, str], leaving: Collection[str]
        ) -> Mapping[Ref, Fault]:
            """Find what would keep pods from being made once the pods `leaving` (uids) are gone.

            `ids` maps the images' names to their ids; what hangs on others is not looked at.
            Changes nothing.
            """
            ...

        def prepare(self, wanted: Sequence[WantedPod]) -> Mapping[Ref, PodRecord | Fault]:
            """Give each pod its uid, address and ports, write its record, open its network."""
            ...

        def start(self, record: PodRecord, ids: Mapping[str, str]) -> None:
            """Make the pod and bring it up; return when it runs, or has ended well.

            `ids` maps image names to ids. Raises the fault when it cannot be started; what is
            there of it by then is the caller's to `abandon`, or to leave for the next pass.
            """
            ...

        def abandon(self, record: PodRecord) -> None:
            """Remove what there is of a pod that could not be started. Never raises a Fault."""
            ...

        def update(self, state: PodState, wanted: WantedPod) -> None:
            """Change a running pod in place: metadata, further names, projected files."""
            ...

        def mend(self, state: PodState, wanted: WantedPod) -> None:
            """Put back what the host has lost of the pod."""
            ...

        def remove(self, states: Sequence[PodState]) -> Mapping[str, Fault]:
            """Stop and remove pods together; return uid -> fault of those that are not gone."""
            ...
