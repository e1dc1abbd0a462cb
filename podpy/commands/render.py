"""Render manifests as files of another program: Quadlet's, for systemd with Podman.

What the files cannot express is told with its place, and is an error with --strict.
"""

from __future__ import annotations

import os
import sys

from podpy import cli, wishes

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from podpy.quadlet_files import Options

EXAMPLES = """
podpy render quadlet -f app/ -o /etc/containers/systemd
podpy render quadlet -f app/ -o ~/.config/containers/systemd --user --podman-version 5.6
"""


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="FORM")
    quadlet = cli.verb(verbs, "quadlet", "files of Podman's Quadlet")
    quadlet.add_argument(
        "-f", "--filename", action="append", required=True, metavar="PATH", help="manifests"
    )
    quadlet.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="where the files are written"
    )
    quadlet.add_argument("-n", "--namespace", default="", help="namespace of objects without one")
    quadlet.add_argument(
        "--podman-version",
        default="5.4",
        metavar="VERSION",
        help="that reads them; 5.4 if left out",
    )
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
    quadlet.add_argument("--user", action="store_true", help="for systemd's user instance")
    wishes.add_prune_options(quadlet, "remove what these sources had there before")
    quadlet.add_argument(
        "--strict", action="store_true", help="write nothing where a field would be lost"
    )


def run(arguments: argparse.Namespace) -> int:
    """Return 0 where the files are written; 1 where manifests are wrong, or --strict forbids."""
    from manifests import load
    from manifests.faults import Invalid
    from manifests.problems import Severity
    from podpy import changes, quadlet_files, rendered_files
    from runtime import paths as runtime_paths

    wanted = _options(arguments)
    applyset = wishes.pruned_set(arguments)
    # What podpy itself does not honour is lost here, too, and told with the rest.
    options = load.APPLY.replace(
        namespace=arguments.namespace, unsupported=Severity.WARNING, rendered=True
    )
    loaded = load.load(arguments.filename, options, cache_dir=runtime_paths.default().cache)
    for problem in loaded.problems:
        print(problem.shown, file=sys.stderr)
    if loaded.errors:
        raise Invalid(f"{changes.count(len(loaded.errors), 'problem')} found, nothing was written")
    files, lost = quadlet_files.render(loaded, wanted)
    for problem in lost:
        print(problem.shown, file=sys.stderr)
    count = len(lost) + len(loaded.unsupported)
    if count and arguments.strict:
        raise Invalid(f"{changes.count(count, 'field')} would be lost, nothing was written")
    outcome = rendered_files.write(
        arguments.output,
        files,
        applyset,
        prune=arguments.prune,
        whole=wishes.tells_set(arguments),
    )
    rendered_files.tell(arguments.output, outcome)
    print(f"{changes.count(len(files), 'file')} in {arguments.output}")
    return 0


def _options(arguments: argparse.Namespace) -> Options:
    from podpy import quadlet_files, quadlet_sources
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
        target=quadlet_keys.Target(arguments.podman_version),
        user=arguments.user,
        forms=forms.replace(units=arguments.image_units or any(told)),
        building=building,
        kube=arguments.form == "kube",
    )
