"""Read just enough of each pod's record to find it: its names and those of its containers.

`exec` and `logs` start with this. Decoding whole manifests (runtime.observe.records) would take
longer than all else that they do before the container answers.
"""

from __future__ import annotations

import os

from manifests import compact_json
from manifests.value import EMPTY, Value
from runtime import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from runtime.paths import Paths


class Brief(Value):
    """`owners` are (kind, name) pairs; a pod that is `over` has ended for good, or is leaving.

    Of one that could not be made, `waiting` tells what each container waits for.
    """

    uid: str
    namespace: str
    name: str
    containers: tuple[str, ...]
    init_containers: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    labels: Mapping[str, str] = EMPTY
    annotations: Mapping[str, str] = EMPTY
    owners: tuple[tuple[str, str], ...] = ()
    created_at: float = 0.0
    over: bool = False
    waiting: Mapping[str, str] = EMPTY


def read(paths: Paths) -> Iterator[Brief]:
    """Yield every pod that has a record, then those that could not be made and are not there.

    A file that podpy did not write is passed over. Raises PermissionError for a user who may not
    read them.
    """
    there = set()
    for uid in _listed(paths.pods):
        try:
            raw = compact_json.loads(files.read(f"{paths.pods}/{uid}/pod.json"))
            found = _brief(raw)
        except PermissionError:
            raise
        except (OSError, ValueError, KeyError, TypeError):
            continue
        there.add((found.namespace, found.name))
        yield found
    for name in _listed(paths.pending):
        if not name.endswith(".json"):
            continue  # It is being written.
        try:
            raw = compact_json.loads(files.read(f"{paths.pending}/{name}"))
            found = _brief(raw["record"]).replace(waiting=_waiting(raw["containers"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if (found.namespace, found.name) not in there:
            yield found


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


def _waiting(containers: dict[str, Any]) -> dict[str, str]:
    records = {name: one.get("record", {}) for name, one in containers.items()}
    return {
        name: ": ".join(filter(None, (one.get("problemReason"), one.get("problem"))))
        for name, one in records.items()
    }


def _brief(raw: dict[str, Any]) -> Brief:
    metadata, spec = raw["pod"]["metadata"], raw["pod"]["spec"]
    return Brief(
        uid=raw["uid"],
        namespace=metadata["namespace"],
        name=metadata["name"],
        containers=tuple(one["name"] for one in spec["containers"]),
        init_containers=tuple(one["name"] for one in spec.get("initContainers", ())),
        aliases=tuple(raw.get("aliases", ())),
        labels=metadata.get("labels", EMPTY),
        annotations=metadata.get("annotations", EMPTY),
        owners=tuple((one["kind"], one["name"]) for one in metadata.get("ownerReferences", ())),
        created_at=raw.get("createdAt", 0.0),
        over=bool(raw.get("finished") or raw.get("deleting")),
    )
