"""Write a pod's .pod file: its network, and what all of its containers share."""

from __future__ import annotations

from manifests.pod import RestartPolicy
from renderers import systemd_text
from renderers.quadlet import jobs, network, pod_annotations, shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Lines


def write(rendering: Rendering) -> None:
    """Add the .pod file."""
    source = rendering.source
    lines = rendering.section("Pod")
    lines.plain("PodName", systemd_text.literal(source.stem))
    network.write(rendering, lines)
    if _outlives_containers(rendering):
        lines.either(("restartPolicy",), "ExitPolicy", "--exit-policy", "continue")
    pod_annotations.labels(rendering, lines)
    unit: Lines = [("Description", systemd_text.line(f"Pod {source.stem}"))]
    # systemd's own 90 seconds are too short where many pods start at once on a small host.
    service: Lines = [("TimeoutStartSec", "900")]
    deadline = rendering.spec.active_deadline_seconds
    if source.job is not None:
        deadline = source.job.spec.active_deadline_seconds or deadline
        if len(rendering.spec.containers) == 1:
            unit.extend(jobs.condition(source.job))
    if deadline is not None:
        name = f"{source.stem}-pod"
        service.extend(shell.deadline(name, deadline, user=rendering.user, over="ExecStopPost"))
    rendering.write(
        f"{source.stem}.pod",
        {
            "Unit": unit,
            "Pod": lines.lines,
            "Service": service,
            "Install": rendering.install,
        },
    )


def _outlives_containers(rendering: Rendering) -> bool:
    """Tell whether the pod stays where no container runs, for a while: else Podman stops it.

    It has to while one waits for its restart, and between an init container and what comes next.
    """
    spec = rendering.spec
    return spec.restart_policy is RestartPolicy.ALWAYS or bool(
        spec.init_containers
        or (spec.restart_policy is RestartPolicy.ON_FAILURE and rendering.source.job is None)
    )
