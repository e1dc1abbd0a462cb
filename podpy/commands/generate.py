"""Write manifests of what is on this host, as podman generate kube does: to keep them, or to move.

With no objects named it is all of a namespace. What their pods name comes along: ConfigMaps,
Secrets with their content, claims without their data, networks.
"""

from __future__ import annotations

import sys

from podpy import cli, render_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from manifests.loaded import Loaded
    from renderers.quadlet.unit import File

EXAMPLES = """
podpy generate kube deploy/web > web.yaml
podpy generate kube -A -o backup/
podpy generate quadlet pod/db -o /etc/containers/systemd
"""
KUBE, QUADLET = "kube", "quadlet"


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="FORM")
    kube = cli.verb(verbs, KUBE, "Kubernetes YAML")
    quadlet = cli.verb(verbs, QUADLET, "files of Podman's Quadlet")
    for form in (kube, quadlet):
        add = form.add_argument
        add("objects", nargs="*", metavar="OBJECT", help="KIND NAME... or KIND/NAME...")
        add("-n", "--namespace", default="", help="default if left out")
        add("-A", "--all-namespaces", action="store_true", help="of every namespace")
    kube.add_argument(
        "-o", "--output", default="-", metavar="DIR", help="a file for each; printed if left out"
    )
    quadlet.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="where they are written; - prints"
    )
    render_flags.add_podman_version(quadlet)
    render_flags.add_user(quadlet)
    render_flags.add_strict(quadlet)


def run(arguments: argparse.Namespace) -> int:
    """Return 0 where all is written; Invalid where something is not there, or would be lost."""
    from manifests.faults import Invalid
    from manifests.meta import DEFAULT_NAMESPACE
    from podpy import converting, generating, rendered_files
    from podpy.context import Context
    from podpy.inventory import Inventory

    inventory = Inventory(Context())
    namespace = arguments.namespace or DEFAULT_NAMESPACE
    if arguments.objects:
        items = generating.named(inventory, arguments.objects, namespace)
    else:
        items = generating.every(inventory, "" if arguments.all_namespaces else namespace)
    if not items:
        raise Invalid(f'nothing is in namespace "{namespace}"', hint="podpy get all -A")
    things = generating.with_needed(inventory, items)
    loaded = generating.loaded(things, rendered=arguments.verb == QUADLET)
    rendered_files.check(loaded)
    files, lost = _files(arguments, loaded)
    if lost and arguments.strict:
        rendered_files.refuse_losses(lost)
    if arguments.output == "-":
        sys.stdout.write(converting.in_one(files))
        return 0
    whole = not arguments.objects
    part = "all namespaces" if arguments.all_namespaces else namespace
    applyset = f"generated {arguments.verb} of {part}"
    rendered_files.put(arguments.output, files, applyset, whole=whole)
    return 0


def _files(arguments: argparse.Namespace, loaded: Loaded) -> tuple[tuple[File, ...], int]:
    from podpy import converting

    if arguments.verb == KUBE:
        return converting.kubernetes(loaded, ""), 0
    return converting.quadlet(loaded, arguments.podman_version, user=arguments.user)
