"""Write a container's .container file."""

from __future__ import annotations

from manifests.pod import RestartPolicy
from renderers import systemd_text
from renderers.quadlet import (
    command,
    environment,
    handlers,
    health,
    images,
    jobs,
    mounts,
    network,
    pod_annotations,
    resources,
    security,
    shell,
    variables,
)
from renderers.quadlet.order import Role

TYPE_CHECKING = False
if TYPE_CHECKING:
    from renderers.quadlet.order import Step
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Lines, Section

_RESTARTS = {
    RestartPolicy.ALWAYS: "always",
    RestartPolicy.ON_FAILURE: "on-failure",
    RestartPolicy.NEVER: "no",
}
_OVERHEAD_SECONDS = 20
"""What Podman may take to stop a container beyond its grace period."""


def write(rendering: Rendering, step: Step) -> None:
    """Add the .container file, and the files that it names."""
    lines = rendering.section("Container")
    lines.plain("ContainerName", systemd_text.literal(step.name))
    if rendering.has_pod:
        lines.plain("Pod", f"{rendering.source.stem}.pod")
    else:
        network.write(rendering, lines, found=step.role is Role.MAIN)
        pod_annotations.labels(rendering, lines)
    service = [
        *_written(rendering, step, lines),
        *_service(rendering, step),
        *handlers.service(rendering, step.path, step.container, step.name),
    ]
    install = rendering.install if not rendering.has_pod and step.role is Role.MAIN else []
    rendering.write(
        f"{step.name}.container",
        {
            "Unit": _unit(rendering, step),
            "Container": lines.lines,
            "Service": service,
            "Install": install,
        },
    )


def _written(rendering: Rendering, step: Step, lines: Section) -> Lines:
    """Add what the container's own fields say; return what the service does before its start."""
    where, container = step.path, step.container
    path = (*where, "image")
    images.write(rendering, path, container.image, container.image_pull_policy, lines)
    declared = variables.declared(rendering, where, container)
    command.write(rendering, where, container, declared, lines)
    environment.write(rendering, step.name, declared, lines)
    before = mounts.write(rendering, where, container, declared, lines)
    resources.write(rendering, where, container, lines)
    security.write(rendering, where, container, lines)
    pod_annotations.write(rendering, lines)
    health.write(rendering, where, container, lines, sidecar=step.role is Role.SIDECAR)
    for asked, flag in (
        (rendering.spec.host_pid, "--pid=host"),
        (rendering.spec.host_ipc, "--ipc=host"),
        (container.tty, "--tty"),
        (container.stdin, "--interactive"),
    ):
        if asked:
            lines.plain("PodmanArgs", flag)
    signal = container.lifecycle.stop_signal
    if signal:
        lines.either((*where, "lifecycle", "stopSignal"), "StopSignal", "--stop-signal", signal)
    lines.plain("StopTimeout", str(rendering.spec.termination_grace_period_seconds))
    return before


def _unit(rendering: Rendering, step: Step) -> Lines:
    source = rendering.source
    text = f"{step.role.capitalize()} {step.container.name} of {source.stem}"
    lines: Lines = [("Description", systemd_text.line(text))]
    for key, names in (
        ("Requires", step.required),
        ("Wants", step.wanted),
        ("After", (*step.required, *step.wanted)),
        ("Before", step.following),
    ):
        if names:
            lines.append((key, " ".join(f"{name}.service" for name in names)))
    if source.job is None:
        return [*lines, ("StartLimitIntervalSec", "0")]
    if not rendering.has_pod:
        lines.extend(jobs.condition(source.job))
    if step.role is not Role.SIDECAR:
        lines.extend(jobs.limit(source.job))
    return lines


def _service(rendering: Rendering, step: Step) -> Lines:
    job = rendering.source.job
    policy = rendering.spec.restart_policy
    if step.role is Role.INIT:
        lines = _init(rendering, step)
    elif step.role is Role.MAIN and job is not None:
        lines = jobs.service(rendering, job, step.name)
    else:
        restart = RestartPolicy.ALWAYS if step.role is Role.SIDECAR else policy
        lines = [
            ("Restart", _RESTARTS[restart]),
            ("RestartSec", "10"),
            ("TimeoutStartSec", "900"),  # the image is pulled within
        ]
    grace = rendering.spec.termination_grace_period_seconds
    return [*lines, ("TimeoutStopSec", str(grace + _OVERHEAD_SECONDS))]


def _init(rendering: Rendering, step: Step) -> Lines:
    job = rendering.source.job
    if job is not None:
        again = jobs.is_tried_again(job)
    else:
        again = rendering.spec.restart_policy is not RestartPolicy.NEVER
    following = [f"{name}.service" for name in step.following]
    return [
        ("Type", "oneshot"),
        # Without a pod that ends with it, what is done would never be done again.
        ("RemainAfterExit", "yes" if rendering.has_pod else "no"),
        ("Restart", "on-failure" if again else "no"),
        ("RestartSec", "10"),
        ("TimeoutStartSec", "infinity"),
        ("ExecStartPost", shell.systemctl("start", *following, user=rendering.user)),
    ]
