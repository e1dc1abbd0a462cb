"""Read just enough of each pod's record to find it: its names and those of its containers.

`exec` and `logs` start with this. Decoding whole manifests (runtime.observe.records) would take
longer than all else that they do before the container answers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from manifests.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from runtime.paths import Paths


class Brief(Value):
    """`owners` are (kind, name) pairs; a pod that is `over` has ended for good, or is leaving."""

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


def read(paths: Paths) -> Iterator[Brief]:
    """Yield every pod that has a record; a file that podpy did not write is passed over.

    Raises PermissionError for a user who may not read them.
    """
    try:
        uids = os.listdir(paths.pods)
    except FileNotFoundError:
        return
    for uid in uids:
        try:
            with open(f"{paths.pods}/{uid}/pod.json", encoding="utf-8") as file:
                yield _brief(json.load(file))
        except PermissionError:
            raise
        except (OSError, ValueError, KeyError, TypeError):
            continue


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
