"""Keep what containers said of their end: terminationMessagePath and terminationMessagePolicy.

`collect` puts the message beside conmon's record of the end, where runtime.observe finds it. That
is done once for each end, before the container is started again or its pod is let go.
"""

from __future__ import annotations

import contextlib
import os

from manifests.container import MessagePolicy
from manifests.observed import Stage
from reconciler.targets.host import logs
from runtime import files
from runtime.kernel import namespaces
from runtime.observe import pods
from runtime.oci import last_words
from runtime.oci.container import Container as OciContainer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from manifests.container import Container
    from manifests.observed import PodState
    from reconciler.targets.host.base import Base
    from runtime.kernel.inside import Inside

_OF_A_POD = 12 * 1024
_OF_A_LOG = 2048
_LOG_LINES = 80


def collect(base: Base, state: PodState, inside: Inside | None) -> PodState:
    """Keep the messages of containers that have ended since; return the pod with them."""
    ended = [
        container
        for container in (*state.pod.spec.init_containers, *state.pod.spec.containers)
        if _uncollected(base, state, container.name)
    ]
    if not ended:
        return state
    written = _written(base, state, ended, inside)
    share = _OF_A_POD // len(state.containers)
    for container in ended:
        message = written[container.name] or _end_of_log(base, state, container)
        bundle = OciContainer.of(base.paths, state.uid, container.name).bundle
        files.write(
            pods.message_file(bundle),
            message[:share],
            temporary=f"{bundle}/message.new",
        )
    # Others may have ended meanwhile, and what is returned decides whether the pod is let go.
    return collect(base, pods.state_of(base.paths, state.record, base.cgroups), inside)


def _uncollected(base: Base, state: PodState, name: str) -> bool:
    if state.containers[name].stage is not Stage.EXITED:
        return False
    container = OciContainer.of(base.paths, state.uid, name)
    # Without conmon's files only the record of an earlier end is left, which has its message.
    return os.path.exists(f"{container.bundle}/pid") and not os.path.exists(
        pods.message_file(container.bundle)
    )


def _written(
    base: Base, state: PodState, ended: Sequence[Container], inside: Inside | None
) -> dict[str, bytes]:
    pod_dir = base.paths.pod(state.uid)
    if inside is None and not namespaces.pinned(pod_dir):
        return dict.fromkeys((container.name for container in ended), b"")
    with contextlib.ExitStack() as leaving:
        entered = inside or leaving.enter_context(namespaces.enter(pod_dir))
        return {
            container.name: entered.call(
                last_words.read, base.paths.message(state.uid, container.name)
            )
            for container in ended
        }


def _end_of_log(base: Base, state: PodState, container: Container) -> bytes:
    """What stands for a message that a failed container did not write, where that is asked for."""
    current = state.containers[container.name]
    asked = container.termination_message_policy is MessagePolicy.FALLBACK_TO_LOGS_ON_ERROR
    if not asked or current.ended is None or current.ended.exit_code == 0:
        return b""
    from runtime.oci import logs as reading

    log = f"{logs.directory(base, state.record)}/{container.name}/{current.record.attempt}.log"
    lines = reading.read(log, reading.Selection(tail=_LOG_LINES))
    return b"".join(line.text + b"\n" for line in lines)[-_OF_A_LOG:]
