"""healthcheck of a service: a readiness probe, as Compose restarts nothing that is not well."""

from __future__ import annotations

from manifests.compose.book import text
from manifests.quadlet import durations
from manifests.quadlet.drafting import literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.compose.draft import ServiceDraft

_PROBE = ("spec", "containers", 0, "readinessProbe")
_SPANS = {
    "interval": ("periodSeconds", 30),
    "timeout": ("timeoutSeconds", 30),
    "start_period": ("initialDelaySeconds", 0),
}


def read(service: ServiceDraft) -> None:
    """Read the check of a service."""
    book = service.book
    path = service.at_key("healthcheck")
    given = book.mapping(service.given.get("healthcheck"), path)
    if not given or given.get("disable"):
        return
    words = _words(given.get("test"))
    if not words:
        if "test" not in given:
            service.say(
                "says nothing without test: the image's own check is not run", "healthcheck"
            )
        return
    probe: dict[str, Any] = {"exec": {"command": [literal(word) for word in words]}}
    for key, (field, default) in _SPANS.items():
        seconds = _seconds(service, key, given.get(key), default)
        if seconds:
            probe[field] = seconds
    retries = given.get("retries", 3)
    probe["failureThreshold"] = retries if isinstance(retries, int) and retries > 0 else 3
    for key in given:
        if key not in (*_SPANS, "test", "retries", "disable"):
            service.say(f"is not supported: {key}", "healthcheck", key)
    service.set(_PROBE, probe, "healthcheck")


def _words(test: object) -> list[str]:
    """Return the words of a check; none for one that switches it off."""
    if isinstance(test, str):
        return ["/bin/sh", "-c", test]
    if not isinstance(test, list) or not test or test[0] == "NONE":
        return []
    words = [text(one) for one in test]
    if words[0] == "CMD-SHELL":
        return ["/bin/sh", "-c", " ".join(words[1:])]
    return words[1:] if words[0] == "CMD" else words


def _seconds(service: ServiceDraft, key: str, value: object, default: int) -> int:
    if value is None:
        return default
    try:
        return -int(-durations.seconds(text(value)) // 1)
    except ValueError as error:
        service.book.wrong(service.at_key("healthcheck", key), str(error))
        return default
