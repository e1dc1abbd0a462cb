"""Declare the flags of `kube play` under Podman's names, and refuse what podpy cannot do of them.

What they do to manifests is podpy.flagged.
"""

from __future__ import annotations

import argparse

from manifests import settings
from manifests.faults import Invalid
from podpy import cli, registry_flags

HOST_USERS = ("", "host")
LOG_DRIVERS = {"k8s-file": settings.K8S_FILE, "json-file": settings.K8S_FILE, "none": "none"}
"""Podman's names; json-file is its other name for k8s-file."""

_NO_LOG_DRIVER = {
    "journald": "podpy logs reads files in the CRI format, not the journal",
    "passthrough": "the containers outlive this command and its terminal",
    "passthrough-tty": "the containers outlive this command and its terminal",
}
_NO_LOG_OPT = {
    "path": "podpy keeps logs where a kubelet does, /var/log/pods, one file a container",
    "tag": "only the journal has tags, and podpy writes no journal",
    "label": "only the journal has labels, and podpy writes no journal",
}


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare every flag that `podman kube play` has, and podpy's own."""
    _declare_pods(parser)
    _declare_run(parser)
    registry_flags.add(parser)
    hidden = argparse.SUPPRESS
    parser.add_argument("--signature-policy", default="", help=hidden)
    parser.add_argument(
        "--service-exit-code-propagation", choices=("all", "any", "none"), default="", help=hidden
    )
    for name in ("--down", "--force", "--no-trunc", "--multiple-pods", "--service-container"):
        parser.add_argument(name, action="store_true", help=hidden)


def _declare_pods(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--annotation", action="append", default=[], metavar="K=V", help="added to every pod")
    add("--configmap", action="append", default=[], metavar="FILE", help="ConfigMaps to add")
    add("--network", action="append", default=[], metavar="NET", help="a network, host or none")
    add("--publish", action="append", default=[], metavar="[[IP:]HOST:]CTR[/PROTO]", help="a port")
    add("--publish-all", action="store_true", help="publish every containerPort")
    add("--ip", action="append", default=[], help="address of the first, second ... pod")
    add("--mac-address", action="append", default=[], help="as --ip, of the pod's link")
    add("--no-hosts", action="store_true", help="leave the image's /etc/hosts")
    add("--no-hostname", action="store_true", help="leave the image's /etc/hostname")
    add("--no-pod-prefix", action="store_true", help="as it is: containers are named as in YAML")
    add("--log-driver", default="", help="k8s-file (the default) or none")
    add("--log-opt", action="append", default=[], metavar="K=V", help="max-size=10m")
    add("--userns", default="", help="host: the only one there is")
    add(
        "--seccomp-profile-root",
        default="/var/lib/kubelet/seccomp",
        metavar="DIR",
        help="Localhost profiles'",
    )


def _declare_run(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help="file, directory, URL, or - for standard input")
    add("--sha256", default="", help="the digest that a URL's content must have")
    add("-n", "--namespace", default="", help="namespace of objects without one")
    add(
        "--validate", choices=("strict", "warn", "ignore"), default="strict", help="misspelt fields"
    )
    add("--replace", action="store_true", help="make every pod anew, changed or not")
    add(
        "--start",
        action="store_true",
        default=True,
        help="--start=false makes pods, starts nothing",
    )
    add("-w", "--wait", action="store_true", help="stay until all pods have ended, then remove")
    add("-q", "--quiet", action="store_true", help="no pull progress")
    add("--build", action="store_true", default=None, help="build images that are there, too")
    add("--context-dir", default="", metavar="DIR", help="where --build looks for images")
    cli.add_timeout(parser)
    cli.add_output(parser)
    add("--dry-run", action="store_true", help="show the plan, change nothing")


def check(arguments: argparse.Namespace) -> None:
    """Raise Invalid, with the reason, for what podpy cannot do as it is asked."""
    if arguments.userns not in HOST_USERS:
        raise Invalid(
            f"--userns {arguments.userns}: podpy has no user namespaces yet: root in a container "
            "would be root of the host, whatever the flag says",
            hint="leave the flag out, and set runAsUser and runAsNonRoot",
        )
    if arguments.signature_policy:
        raise Invalid(
            "--signature-policy: images are checked by this host's own policy",
            hint="write it to /etc/containers/policy.json",
        )
    if arguments.log_driver and arguments.log_driver not in LOG_DRIVERS:
        known = ", ".join(LOG_DRIVERS)
        reason = _NO_LOG_DRIVER.get(arguments.log_driver, "there is no such driver")
        raise Invalid(f"--log-driver {arguments.log_driver}: {reason}", hint=f"one of {known}")
    if arguments.wait and not arguments.start:
        raise Invalid("--wait and --start=false: there would be nothing to wait for")
    log_settings(arguments)


def log_settings(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the annotations that --log-driver and --log-opt come to."""
    given = {}
    if arguments.log_driver:
        given[settings.LOG_DRIVER] = LOG_DRIVERS[arguments.log_driver]
    for word in arguments.log_opt:
        key, equals, value = word.partition("=")
        if key != "max-size" or not equals:
            reason = _NO_LOG_OPT.get(key, "there is no such option")
            raise Invalid(f"--log-opt {word}: {reason}", hint="--log-opt max-size=10m")
        given[settings.LOG_SIZE] = setting(settings.LOG_SIZE, value, f"--log-opt {word}")
    return given


def setting(key: str, value: str, flag: str) -> str:
    """Return the value that a flag gives one of podpy's annotations, if it may have it."""
    fault = settings.fault(key, value)
    if fault:
        raise Invalid(f"{flag}: {fault}")
    return value
