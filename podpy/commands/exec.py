"""Run a command in a container: podpy exec -it POD [-c CONTAINER] -- sh."""

from __future__ import annotations

import argparse
import sys

from podpy import lookup
from runtime import paths as runtime_paths


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "podpy exec [-i] [-t] [-n NAMESPACE] [-c CONTAINER] POD [--] COMMAND [ARG ...]"
    parser.add_argument("-i", "--stdin", action="store_true", help="pass standard input on")
    parser.add_argument("-t", "--tty", action="store_true", help="give it a terminal")
    parser.add_argument("-c", "--container", default="", help="the pod's default one if left out")
    parser.add_argument("-n", "--namespace", default="")
    parser.add_argument("pod", help="NAME, deploy/NAME, job/NAME, an alias or an id")
    # Everything behind the pod's name, so that the command's own flags are left alone.
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="[--] COMMAND")


def run(arguments: argparse.Namespace) -> int:
    """Become the command: its exit status is podpy's. Raises a fault when that cannot be."""
    from manifests.faults import Invalid
    from runtime.kernel import cgroups
    from runtime.oci import container as oci
    from runtime.oci import engine, exec

    chosen, words = _split(arguments.command, arguments.container)
    if arguments.pod.startswith("-") or not words:
        raise Invalid("exec: name a pod and a command", hint="podpy exec web -- ls /")
    paths = runtime_paths.default()
    found = lookup.pod(paths, arguments.pod, arguments.namespace)
    name = lookup.container(found, chosen)
    target = oci.Container.of(paths, found.pod.uid, name)
    if oci.state(target) is not oci.State.RUNNING:
        raise Invalid(
            f"container {name} of pod {found.pod.name} is not running",
            hint=f"podpy describe pod {found.pod.name}",
        )
    terminal = arguments.tty and sys.stdin.isatty()
    if arguments.tty and not terminal:
        print("Warning: standard input is no terminal: -t is left out", file=sys.stderr)
    sys.stdout.flush()
    exec.replace(
        engine.find(paths.run_dir, cgroups.view().in_pod(), paths.instance),
        target,
        paths.pod(found.pod.uid),
        exec.Command(
            argv=words,
            terminal=terminal,
            stdin=arguments.stdin,
            env=("TERM=xterm",) if terminal else (),
        ),
    )


def _split(given: list[str], container: str) -> tuple[str, tuple[str, ...]]:
    """Return the container and the command: `POD -c app -- sh` names it behind the pod, too."""
    if "--" in given:
        end = given.index("--")
        front, words = given[:end], given[end + 1 :]
        if len(front) == 2 and front[0] in ("-c", "--container"):
            return front[1], tuple(words)
        if len(front) == 1 and front[0].startswith(("-c", "--container=")):
            return front[0].removeprefix("--container=").removeprefix("-c"), tuple(words)
        if not front:
            return container, tuple(words)
    return container, tuple(given)
