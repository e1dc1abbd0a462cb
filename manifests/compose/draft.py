"""The Pod of a service in the making: its fields, with the keys of the service that say them."""

from __future__ import annotations

from manifests.compose.book import text
from manifests.quadlet import drafting, pods
from manifests.quadlet.remarks import Grade
from manifests.quadlet.units import Units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.compose.book import Book
    from manifests.problems import FieldPath

CONTAINER: FieldPath = ("spec", "containers", 0)
"""Where the container of the service is."""


class ServiceDraft(pods.PodDraft):
    """The Pod of a service in the making."""

    def __init__(self, book: Book, name: str, raw: dict[str, Any]) -> None:
        path = ("services", name)
        super().__init__(Units(()), book.entry(path))
        self.book = book
        self.path: FieldPath = path
        self.given = raw
        self.service = name

    def at_key(self, *keys: str | int) -> FieldPath:
        return (*self.path, *keys)

    def set(self, path: FieldPath, value: object, *keys: str | int) -> None:
        """Set a field that a key of the service says."""
        self.put(path, value, self.book.entry(self.at_key(*keys)))

    def push(self, path: FieldPath, value: object, *keys: str | int) -> None:
        """Append to a field what a key of the service says."""
        self.add(path, value, self.book.entry(self.at_key(*keys)))

    def say(self, message: str, *keys: str | int, grade: Grade = Grade.UNSUPPORTED) -> None:
        self.book.say(self.at_key(*keys), message, grade)


def object_name(book: Book, service: str) -> str:
    """Return what the object of a service is called: as others look for it, or container_name."""
    raw = book.mapping(book.raw.get("services"), ("services",)).get(service)
    given = raw.get("container_name") if isinstance(raw, dict) else None
    return drafting.label(text(given) or service) or "unnamed"
