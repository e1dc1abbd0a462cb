"""Check probes: what they ask, of which port, how often, and where they may stand."""

from __future__ import annotations

from manifests import probes
from manifests.checks import names, ports
from manifests.probes import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.container import Container, Handler
    from manifests.probes import HTTPGetAction, Probe

_TOKEN_SIGNS = "!#$%&'*+-.^_`|~"  # noqa: S105 (RFC 9110's tokens)


def check(container: Container, path: Path, findings: Findings) -> None:
    """Check the probes of one container; `path` is the container's."""
    for kind, probe in probes.of_container(container):
        here = (*path, f"{kind}Probe")
        if path[-2] == "initContainers" and container.restart_policy is None:
            findings.add(here, "may not be given for an init container that is no sidecar")
        check_action(probe, container, here, findings)
        _check_spans(kind, probe, here, findings)


def check_action(
    asked: Probe | Handler, container: Container, path: Path, findings: Findings
) -> None:
    """Check what is asked for: that it is one thing only, and that thing."""
    _check_one(asked, path, findings)
    if asked.exec is not None and not asked.exec.command:
        findings.add((*path, "exec", "command"), "is required")
    if asked.http_get is not None:
        _check_http(asked.http_get, container, (*path, "httpGet"), findings)
    if asked.tcp_socket is not None:
        port = _port_fault(asked.tcp_socket.port, container)
        findings.unless(port, (*path, "tcpSocket", "port"))


def _check_one(asked: Probe | Handler, path: Path, findings: Findings) -> None:
    kinds = {"exec": "exec", "http_get": "httpGet", "tcp_socket": "tcpSocket"}
    kinds |= {"grpc": "grpc", "sleep": "sleep"}
    known = {field: word for field, word in kinds.items() if hasattr(asked, field)}
    given = [word for field, word in known.items() if getattr(asked, field) is not None]
    if not given:
        findings.add(path, f"must say what to do: {' or '.join(known.values())}")
    if len(given) > 1:
        findings.add(path, f"must be one thing to do only; it is {' and '.join(given)}")


def _check_http(asked: HTTPGetAction, container: Container, path: Path, findings: Findings) -> None:
    findings.unless(_port_fault(asked.port, container), (*path, "port"))
    if any(sign.isspace() or not sign.isprintable() for sign in asked.path):
        findings.add((*path, "path"), "must not hold white space: write %20")
    for index, header in enumerate(asked.http_headers):
        here = (*path, "httpHeaders", index)
        if not header.name or not all(_in_token(sign) for sign in header.name):
            findings.add((*here, "name"), f'"{header.name}" is not the name of an HTTP header')
        if any(ord(sign) < ord(" ") and sign != "\t" for sign in header.value):
            findings.add((*here, "value"), "must be one line")


def _in_token(sign: str) -> bool:
    return sign.isascii() and (sign.isalnum() or sign in _TOKEN_SIGNS)


def _port_fault(port: int | str, container: Container) -> str:
    if isinstance(port, int):
        return ports.number(port)
    known = [one.name for one in container.ports if one.name]
    if port in known:
        return ""
    return names.port_name(port) or (
        f'"{port}" is not a port of this container' + (f": {', '.join(known)}" if known else "")
    )


def _check_spans(kind: Kind, probe: Probe, path: Path, findings: Findings) -> None:
    for field, seconds in (
        ("initialDelaySeconds", probe.initial_delay_seconds),
        ("periodSeconds", probe.period_seconds),
        ("timeoutSeconds", probe.timeout_seconds),
        ("successThreshold", probe.success_threshold),
        ("failureThreshold", probe.failure_threshold),
    ):
        if seconds < 0:
            findings.add((*path, field), f"must not be negative; it is {seconds}")
    if kind is not Kind.READINESS and probe.success_threshold > 1:
        findings.add((*path, "successThreshold"), f"must be 1 for a {kind} probe")
    if probe.grpc is not None:
        findings.unless(ports.number(probe.grpc.port), (*path, "grpc", "port"))
    grace = probe.termination_grace_period_seconds
    here = (*path, "terminationGracePeriodSeconds")
    if grace is not None and kind is Kind.READINESS:
        findings.add(here, "may not be given for a readiness probe, which stops nothing")
    elif grace is not None and grace < 1:
        findings.add(here, f"must be at least 1; it is {grace}")
