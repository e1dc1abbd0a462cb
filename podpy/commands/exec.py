"""Run a command in a container, as kubectl exec does.

The command's exit status is podpy's: 127 when there is no such program in the container, 126 when
it cannot be executed.
"""

from __future__ import annotations

import sys

from podpy import plain_words, running
from runtime import paths as runtime_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import NoReturn

    from podpy.running import Running
    from runtime.paths import Paths

EXAMPLES = """
podpy exec -it web -- sh
podpy exec web -c app -- ls -l /data
podpy exec -i deploy/db -- psql < dump.sql
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "podpy exec [-i] [-t] [-n NAMESPACE] [-c CONTAINER] POD [--] COMMAND [ARG ...]"
    _add_flags(parser)
    parser.add_argument("pod", help="NAME, deploy/NAME, job/NAME, an alias or an id")
    # Everything behind the pod's name, so that the command's own flags are left alone.
    parser.add_argument("command", nargs=plain_words.REMAINDER, metavar="[--] COMMAND")


def _add_flags(parser: argparse.ArgumentParser | plain_words.Words) -> None:
    add = parser.add_argument
    add("-i", "--stdin", action="store_true", help="pass standard input on")
    add("-t", "--tty", action="store_true", help="give it a terminal")
    add("-c", "--container", default="", help="the pod's default one if left out")
    add("-n", "--namespace", default="", help="the pod's; default if left out")
    add("-q", "--quiet", action="store_true", help="say nothing but what the command says")


def run(arguments: argparse.Namespace) -> int:
    """Become the command: its exit status is podpy's. Raises a fault when that cannot be."""
    from manifests.faults import Invalid

    words = _command(arguments)
    if arguments.pod.startswith("-") or not words:
        raise Invalid("exec: name a pod and a command", hint="podpy exec web -- ls /")
    paths = runtime_paths.default()
    found = running.find(
        paths, arguments.pod, arguments.namespace, arguments.container, quiet=arguments.quiet
    )
    return _refused(found, words[0]) or _become(paths, found, words, arguments)


def _become(
    paths: Paths, found: Running, words: tuple[str, ...], arguments: argparse.Namespace
) -> NoReturn:
    from runtime.oci import exec

    terminal = arguments.tty and sys.stdin.isatty()
    if arguments.tty and not terminal and not arguments.quiet:
        print("Warning: standard input is no terminal: -t is left out", file=sys.stderr)
    sys.stdout.flush()
    exec.replace(
        found.container,
        paths.pod(found.found.pod.uid),
        exec.Command(
            argv=words,
            terminal=terminal,
            stdin=arguments.stdin,
            env=("TERM=xterm",) if terminal else (),
        ),
    )


def _command(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the command. Flags between the pod's name and it are read into `arguments`.

    `POD -c app -- ls` and `POD -it sh` name such flags; in `POD ls -l` the flag is the command's.
    """
    given: list[str] = arguments.command
    if not given or not given[0].startswith("-"):
        return tuple(given)
    if "--" in given:
        end = given.index("--")
        _read_flags(given[:end], arguments)
        return tuple(given[end + 1 :])
    from podpy.parser import Parser

    parser = Parser(prog="podpy exec", add_help=False)
    _add_flags(parser)
    parser.add_argument("command", nargs=plain_words.REMAINDER)
    parser.parse_args(given, arguments)
    return tuple(arguments.command)


def _read_flags(words: list[str], arguments: argparse.Namespace) -> None:
    plain = plain_words.Words()
    _add_flags(plain)
    try:
        plain.read(words, arguments)
    except plain_words.NotPlain:
        from podpy.parser import Parser

        parser = Parser(prog="podpy exec", add_help=False)
        _add_flags(parser)
        parser.parse_args(words, arguments)


def _refused(found: Running, word: str) -> int:
    """Return the status for a program that cannot be executed, having said so; else 0."""
    from runtime.oci import program

    verdict = program.look(found.container, found.pid, word)
    if verdict == program.Verdict.FOUND:
        return 0
    what = "has no" if verdict == program.Verdict.MISSING else "cannot execute"
    print(
        f'Error: container {found.container.name} of pod {found.found.pod.name} {what} "{word}" '
        f"(hint: programs are looked for in the container's own files)",
        file=sys.stderr,
    )
    return verdict
