"""Bring a volume of Podman's into a claim: `podpy volume import --from-podman NAME [CLAIM]`.

The data is copied; Podman's volume stays as it is.
"""

from __future__ import annotations

import json
import os
import re

from manifests.faults import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from manifests.ref import Ref
    from podpy.context import Context

PODMAN_VOLUMES = "/var/lib/containers/storage/volumes"
_ASK_SECONDS = 30.0


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `volume import`."""
    from manifests import durations

    add = parser.add_argument
    add("claim", nargs="?", default="", metavar="CLAIM", help="named as the volume if left out")
    add("--from-podman", required=True, metavar="VOLUME", help="a named volume of root's Podman")
    add("--volume-path", default=PODMAN_VOLUMES, metavar="DIR", help="where Podman keeps volumes")
    add("-n", "--namespace", default="default", help="the claim's")
    add(
        "--timeout",
        type=durations.seconds,
        default=3600.0,
        metavar="SPAN",
        help="how long the copy may take: seconds, or as 2h; an hour if left out",
    )


def run(context: Context, arguments: argparse.Namespace) -> None:
    """Copy the volume into the claim. Raises Invalid for a claim that holds data or is used."""
    from reconciler.targets.host import removal
    from runtime import interrupts, locks
    from runtime.volume import claims, importing

    source = _source(arguments.volume_path, arguments.from_podman)
    ref = _ref(arguments.namespace, arguments.claim or arguments.from_podman)
    importing.check(context.paths, ref.namespace, ref.name)
    with interrupts.noticed(), locks.held(context.host.base.paths, [str(ref)]):
        if users := removal.users(context.base, ref):
            raise Invalid(f"{ref}: in use by {users}", hint="delete these pods first")
        _refuse_running(arguments.from_podman)
        importing.bring(context.paths, ref.namespace, ref.name, source, arguments.timeout)
    size = claims.disk_usage(context.paths.claim(ref.namespace, ref.name))
    if arguments.output == "json":
        told = {"namespace": ref.namespace, "name": ref.name, "source": source, "usedBytes": size}
        print(json.dumps(told, indent=2))
    else:
        print(ref.name)


def _source(directory: str, name: str) -> str:
    """Return the directory with a volume's data."""
    if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", name):
        raise Invalid(f'--from-podman "{name}": is no name of a volume')
    source = f"{directory}/{name}/_data"
    if not os.path.isdir(source):
        raise Invalid(
            f'Podman has no volume "{name}": there is no {source}',
            hint="podman volume ls; podman volume inspect tells where: --volume-path DIR",
        )
    if not os.listdir(source):
        raise Invalid(
            f"{source} is empty: nothing was copied",
            hint="a volume with a driver or a device is only there while a container mounts it",
        )
    return source


def _ref(namespace: str, name: str) -> Ref:
    """Return the claim that is meant. Raises Invalid for a name that Kubernetes does not take."""
    from manifests.checks import names
    from manifests.ref import Ref

    for what, flaw in (
        ("claim", names.dns_subdomain(name)),
        ("namespace", names.dns_label(namespace)),
    ):
        if flaw:
            raise Invalid(
                f"volume import: a {what} cannot be named so: {flaw}",
                hint="name the claim: podpy volume import --from-podman VOLUME CLAIM",
            )
    return Ref(kind="PersistentVolumeClaim", namespace=namespace, name=name)


def _refuse_running(name: str) -> None:
    """Raise Invalid while a container of Podman's writes into the volume: half of it would come."""
    from runtime import proc

    podman = proc.find("podman")
    if podman is None:
        return
    asked = ("ps", "--filter", f"volume={name}", "--filter", "status=running", "--format", "json")
    result = proc.check(podman, *asked, timeout=_ASK_SECONDS)
    users = [one["Names"][0] for one in json.loads(result.text or "[]")]
    if users:
        raise Invalid(
            f"volume {name} is in use by {', '.join(users)}: the copy would be of no one moment",
            hint=f"podman stop {' '.join(users)}",
        )
