"""Render manifests as files for systemd: Quadlet's, or units that run them by podpy's own runtime.

What the files cannot express is told with its place, and is an error with --strict.
"""

from __future__ import annotations

import os
import sys

from podpy import cli, render_flags, wishes

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from manifests.loaded import Loaded, Options
    from manifests.problems import Problem
    from reconciler.targets.quadlet import files as quadlet_files
    from renderers.quadlet.unit import File

    Form = Callable[[Loaded], tuple[tuple[File, ...], tuple[Problem, ...]]]

EXAMPLES = """
podpy render quadlet -f app/ -o /etc/containers/systemd
podpy render quadlet -f app/ -o ~/.config/containers/systemd --user --podman-version 5.6
podpy render systemd -f app/ -o /etc/systemd/system
"""


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="FORM")
    quadlet = cli.verb(verbs, "quadlet", "files of Podman's Quadlet")
    _add_sources(quadlet)
    render_flags.add_podman_version(quadlet)
    quadlet.add_argument(
        "--as",
        dest="form",
        choices=("pods", "kube"),
        default="pods",
        help="pods: .pod and .container (the default); kube: .kube with the YAML beside it",
    )
    quadlet.add_argument(
        "--image-units", action="store_true", help="each image as an .image, pulled once for all"
    )
    quadlet.add_argument(
        "--authfile", default="", metavar="FILE", help="where registries' logins are, for .image"
    )
    quadlet.add_argument(
        "--cert-dir", default="", metavar="DIR", help="certificates for registries, for .image"
    )
    quadlet.add_argument(
        "--tls-verify",
        action="store_true",
        default=None,
        help="--tls-verify=false: plain HTTP, too, for .image",
    )
    quadlet.add_argument(
        "--build",
        action="store_true",
        help="images that have a directory with a Containerfile as a .build",
    )
    quadlet.add_argument(
        "--context-dir", default="", metavar="DIR", help="where these are; beside the manifests"
    )
    _add_manner(quadlet)
    systemd = cli.verb(verbs, "systemd", "units that run pods by podpy's own runtime")
    _add_sources(systemd)
    _add_manner(systemd)


def _add_sources(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-f", "--filename", action="append", required=True, metavar="PATH", help="manifests")
    add("-o", "--output", required=True, metavar="DIR", help="where the files are written")
    add("-n", "--namespace", default="", help="namespace of objects without one")


def _add_manner(parser: argparse.ArgumentParser) -> None:
    render_flags.add_user(parser)
    wishes.add_prune_options(parser, "remove what these sources had there before")
    render_flags.add_strict(parser)


def run(arguments: argparse.Namespace) -> int:
    """Return 0 where the files are written; 1 where manifests are wrong, or --strict forbids."""
    from manifests import load
    from podpy import rendered_files
    from runtime import paths as runtime_paths

    form, options = _form(arguments)
    options = options.replace(namespace=arguments.namespace)
    applyset = wishes.pruned_set(arguments)
    loaded = load.load(arguments.filename, options, cache_dir=runtime_paths.default().cache)
    rendered_files.check(loaded)
    files, lost = form(loaded)
    rendered_files.show(lost)
    if arguments.strict:
        rendered_files.refuse_losses(len(lost) + len(loaded.unsupported))
    whole = wishes.tells_set(arguments)
    rendered_files.put(arguments.output, files, applyset, whole=whole, prune=arguments.prune)
    return 0


def _form(arguments: argparse.Namespace) -> tuple[Form, Options]:
    """Return what renders, and how manifests are read for it."""
    from manifests import load

    if arguments.verb == "systemd":
        return _systemd(arguments), load.APPLY.replace(rendered=True)
    from manifests.problems import Severity
    from reconciler.targets.quadlet import files as quadlet_files

    wanted = _quadlet(arguments)
    # What podpy itself does not honour is lost here, too, and told with the rest.
    options = load.APPLY.replace(unsupported=Severity.WARNING, rendered=True)
    return lambda loaded: quadlet_files.render(loaded, wanted), options


def _systemd(arguments: argparse.Namespace) -> Form:
    from manifests.faults import Invalid
    from podpy import unit_files

    if arguments.user:
        raise Invalid(
            "a user's pods run in one unit of their systemd, so no other could have a container",
            hint="podpy agent --unit --user brings pods back; "
            "podpy render quadlet --user has Podman run them",
        )
    return lambda loaded: unit_files.render(loaded, os.path.abspath(sys.argv[0]))


def _quadlet(arguments: argparse.Namespace) -> quadlet_files.Options:
    from reconciler.targets.quadlet import files as quadlet_files
    from reconciler.targets.quadlet import sources as quadlet_sources
    from renderers import quadlet_keys
    from renderers.quadlet import images

    forms = images.Forms(
        whole=quadlet_sources.whole,
        authfile=arguments.authfile and os.path.abspath(arguments.authfile),
        cert_dir=arguments.cert_dir and os.path.abspath(arguments.cert_dir),
        tls_verify=arguments.tls_verify,
    )
    told = (arguments.authfile, arguments.cert_dir, arguments.tls_verify is not None)
    building = None
    if arguments.build:
        from podpy import podman

        def building(image: str, file: str) -> str:
            return podman.build_directory(image, file, arguments.context_dir)

    return quadlet_files.Options(
        target=quadlet_keys.Target(arguments.podman_version, pods=arguments.form == "pods"),
        user=arguments.user,
        forms=forms.replace(units=arguments.image_units or any(told)),
        building=building,
        kube=arguments.form == "kube",
    )
