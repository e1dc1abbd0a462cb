"""Check what a container is to do after its start and before its stop."""

from __future__ import annotations

from manifests.checks import probes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.container import Container


def check(container: Container, path: Path, findings: Findings, *, grace: int) -> None:
    """Check the handlers; `path` is the container's, `grace` the pod's grace period."""
    for field, handler in (
        ("postStart", container.lifecycle.post_start),
        ("preStop", container.lifecycle.pre_stop),
    ):
        if handler is None:
            continue
        here = (*path, "lifecycle", field)
        if path[-2] == "initContainers" and container.restart_policy is None:
            findings.add(here, "may not be given for an init container that is no sidecar")
        probes.check_action(handler, container, here, findings)
        if handler.sleep is not None and not 0 <= handler.sleep.seconds <= grace:
            message = f"must be from 0 to the pod's terminationGracePeriodSeconds, {grace}"
            findings.add((*here, "sleep", "seconds"), message)
