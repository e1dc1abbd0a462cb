"""reconciler.state.events: what happened, counted when repeated, bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests.ref import Ref
from reconciler.state import database, events
from reconciler.state.events import EVENTS_KEPT, Event, EventType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.state.database import Database

WEB = Ref(kind="Pod", namespace="default", name="web")
SHOP = Ref(kind="Pod", namespace="shop", name="web")
FRONT = Ref(kind="Network", name="front")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Database]:
    made = database.connect(str(tmp_path / "state.db"))
    yield made
    made.close()


def event(ref: Ref = WEB, reason: str = "Created", message: str = "it was made") -> Event:
    return Event(ref=ref, reason=reason, message=message)


def read(on: Database, **only: object) -> list[Event]:
    return [found for _, found in events.read(on, **only)]  # type: ignore[arg-type]


def test_an_event_is_read_back(state: Database) -> None:
    events.record(state, [event().replace(type=EventType.WARNING)], 5.0)

    assert read(state) == [
        event().replace(type=EventType.WARNING, first_at=5.0, last_at=5.0, count=1)
    ]


def test_a_repeated_event_is_counted(state: Database) -> None:
    for now in (1.0, 2.0, 3.0):
        events.record(state, [event()], now)

    assert read(state) == [event().replace(first_at=1.0, last_at=3.0, count=3)]


def test_the_same_words_about_another_object_are_another_event(state: Database) -> None:
    events.record(state, [event(), event(SHOP), event()], 1.0)

    assert [(found.ref, found.count) for found in read(state)] == [(WEB, 2), (SHOP, 1)]


def test_an_event_that_returns_after_another_is_told_again(state: Database) -> None:
    events.record(state, [event(), event(reason="Deleted"), event()], 1.0)

    assert [found.reason for found in read(state)] == ["Created", "Deleted", "Created"]


def test_a_warning_that_returns_within_the_hour_is_counted(state: Database) -> None:
    crash = event(reason="Error").replace(type=EventType.WARNING)
    for now in (1.0, 20.0, 40.0, 5000.0):
        events.record(state, [crash, event(message=f"it went on {now}")], now)

    warnings = [found for found in read(state) if found.reason == "Error"]
    assert [(found.count, found.last_at) for found in warnings] == [(3, 40.0), (1, 5000.0)]


def test_events_are_read_by_object_namespace_and_age(state: Database) -> None:
    events.record(state, [event(), event(SHOP), event(FRONT)], 1.0)
    first = events.read(state)[0][0]

    assert [found.ref for found in read(state, ref=SHOP)] == [SHOP]
    assert [found.ref for found in read(state, ref=FRONT)] == [FRONT]
    assert [found.ref for found in read(state, namespace="default")] == [WEB]
    assert [found.ref for found in read(state, since_id=first)] == [SHOP, FRONT]


def test_the_newest_events_are_kept_and_no_more(state: Database) -> None:
    refs = (Ref(kind="Pod", namespace="default", name=f"web-{n}") for n in range(EVENTS_KEPT + 10))
    events.record(state, (event(ref, message=str(n)) for n, ref in enumerate(refs)), 1.0)
    found = read(state)

    assert len(found) == EVENTS_KEPT
    assert (found[0].message, found[-1].message) == ("10", str(EVENTS_KEPT + 9))


def test_hostile_words_are_only_words(state: Database) -> None:
    words = "'); DROP TABLE events; --"
    events.record(
        state, [event(Ref(kind="Pod", namespace="default", name=words), message=words)], 1.0
    )

    assert [(found.ref.name, found.message) for found in read(state)] == [(words, words)]
