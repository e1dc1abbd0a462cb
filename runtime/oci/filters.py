"""Keep the seccomp programs that crun compiles, so that a profile is compiled once, not each time.

    what config.json holds in -> its text, with the compiled program in the place of the rules

Compiling the default profile for the three x86 architectures costs 18 ms, twice as much as all the
rest of creating a container. crun 1.9 and later may keep programs itself; Debian 12's 1.8.1 is
built without that. crun leaves the program in its state directory (for `exec`) and takes one in
an annotation instead of rules, since version 1.2. Called by runtime.oci.creation.
"""

from __future__ import annotations

import json
import os

from manifests import digests
from manifests.value import Value
from runtime import files
from runtime.oci.engine import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from runtime.oci.engine import Engine

_ANNOTATION = "run.oci.seccomp_bpf_data"


class Prepared(Value):
    """The text of config.json; `program` is where its filter is kept, or is to be kept."""

    config: str
    program: str = ""


def prepare(engine: Engine, oci_root: str, config: Mapping[str, Any]) -> Prepared:
    """Put the kept program in the place of the rules, or tell where the one to come is kept."""
    profile = config["linux"].get("seccomp")
    if engine.kind is not Kind.CRUN or profile is None:
        return Prepared(config=_text(config))
    path = f"{oci_root}/.filters/{_key(engine, profile)}"
    try:
        with open(path, "rb") as file:
            program = file.read()
    except FileNotFoundError:
        return Prepared(config=_text(config), program=path)
    import binascii

    text = binascii.b2a_base64(program, newline=False).decode()
    prepared = {
        **config,
        "linux": {**config["linux"], "seccomp": {**profile, "syscalls": []}},
        "annotations": {**config.get("annotations", {}), _ANNOTATION: text},
    }
    return Prepared(config=_text(prepared), program=path)


def _text(config: Mapping[str, Any]) -> str:
    return json.dumps(config, separators=(",", ":"), ensure_ascii=False)


def keep(prepared: Prepared, state_dir: str) -> None:
    """Keep the program of a container just created, from crun's `state_dir` of it, as one file.

    A link: whole or not there, and crun never writes to the file again. On tmpfs, where both are,
    a copy for each container would be 12 KiB of memory.
    """
    if not prepared.program:
        return
    own = f"{state_dir}/seccomp.bpf"
    try:
        os.makedirs(os.path.dirname(prepared.program), mode=0o700, exist_ok=True)
        os.link(own, prepared.program)
    except FileExistsError:
        files.link_over(prepared.program, own)
    except FileNotFoundError:
        return


def _key(engine: Engine, profile: object) -> str:
    # As crun's own key: what the program depends on besides the profile.
    host = f"{engine.path} {engine.version} {os.uname().release} {os.uname().machine}"
    return digests.of(host + json.dumps(profile, sort_keys=True))
