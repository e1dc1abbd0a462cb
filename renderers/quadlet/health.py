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
    from collections.abc import Mapping

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
    given = dict(probes.of_container(container))
    commands = _commands(rendering, where, given)
    kind = _regular(rendering, where, commands)
    if kind is None:
        return
    probe = given[kind]
    lines.text(where, "HealthCmd", commands[kind])
    lines.plain("HealthInterval", f"{probe.period_seconds}s")
    lines.plain("HealthTimeout", f"{probe.timeout_seconds}s")
    lines.plain("HealthRetries", str(probe.failure_threshold))
    if probe.initial_delay_seconds and kind is not Kind.STARTUP:
        lines.plain("HealthStartPeriod", f"{probe.initial_delay_seconds}s")
    lines.plain("HealthOnFailure", "kill" if kind is Kind.LIVENESS else "none")
    if Kind.STARTUP in commands:
        _startup(rendering, where, given[Kind.STARTUP], commands[Kind.STARTUP], lines)
        if sidecar:
            lines.plain("Notify", "healthy")


def _commands(
    rendering: Rendering, where: FieldPath, given: Mapping[Kind, Probe]
) -> dict[Kind, str]:
    """Return how each probe is written that can be."""
    found: dict[Kind, str] = {}
    for kind, probe in given.items():
        path = (*where, f"{kind}Probe")
        written = _command(rendering, path, probe)
        if written is not None:
            found[kind] = written
        if probe.termination_grace_period_seconds is not None:
            there = (*path, "terminationGracePeriodSeconds")
            rendering.lose(there, "is not kept: the container's own grace period holds")
    return found


def _regular(rendering: Rendering, where: FieldPath, commands: dict[Kind, str]) -> Kind | None:
    """Return the probe that HealthCmd= runs: after one for the start Podman wants some other.

    Where that is the same, it is asked as often: who waits for the container to be healthy waits
    for its first success.
    """
    live = commands.get(Kind.LIVENESS)
    if live is not None:
        if commands.get(Kind.READINESS, live) != live:
            message = "is not run: Podman runs one command, the livenessProbe's"
            rendering.lose((*where, "readinessProbe"), message)
        return Kind.LIVENESS
    return next((kind for kind in (Kind.READINESS, Kind.STARTUP) if kind in commands), None)


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
