"""What a revision is rendered with besides its own files: facts and values of this host.

They are saved with the revision, so that going back to it renders what was there, and so that a
host whose values have changed has a new revision. Only what stays the same from day to day counts.
"""

from __future__ import annotations

import json
import os

from manifests.faults import HostFault, Invalid
from manifests.value import Value
from manifests.yaml import reader
from runtime import secret_files
from runtime.observe import facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from manifests.sync import Sync
    from manifests.targeting import HostIdentity

PATH = ".podpy/inputs.json"
"""Where they are in a revision; names with a dot before them are no manifests."""
_MEMORY_STEP = 64
"""MiB: what kernels keep to themselves differs by less."""


class InputsError(Invalid):
    """The values of this host cannot be used: nothing is rendered with others in their place."""


class Inputs(Value):
    """`host` is what templates see as `host`, `values` what the host's files say.

    `commit` is the source's own name of what was fetched, where that is known.
    """

    host: dict[str, Any]
    values: dict[str, Any]
    commit: str = ""

    def dumps(self) -> bytes:
        told = {"commit": self.commit, "host": self.host, "values": self.values}
        return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


def loads(data: bytes) -> Inputs:
    raw = json.loads(data)
    return Inputs(host=raw["host"], values=raw["values"], commit=raw["commit"])


def gather(sync: Sync, identity: HostIdentity) -> Inputs:
    """Return what there is on this host now. Raises InputsError."""
    jinja2 = sync.spec.template.jinja2 if sync.spec.template else None
    values: dict[str, Any] = {}
    for path in jinja2.host_values if jinja2 else ():
        try:
            secret_files.check_trusted(path)
            with open(path, "rb") as file:
                data = file.read()
        except OSError as error:
            raise InputsError(f"{path} cannot be read: {error.strerror}") from error
        except HostFault as fault:
            raise InputsError(fault.message, hint=fault.hint) from fault
        values = merged([values, mapping(data, path)])
    memory = facts.memory_bytes() >> 20
    host = {
        "name": identity.name,
        "labels": dict(identity.labels),
        "cpus": os.cpu_count() or 1,
        "memory_mib": memory - memory % _MEMORY_STEP,
    }
    return Inputs(host=host, values=values)


def mapping(data: bytes, name: str) -> dict[str, Any]:
    """Read a file of values. Raises InputsError for what is no mapping; it tells no value."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise InputsError(f"{name}: is not UTF-8") from error
    reading = reader.read(text, name)
    if reading.problems:
        raise InputsError("\n".join(str(problem) for problem in reading.problems))
    found = [one.value for one in reading.documents if one.value is not None]
    if len(found) > 1 or not all(isinstance(one, dict) for one in found):
        raise InputsError(f"{name}: must hold one mapping of values")
    values: dict[str, Any] = found[0] if found else {}
    if "sops" in values:
        raise InputsError(
            f"{name}: is encrypted, and values are kept on the disk",
            hint="encrypt the Secret itself, in a file of its own",
        )
    return values


def merged(layers: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Lay values over each other: mappings are merged by key, of anything else the last wins."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            below = result.get(key)
            if isinstance(below, dict) and isinstance(value, dict):
                value = merged([below, value])
            result[key] = value
    return result
