"""Write the file of a Sync, as `podpy sync add` is told it, and take it away again."""

from __future__ import annotations

import os
import sys

from manifests import codec, load, sources
from manifests.faults import Invalid
from renderers import yaml_text
from runtime import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from typing import Any

    from podpy.parser import Parser
    from runtime.paths import Paths

_GIT = {
    "ref": ("branch", "tag", "semver", "commit"),
    "credentials": ("username", "token_file", "ssh_key_file", "known_hosts_file", "ca_file"),
    "verify": ("allowed_signers_file", "gpg_keys_file"),
}
_OCI = {
    "ref": ("tag", "semver", "digest"),
    "credentials": ("username", "password_file", "auth_file", "ca_file"),
    "verify": ("cosign_key_file",),
}
_SPEC = ("path", "interval", "timeout")
_HELP = {
    "branch": "the branch to follow; left out, the remote's own",
    "tag": "the tag to follow",
    "semver": "follow the highest tag in a range, as ^1.2",
    "commit": "the commit to stay at",
    "digest": "the artifact to stay at, as sha256:...",
    "username": "for https, where most forges take any; for a registry",
    "token_file": "file with the token, for https",
    "password_file": "file with the password, for a registry",
    "auth_file": "file with the registry's login, as skopeo login writes it",
    "ssh_key_file": "file with the key, for ssh",
    "known_hosts_file": "file with the remote's keys, for ssh",
    "ca_file": "file with the remote's certificate authority, for https and registries",
    "allowed_signers_file": "follow commits only that these ssh keys have signed",
    "gpg_keys_file": "follow commits only that these GPG keys have signed",
    "cosign_key_file": "follow artifacts only that these keys of cosign have signed",
    "age_key_file": "file with the age keys that open the source's SOPS files",
    "webhook_secret_file": "file with the secret that the forge signs its webhooks with",
    "path": "the directory of the manifests, from the source's root",
    "interval": "how often to ask the source, as 1m",
    "timeout": "how long a revision may take to run, as 5m",
}


def configure(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--url", default="", help="of a git repository")
    parser.add_argument("--directory", default="", metavar="PATH", help="in place of a repository")
    parser.add_argument(
        "--oci", default="", metavar="oci://REGISTRY/REPOSITORY", help="an artifact in its place"
    )
    for field, what in _HELP.items():
        parser.add_argument(f"--{field.replace('_', '-')}", default="", help=what)
    parser.add_argument(
        "--insecure", action="store_true", help="a registry with plain HTTP, or any certificate"
    )
    parser.add_argument("--no-prune", action="store_true", help="remove nothing of itself")
    parser.add_argument("--print", action="store_true", help="print the file, write nothing")


def options(name: str, **given: str) -> argparse.Namespace:
    """Return what `add` takes, as if the command line had given it."""
    import argparse

    left_out = dict.fromkeys(("url", "directory", "oci", *_HELP), "")
    flags = dict.fromkeys(("insecure", "no_prune", "print"), False)
    words = {**left_out, **flags, **given, "name": name}
    return argparse.Namespace(**words)


def add(paths: Paths, arguments: argparse.Namespace) -> int:
    """Write the file, checked as every manifest is. Raises Invalid where there is one already."""
    text = yaml_text.dumps(_manifest(arguments))
    loaded = load.load(
        [sources.Bundle(name="", files=(sources.File(name="", data=text.encode()),))]
    )
    for problem in loaded.problems:
        print(problem.replace(line=0, column=0).shown, file=sys.stderr)
    if loaded.errors:
        raise Invalid(f"Sync/{arguments.name} was not added", hint="podpy sync add --help")
    if arguments.print:
        print(text, end="")
        return 0
    path = file_of(paths, arguments.name)
    if os.path.exists(path):
        raise Invalid(f"{path} is there already", hint="edit it, or remove the Sync first")
    os.makedirs(paths.syncs, mode=0o755, exist_ok=True)
    files.sweep(paths.syncs)
    files.write(path, text.encode(), temporary=f"{path}.{os.getpid()}.tmp", durable=True)
    print(f"sync/{arguments.name} added: {path}")
    return 0


def remove(paths: Paths, name: str) -> bool:
    """Remove the file that `add` wrote; tells whether there was one."""
    files.sweep(paths.syncs)
    try:
        os.unlink(file_of(paths, name))
    except FileNotFoundError:
        return False
    return True


def file_of(paths: Paths, name: str) -> str:
    """Return the file of a Sync that `add` writes."""
    return f"{paths.syncs}/{name}.yaml"


def _source(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return spec.source. Raises Invalid for what is given of another kind of source."""
    source: dict[str, Any] = {}
    taken: set[str] = set()
    for kind, url, parts in (("git", arguments.url, _GIT), ("oci", arguments.oci, _OCI)):
        if url:
            chosen = {name: _given(arguments, fields) for name, fields in parts.items()}
            source[kind] = {"url": url, **{name: found for name, found in chosen.items() if found}}
            taken.update(*parts.values())
    for parts, flag in (
        (_GIT, "a git repository, whose --url"),
        (_OCI, "an artifact, whose --oci"),
    ):
        if found := _given(arguments, [one for one in _fields(parts) if one not in taken]):
            raise Invalid(f"{', '.join(found)}: is for {flag} is not given")
    if arguments.insecure:
        if "oci" not in source:
            raise Invalid("insecure: is for an artifact, whose --oci is not given")
        source["oci"]["insecure"] = True
    if arguments.directory:
        source["directory"] = {"path": os.path.abspath(arguments.directory)}
    return source


def _manifest(arguments: argparse.Namespace) -> dict[str, Any]:
    spec = {"source": _source(arguments), **_given(arguments, _SPEC)}
    if arguments.age_key_file:
        spec["decryption"] = {"ageKeyFile": arguments.age_key_file}
    if arguments.webhook_secret_file:
        spec["webhook"] = {"secretFile": arguments.webhook_secret_file}
    if arguments.no_prune:
        spec["prune"] = False
    return {
        "apiVersion": "podpy.dev/v1",
        "kind": "Sync",
        "metadata": {"name": arguments.name},
        "spec": spec,
    }


def _fields(parts: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(field for fields in parts.values() for field in fields)


def _given(arguments: argparse.Namespace, fields: Sequence[str]) -> dict[str, Any]:
    """Return what was given of the fields, under their names in a manifest."""
    return {codec.wire_name(one): value for one in fields if (value := getattr(arguments, one))}
