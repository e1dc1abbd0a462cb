"""Keep the seccomp programs that crun compiles, so that a profile is compiled once, not each time.

    config.json's text in -> the same with the compiled program in the place of the rules

Compiling the default profile for the three x86 architectures costs 18 ms, twice as much as all the
rest of creating a container. crun 1.9 and later may keep programs itself; Debian 12's 1.8.1 is
built without that. crun leaves the program in its state directory (for `exec`) and takes one in
an annotation instead of rules, since version 1.2. Called by runtime.oci.container.
"""

from __future__ import annotations

import json
import os

from manifests import digests
from manifests.value import Value
from runtime.oci.engine import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.oci.engine import Engine

_ANNOTATION = "run.oci.seccomp_bpf_data"


class Prepared(Value):
    """A configuration to use; `missing` is where to keep the program that crun will compile."""

    config: str
    missing: str = ""


def prepare(engine: Engine, oci_root: str, config: str) -> Prepared:
    """Put the kept program into `config`, or tell where the one to come is kept."""
    if engine.kind is not Kind.CRUN:
        return Prepared(config=config)
    decoded = json.loads(config)
    profile = decoded["linux"].get("seccomp")
    if profile is None:
        return Prepared(config=config)
    path = f"{oci_root}/.filters/{_key(engine, profile)}"
    try:
        with open(path, "rb") as file:
            program = file.read()
    except FileNotFoundError:
        return Prepared(config=config, missing=path)
    import binascii

    profile["syscalls"] = []
    text = binascii.b2a_base64(program, newline=False).decode()
    decoded["annotations"] = {**decoded.get("annotations", {}), _ANNOTATION: text}
    return Prepared(config=json.dumps(decoded, separators=(",", ":"), ensure_ascii=False))


def keep(prepared: Prepared, state_dir: str) -> None:
    """Keep the program of a container just created, from crun's `state_dir` of it."""
    if not prepared.missing:
        return
    os.makedirs(os.path.dirname(prepared.missing), mode=0o700, exist_ok=True)
    try:
        # A link: whole or not there, and crun never writes to the file again.
        os.link(f"{state_dir}/seccomp.bpf", prepared.missing)
    except (FileExistsError, FileNotFoundError):
        return


def _key(engine: Engine, profile: object) -> str:
    # As crun's own key: what the program depends on besides the profile.
    host = f"{engine.path} {engine.version} {os.uname().release} {os.uname().machine}"
    return digests.of(host + json.dumps(profile, sort_keys=True))
