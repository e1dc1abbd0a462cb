"""Check what a container is to do after its start and before its stop."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.container import Container, Handler


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
        _check_handler(handler, here, findings, grace)


def _check_handler(handler: Handler, path: Path, findings: Findings, grace: int) -> None:
    if handler.exec is None and handler.sleep is None:
        findings.add(path, "must say what to do: exec or sleep")
    if handler.exec is not None and handler.sleep is not None:
        findings.add(path, "must be one thing to do only; it is exec and sleep")
    if handler.exec is not None and not handler.exec.command:
        findings.add((*path, "exec", "command"), "is required")
    if handler.sleep is not None and not 0 <= handler.sleep.seconds <= grace:
        message = f"must be from 0 to the pod's terminationGracePeriodSeconds, {grace}"
        findings.add((*path, "sleep", "seconds"), message)
