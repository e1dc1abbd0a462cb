"""Push a directory of manifests to a registry, as an artifact that Syncs follow."""

from __future__ import annotations

import os
import tempfile

from manifests import durations
from manifests.faults import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from manifests.sync import OciSource
    from podpy.parser import Parser

_SCRATCH = "podpy-push-"
_CREDENTIALS = {
    "username": "for the registry",
    "password_file": "file with the password",
    "auth_file": "file with the registry's login, as skopeo login writes it",
    "ca_file": "file with the registry's certificate authority",
}


def configure(parser: Parser) -> None:
    parser.add_argument("target", metavar="oci://REGISTRY/REPOSITORY[:TAG]")
    parser.add_argument("-f", "--filename", required=True, metavar="DIR", help="what to push")
    for field, what in _CREDENTIALS.items():
        parser.add_argument(f"--{field.replace('_', '-')}", default="", help=what)
    parser.add_argument("--insecure", action="store_true", help="plain HTTP, or any certificate")
    parser.add_argument("--timeout", default="5m", metavar="SPAN", help="how long it may take")


def push(arguments: argparse.Namespace) -> int:
    """Push all files but hidden ones and links; print the digest, the same for the same files."""
    from reconciler.source import registry, rendering
    from runtime.image import artifact_layout, workspace

    source = _source(arguments)
    tree = arguments.filename
    if not os.path.isdir(tree):
        raise Invalid(f"{tree} is no directory", hint="name the one that holds the manifests")
    files = rendering.whole_tree(tree)
    if not files:
        raise Invalid(f"{tree} holds no file")
    seconds = durations.duration(arguments.timeout)
    root = tempfile.gettempdir()
    workspace.sweep(root, _SCRATCH)
    with workspace.made(root, _SCRATCH) as space:
        digest = artifact_layout.write(files, f"{space.path}/layout")
        with registry.connected(source, seconds, f"{space.path}/ca", registry.PUSHING) as there:
            there.push(f"{space.path}/layout", source.ref.tag)
    print(f"pushed {source.url}:{source.ref.tag} {digest}")
    return 0


def _source(arguments: argparse.Namespace) -> OciSource:
    """Return where to push to. Raises Invalid where that is no name for an artifact."""
    from manifests.checks import sync_sources
    from manifests.checks.findings import Findings
    from manifests.sync import OciCredentials, OciRef, OciSource, SyncSource

    way, slash, last = arguments.target.rpartition("/")
    name, _, tag = last.partition(":")
    given = {field: getattr(arguments, field) for field in _CREDENTIALS}
    paths = {field: os.path.abspath(path) for field, path in given.items() if path}
    source = OciSource(
        url=f"{way}{slash}{name}",
        ref=OciRef(tag=tag or "latest"),
        credentials=OciCredentials(**{**paths, "username": arguments.username}),
        insecure=arguments.insecure,
    )
    findings = Findings()
    sync_sources.check(SyncSource(oci=source), findings)
    if findings.flaws:
        said = "; ".join(flaw.message for flaw in findings.flaws)
        raise Invalid(f"{arguments.target}: {said}", hint="podpy sync push --help")
    return source
