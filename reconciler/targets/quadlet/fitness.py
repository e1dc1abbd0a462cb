"""Find what keeps this host from having systemd and Podman run pods: every reason."""

from __future__ import annotations

import os
import re

from manifests.faults import Fault, HostFault, Unfit
from runtime import proc, systemd

GENERATORS = (
    "/usr/lib/systemd/system-generators/podman-system-generator",
    "/lib/systemd/system-generators/podman-system-generator",
    "/etc/systemd/system-generators/podman-system-generator",
)
OLDEST = (5, 0)
_SECONDS = 60.0


def podman() -> str:
    """Return the release of this host's Podman. Raises Unfit with all that is missing."""
    faults: list[Fault] = []
    if os.geteuid() != 0:
        faults.append(HostFault("target: quadlet needs root: units are those of the system"))
    if not systemd.booted():
        faults.append(HostFault("systemd does not run this host, as target: quadlet needs"))
    release = ""
    try:
        release = _release()
        if tuple(int(part) for part in release.split(".")[:2]) < OLDEST:
            hint = "5.0 is the first that has .pod files"
            faults.append(HostFault(f"Podman {release} is too old for target: quadlet", hint=hint))
    except Fault as fault:
        faults.append(fault)
    if not any(map(os.path.exists, GENERATORS)):
        hint = "it comes with Podman: reinstall the package podman"
        faults.append(HostFault("Podman's generator for systemd is not installed", hint=hint))
    if faults:
        raise Unfit(faults)
    return release


def _release() -> str:
    said = proc.check("podman", "--version", timeout=_SECONDS).text
    found = re.search(r"\d+\.\d+(\.\d+)?", said)
    if found is None:
        raise HostFault(f"podman --version says {said.strip()!r}, which names no release")
    return found[0]
