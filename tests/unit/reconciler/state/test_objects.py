"""reconciler.state.objects: what was applied, from where."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from manifests.pod import Pod
from manifests.ref import Ref
from reconciler.state import database, objects, results
from reconciler.workloads.jobs import Ending, Progress
from tests.unit.reconciler.builders import config_map, deployment, job, network, pod, secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from manifests.kinds import Object
    from reconciler.state.database import Database

WEB = Ref(kind="Pod", namespace="default", name="web")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Database]:
    made = database.connect(str(tmp_path / "state.db"))
    yield made
    made.close()


def save(
    on: Database, *things: Object, digest: str = "d1", applyset: str = "app", now: float = 1.0
) -> None:
    entries = [
        objects.entry(thing, digest=digest, applyset=applyset, file="web.yaml", line=3)
        for thing in things
    ]
    objects.save(on, entries, now)


def test_an_object_is_read_back_whole(state: Database) -> None:
    things: list[Object] = [pod(), deployment(3), config_map(colour="red"), job(), network()]
    save(state, *things)

    assert sorted((item.object() for item in objects.read(state)), key=repr) == sorted(
        things, key=repr
    )


def test_an_object_is_found_with_its_place(state: Database) -> None:
    save(state, pod())
    found = objects.find(state, WEB)

    assert found is not None
    assert (found.file, found.line, found.applyset) == ("web.yaml", 3, "app")
    assert isinstance(found.object(), Pod)
    assert objects.find(state, Ref(kind="Pod", namespace="shop", name="web")) is None


def test_objects_are_read_by_kind_and_apply_set(state: Database) -> None:
    save(state, pod(), deployment())
    save(state, pod("other"), applyset="other")

    assert len(objects.read(state)) == 3
    assert objects.refs(state) == {item.ref for item in objects.read(state)}
    assert [item.ref.name for item in objects.read(state, kind="Pod")] == ["other", "web"]
    assert [item.ref.kind for item in objects.read(state, applyset="app")] == ["Deployment", "Pod"]


def test_a_changed_digest_is_a_new_generation_of_the_same_object(state: Database) -> None:
    save(state, pod(), now=1.0)
    first = objects.find(state, WEB)
    save(state, pod(), now=2.0)
    same = objects.find(state, WEB)
    save(state, pod(), digest="d2", now=3.0)
    changed = objects.find(state, WEB)

    assert first is not None
    assert same == first.replace(applied_at=2.0)
    assert changed == first.replace(applied_at=3.0, digest="d2", generation=2)


def test_an_object_may_move_to_another_apply_set(state: Database) -> None:
    save(state, pod())
    save(state, pod(), applyset="other")

    assert objects.read(state, applyset="app") == ()
    assert len(objects.read(state, applyset="other")) == 1


def test_a_forgotten_object_begins_anew(state: Database) -> None:
    save(state, pod())
    save(state, pod(), digest="d2")
    before = objects.find(state, WEB)
    objects.forget(state, [WEB, Ref(kind="Pod", name="never-there")])
    gone = objects.find(state, WEB)
    save(state, pod())
    again = objects.find(state, WEB)

    assert before is not None
    assert again is not None
    assert gone is None
    assert again.generation == 1
    assert again.uid != before.uid


def test_objects_of_one_name_in_two_namespaces_are_two(state: Database) -> None:
    save(state, pod(), pod(namespace="shop"))
    objects.forget(state, [WEB])

    assert [item.ref.namespace for item in objects.read(state)] == ["shop"]


def test_a_secrets_content_reaches_no_file_of_the_database(state: Database, tmp_path: Path) -> None:
    thing = secret(password="correct-horse").replace(string_data={"token": "battery-staple"})
    save(state, thing)
    save(state, thing, digest="d2")
    files = {file.name: file.read_bytes() for file in tmp_path.glob("state.db*")}

    assert "state.db-wal" in files
    assert any(b"login" in held for held in files.values())
    for word in (b"correct-horse", b"battery-staple"):
        for form in (word, b64encode(word), b64encode(word).rstrip(b"=")[:-1]):
            assert not [name for name, held in files.items() if form in held]


def test_a_remembered_secret_has_no_content(state: Database) -> None:
    save(state, secret(password="x").replace(type="kubernetes.io/basic-auth"))
    found = objects.read(state)[0].object()

    assert found == secret().replace(type="kubernetes.io/basic-auth")


def test_how_far_a_job_is_is_remembered_until_the_job_is_forgotten(state: Database) -> None:
    ref = Ref(kind="Job", namespace="default", name="sum")
    end = Progress(failed=2, counted=("a",), ending=Ending.FAILED, message="m", surplus=("b",))
    save(state, job())
    results.save_jobs(state, {ref: Progress(succeeded=1)})
    results.save_jobs(state, {ref: end})
    results.save_jobs(state, {ref: end})
    remembered = results.read_jobs(state)
    objects.forget(state, [ref])

    assert remembered == {ref: end.replace(surplus=())}
    assert results.read_jobs(state) == {}


def test_a_row_is_put_back_as_it_was(state: Database) -> None:
    save(state, config_map(colour="red"), now=1.0)
    before = objects.read(state)
    save(state, config_map(colour="blue"), digest="d2", applyset="other", now=2.0)
    assert objects.read(state) != before

    objects.put_back(state, before)

    assert objects.read(state) == before
