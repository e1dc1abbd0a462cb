"""Run a command in a container: podpy exec -it POD [-c CONTAINER] -- sh."""

from __future__ import annotations

import argparse
import sys

from podpy import lookup
from runtime import paths as runtime_paths


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--stdin", action="store_true", help="pass standard input on")
    parser.add_argument("-t", "--tty", action="store_true", help="give it a terminal")
    parser.add_argument("-c", "--container", default="")
    parser.add_argument("-n", "--namespace", default="")
    parser.add_argument("pod")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")


def run(arguments: argparse.Namespace) -> int:
    from manifests.faults import Invalid
    from runtime.kernel import cgroups
    from runtime.oci import container as oci
    from runtime.oci import engine, exec

    words = tuple(arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command)
    if arguments.pod == "--" or not words:
        raise Invalid("exec: name a pod and a command", hint="podpy exec web -- ls /")
    paths = runtime_paths.default()
    record = lookup.pod(paths, arguments.pod, arguments.namespace)
    name = lookup.container(record, arguments.container)
    target = oci.Container.of(paths, record.uid, name)
    if oci.state(target) is not oci.State.RUNNING:
        raise Invalid(f"container {name} of pod {record.pod.metadata.name} is not running")
    found = engine.find(paths.run_dir, cgroups.view().in_pod(), paths.instance)
    wanted = exec.Command(
        argv=words,
        terminal=arguments.tty,
        stdin=arguments.stdin,
    )
    sys.stdout.flush()
    exec.replace(found, target, paths.pod(record.uid), wanted)
