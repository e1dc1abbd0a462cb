"""Find the running container that a command line means: `exec` and `cp` go into it."""

from __future__ import annotations

import sys

from manifests.faults import Invalid
from manifests.value import Value
from podpy import lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from podpy.lookup import Found
    from runtime.oci.container import Container
    from runtime.paths import Paths


class Running(Value):
    """A container and its first process, and the pod that it is found in."""

    found: Found
    container: Container
    pid: int


def find(paths: Paths, pod: str, namespace: str, container: str, *, quiet: bool = False) -> Running:
    """Return what runs; which container was chosen of several is told, unless `quiet`."""
    from runtime.oci import container as oci

    found = lookup.pod(paths, pod, namespace)
    name = lookup.container(found, container)
    note = lookup.chosen_for_you(found, name, container)
    if note and not quiet:
        print(note, file=sys.stderr)
    target = oci.Container.of(paths, found.pod.uid, name)
    state, pid = oci.look(target)
    if pid is None or state is not oci.State.RUNNING:
        why = found.pod.waiting.get(name, "")
        raise Invalid(
            f"container {name} of pod {found.pod.name} is not running{why and f': {why}'}",
            hint=f"podpy describe pod {found.pod.name}",
        )
    return Running(found=found, container=target, pid=pid)
