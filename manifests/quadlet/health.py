"""HealthCmd= and its like: probes.

What Podman does about a container that is ill is HealthOnFailure=: with kill, stop or restart the
check is a liveness probe. Without it nothing ends the container, and the check tells only whether
it is well: a readiness probe.
"""

from __future__ import annotations

import json

from manifests.quadlet import durations
from manifests.quadlet.drafting import literal
from manifests.quadlet.remarks import Grade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.problems import FieldPath
    from manifests.quadlet.pods import PodDraft
    from manifests.quadlet.reader import Read, Reader

_INTERVAL, _TIMEOUT, _RETRIES = 30, 30, 3
"""Podman's own, where the unit says nothing."""


def read(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    """Read the checks of a container, into the container at `where`."""
    startup = _probe(reader, "HealthStartup")
    if startup is not None:
        command, raw = startup
        pod.put((*where, "startupProbe"), raw, command.entry)
    regular = _probe(reader, "Health")
    action = reader.text("HealthOnFailure")
    notify = reader.text("Notify")
    if notify is not None and notify.value.lower() not in ("healthy", "no", "false", "0", "off"):
        reader.say(notify.entry, "is not supported: a container counts as started when it runs")
    if regular is None:
        if notify is not None and notify.value.lower() == "healthy":
            message = "says nothing without HealthCmd: the image's own check is not run"
            reader.say(notify.entry, message)
        return
    command, raw = regular
    acts = action is not None and action.value in ("kill", "stop", "restart")
    if action is not None and action.value not in ("kill", "stop", "restart", "none"):
        known = "kill, none, restart, stop"
        reader.say(action.entry, f'"{action.value}" must be one of {known}', Grade.WRONG)
    if acts:
        pod.put((*where, "livenessProbe"), raw, command.entry)
    if not acts or (notify is not None and notify.value.lower() == "healthy"):
        pod.put((*where, "readinessProbe"), dict(raw), command.entry)


def _probe(reader: Reader, front: str) -> tuple[Read, dict[str, Any]] | None:
    command = reader.text(f"{front}Cmd")
    if command is None:
        return None
    words = _command(command.value)
    if not words:
        return None
    raw: dict[str, Any] = {"exec": {"command": [literal(word) for word in words]}}
    raw["periodSeconds"] = _seconds(reader, f"{front}Interval", _INTERVAL)
    raw["timeoutSeconds"] = _seconds(reader, f"{front}Timeout", _TIMEOUT)
    raw["failureThreshold"] = _number(reader, f"{front}Retries", _RETRIES)
    if front == "Health":
        delay = _seconds(reader, "HealthStartPeriod", 0)
        if delay:
            raw["initialDelaySeconds"] = delay
    else:
        success = reader.text("HealthStartupSuccess")
        if success is not None and success.value not in ("0", "1"):
            reader.say(success.entry, "is not supported: one success is enough, as in Kubernetes")
    return command, raw


def _command(text: str) -> list[str]:
    """Return the words of a check as Podman takes them; none for one that switches it off."""
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        return [] if text == "none" else ["/bin/sh", "-c", text.removeprefix("CMD-SHELL ")]
    return words_of(given)


def words_of(given: list[str]) -> list[str]:
    """Return the words to run of a check as images have it: CMD, CMD-SHELL or NONE before them."""
    match given[:1]:
        case [] | ["NONE"] | ["none"]:
            return []
        case ["CMD"]:
            return given[1:]
        case ["CMD-SHELL"]:
            return ["/bin/sh", "-c", " ".join(given[1:])]
        case _:
            return given


def _seconds(reader: Reader, key: str, default: int) -> int:
    """Return a span in whole seconds, as probes have them; one at least, unless it is nothing."""
    given = reader.text(key)
    if given is None:
        return default
    if given.value == "disable":
        reader.say(given.entry, f"is not supported: it is {default} seconds")
        return default
    try:
        found = durations.seconds(given.value)
    except ValueError as error:
        reader.say(given.entry, str(error), Grade.WRONG)
        return default
    if found != int(found):
        reader.say(given.entry, "is rounded up to whole seconds", Grade.TOLD)
    return -int(-found // 1)


def _number(reader: Reader, key: str, default: int) -> int:
    given = reader.text(key)
    if given is None:
        return default
    if not given.value.isdigit():
        reader.say(given.entry, f'"{given.value}" must be a number', Grade.WRONG)
        return default
    return max(int(given.value), 1)
