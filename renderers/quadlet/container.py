"""Write a container's .container file."""

from __future__ import annotations

from manifests.container import PullPolicy
from manifests.pod import RestartPolicy
from renderers import systemd_text
from renderers.quadlet import command, environment, mounts, resources, security, variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container
    from manifests.problems import FieldPath
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Lines

_PULLS = {
    PullPolicy.ALWAYS: "always",
    PullPolicy.NEVER: "never",
    PullPolicy.IF_NOT_PRESENT: "missing",
    PullPolicy.MISSING: "missing",
    PullPolicy.NEWER: "newer",
}
_RESTARTS = {
    RestartPolicy.ALWAYS: "always",
    RestartPolicy.ON_FAILURE: "on-failure",
    RestartPolicy.NEVER: "no",
}
_OVERHEAD_SECONDS = 20
"""What Podman may take to stop a container beyond its grace period."""


def write(rendering: Rendering, where: FieldPath, container: Container) -> None:
    """Add the .container file, and the files that it names."""
    stem = rendering.source.stem
    name = f"{stem}-{container.name}"
    lines = rendering.section("Container")
    lines.plain("ContainerName", systemd_text.literal(name))
    lines.plain("Pod", f"{stem}.pod")
    lines.text((*where, "image"), "Image", rendering.source.image(container.image))
    lines.plain("Pull", _PULLS[container.image_pull_policy or PullPolicy.IF_NOT_PRESENT])
    declared = variables.declared(rendering, where, container)
    command.write(rendering, where, container, declared, lines)
    environment.write(rendering, name, declared, lines)
    before = mounts.write(rendering, where, container, declared, lines)
    resources.write(where, container, lines)
    security.write(rendering, where, container, lines)
    signal = container.lifecycle.stop_signal
    if signal:
        lines.either((*where, "lifecycle", "stopSignal"), "StopSignal", "--stop-signal", signal)
    lines.plain("StopTimeout", str(rendering.spec.termination_grace_period_seconds))
    description = systemd_text.line(f"Container {container.name} of {stem}")
    rendering.write(
        f"{name}.container",
        {
            "Unit": [("Description", description), ("StartLimitIntervalSec", "0")],
            "Container": lines.lines,
            "Service": [*before, *_service(rendering)],
        },
    )


def _service(rendering: Rendering) -> Lines:
    spec = rendering.spec
    service: Lines = [
        ("Restart", _RESTARTS[spec.restart_policy]),
        ("RestartSec", "10"),
        ("TimeoutStartSec", "900"),  # the image is pulled within
        ("TimeoutStopSec", str(spec.termination_grace_period_seconds + _OVERHEAD_SECONDS)),
    ]
    if spec.active_deadline_seconds is not None:
        service.append(("RuntimeMaxSec", str(spec.active_deadline_seconds)))
    return service
