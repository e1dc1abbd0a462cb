"""Write a container's probes: Podman runs one command in the container, and one before it.

    startupProbe     HealthStartupCmd=
    livenessProbe    HealthCmd= and HealthOnFailure=kill: its service starts it again
    readinessProbe   HealthCmd=, where there is no livenessProbe, and nothing comes of it

Podman knows no other probes than commands: what asks over the network is told, as whether the image
has a program for it is not known here.
"""

from __future__ import annotations

from manifests import probes
from manifests.probes import Kind
from renderers.quadlet import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container
    from manifests.probes import Probe
    from manifests.problems import FieldPath
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Section

_ASKING = (("httpGet", "http_get"), ("tcpSocket", "tcp_socket"), ("grpc", "grpc"))
_ALONE = frozenset(" \t")


def write(
    rendering: Rendering, where: FieldPath, container: Container, lines: Section, *, sidecar: bool
) -> None:
    """Add the lines of the probes; what comes after a sidecar waits until it has started up."""
    commands: dict[Kind, str] = {}
    for kind, probe in probes.of_container(container):
        path = (*where, f"{kind}Probe")
        written = _command(rendering, path, probe)
        if written is not None:
            commands[kind] = written
        if probe.termination_grace_period_seconds is not None:
            there = (*path, "terminationGracePeriodSeconds")
            rendering.lose(there, "is not kept: the container's own grace period holds")
    regular = _regular(rendering, where, container, commands)
    startup = commands.get(Kind.STARTUP)
    if regular is None and startup is None:
        return
    probe, text = regular or (_never_fails(container), startup or "")
    lines.text(where, "HealthCmd", text)
    lines.plain("HealthInterval", f"{probe.period_seconds}s")
    lines.plain("HealthTimeout", f"{probe.timeout_seconds}s")
    lines.plain("HealthRetries", str(probe.failure_threshold))
    if probe.initial_delay_seconds:
        lines.plain("HealthStartPeriod", f"{probe.initial_delay_seconds}s")
    kills = Kind.LIVENESS in commands or startup is not None
    lines.plain("HealthOnFailure", "kill" if kills else "none")
    if startup is not None and container.startup_probe is not None:
        _startup(rendering, where, container.startup_probe, startup, lines)
        if sidecar:
            lines.plain("Notify", "healthy")


def _regular(
    rendering: Rendering, where: FieldPath, container: Container, commands: dict[Kind, str]
) -> tuple[Probe, str] | None:
    """Return the probe that HealthCmd= runs, and how it is written there."""
    if Kind.LIVENESS in commands and container.liveness_probe is not None:
        if commands.get(Kind.READINESS, commands[Kind.LIVENESS]) != commands[Kind.LIVENESS]:
            message = "is not run: Podman runs one command, the livenessProbe's"
            rendering.lose((*where, "readinessProbe"), message)
        return container.liveness_probe, commands[Kind.LIVENESS]
    if Kind.READINESS in commands and container.readiness_probe is not None:
        if Kind.STARTUP in commands:
            message = "is not run: where it failed, Podman would kill the container, too"
            rendering.lose((*where, "readinessProbe"), message)
            return None
        return container.readiness_probe, commands[Kind.READINESS]
    return None


def _never_fails(container: Container) -> Probe:
    """Return the spans of the command that Podman wants after one for the start: the same, rarely.

    It is run once an hour, and would have to fail for as long as a day.
    """
    probe = container.startup_probe
    assert probe is not None  # noqa: S101 (it is the only probe then)
    return probe.replace(period_seconds=3600, failure_threshold=24, initial_delay_seconds=0)


def _startup(
    rendering: Rendering, where: FieldPath, probe: Probe, text: str, lines: Section
) -> None:
    path = (*where, "startupProbe")
    lines.text(path, "HealthStartupCmd", text)
    lines.plain("HealthStartupInterval", f"{probe.period_seconds}s")
    lines.plain("HealthStartupTimeout", f"{probe.timeout_seconds}s")
    lines.plain("HealthStartupRetries", str(probe.failure_threshold))
    if probe.success_threshold > 1:
        lines.plain("HealthStartupSuccess", str(probe.success_threshold))
    if probe.initial_delay_seconds:
        message = "is not kept: the first attempt comes after the first period"
        rendering.lose((*path, "initialDelaySeconds"), message)


def _command(rendering: Rendering, path: FieldPath, probe: Probe) -> str | None:
    """Return how the probe is written; None for one that cannot be, which is told."""
    for field, attribute in _ASKING:
        if getattr(probe, attribute) is not None:
            message = "is not run: Podman runs probes as commands in the container alone"
            rendering.lose((*path, field), message)
            return None
    words = list(probe.exec.command) if probe.exec else []
    if not words:
        return None
    if len(words) > 1:
        return command.array(words)
    if _ALONE & set(words[0]):
        rendering.lose((*path, "exec", "command"), "one word with a blank in it has no form")
        return None
    # An array of one would be a shell's command.
    return f"CMD {words[0]}"
