"""The command line: words in, an exit status out. Which command lives in which module.

A command's module is imported when it is called, and only its own parser is made: start-up is part
of every command's time. Errors are printed here, once: `Error: what failed (hint: what to do)`.
"""

from __future__ import annotations

import importlib
import os
import sys

from manifests.faults import Fault, Invalid, host_fault
from podpy import plain_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Any

    from podpy.parser import Parser

FAILED = 1
SIGNALLED = 128
"""A status above it tells of a signal, as a shell's does."""
PODMAN_FAILED = 125
"""What `podman kube` returns for any failure; scripts around it look for it."""

DIFF_FAILED = 2
"""`diff` says 1 where something differs, as kubectl's and diff itself."""

COMMANDS: dict[str, tuple[str, str]] = {
    "apply": ("apply", "make the host follow manifests"),
    "diff": ("diff", "show what apply would change, and why"),
    "delete": ("delete", "remove objects and their pods"),
    "validate": ("validate", "check manifests, change nothing"),
    "kube play": ("kube_play", "run Kubernetes YAML, as podman kube play does"),
    "kube down": ("kube_down", "remove what kube play has made"),
    "get": ("get", "list objects"),
    "describe": ("describe", "tell all about an object"),
    "events": ("events", "list what happened"),
    "logs": ("logs", "print the logs of a container"),
    "exec": ("exec", "run a command in a container"),
    "cp": ("cp", "copy files to and from a container"),
    "top": ("top", "show what pods use of cpu and memory"),
    "create": ("create", "run a Job of a CronJob's template now"),
    "rollout": ("rollout", "follow or repeat how a workload's pods come up"),
    "wait": ("wait", "wait until objects are as asked for"),
    "image": ("image", "list, pull, build and remove images"),
    "network": ("network", "make, list, inspect and remove networks"),
    "volume": ("volume", "list, import, remove and clear claims' directories"),
    "undo": ("undo", "bring back the data of removed claims"),
    "agent": ("agent", "follow Syncs and repair drift until it is ended"),
    "receive": ("receive", "take git push as a deployment"),
    "plan": ("plan", "show what Syncs would change, and why"),
    "sync": ("sync", "follow git repositories and directories"),
    "render": ("render", "write manifests as units of systemd's, or as files of Podman's Quadlet"),
    "convert": ("convert", "turn Quadlet and Compose files into Kubernetes YAML, and back"),
    "generate": ("generate", "write manifests of what is on this host"),
    "adopt": ("adopt", "take over what Podman runs, with its data"),
    "explain": ("explain", "tell of the fields of a kind, and which are honoured"),
    "doctor": ("doctor", "check what this host can do"),
    "completion": ("completion", "print a completion script for a shell"),
    "version": ("version", "print the version"),
}
HIDDEN = {"internal": "internal", "play kube": "kube_play"}
GROUPS = ("kube", "play")


def add_output(parser: argparse.ArgumentParser, *besides: str) -> None:
    """Declare -o: text for people, json for programs, and the forms `besides`."""
    parser.add_argument(
        "-o",
        "--output",
        choices=("text", *besides, "json"),
        default="text",
        help="for people or for programs",
    )


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Declare how long a pod may take until it runs."""
    from manifests import durations

    parser.add_argument(
        "--timeout",
        type=durations.seconds,
        default=120.0,
        metavar="SPAN",
        help="until a pod must run: seconds, or as 2m; 120 if left out",
    )


def verb(verbs: Any, name: str, what: str) -> Parser:
    """Declare a verb of a command (`image pull`) in what add_subparsers returned."""
    made: Parser = verbs.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
    return made


def parser_of(name: str, module: ModuleType) -> Parser:
    """Return the parser of a command, with its help: its module's words and examples."""
    from podpy.parser import Parser

    examples: str = getattr(module, "EXAMPLES", "").strip("\n")
    lines = "".join(f"  {line}\n" for line in examples.split("\n") if line)
    parser = Parser(
        prog=f"podpy {name}",
        description=module.__doc__,
        epilog=f"examples:\n{lines}" if lines else None,
    )
    module.configure(parser)
    return parser


def main(words: list[str]) -> int:
    """Run the command in `words` (without the program's name) and return its exit status."""
    try:
        status = _run(words)
        sys.stdout.flush()
    except Fault as fault:
        status = _failed(words, fault)
    except BrokenPipeError:
        # The reader (head, less) has seen enough. What is left in the buffer is for nobody:
        # Python would try to write it once more at its end, and fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        status = _failed(words, host_fault("this host refuses", error))
    except KeyboardInterrupt:
        return SIGNALLED + 2
    return _interrupted() or status


def _run(words: list[str]) -> int:
    name, module, rest = _find(words)
    if module is None:
        return _help(words)
    if os.geteuid() != 0:
        from podpy import rootless

        rootless.enter(name, rest)
    arguments = plain_words.read(module, rest)
    if arguments is None:
        arguments = parser_of(name, module).parse_args(rest)
    status: int = module.run(arguments)
    return status


def _failed(words: list[str], fault: Fault) -> int:
    """Print why the command could not do its work, and return the status for that."""
    print(f"Error: {fault}", file=sys.stderr)
    if words[:1] in (["kube"], ["play"]):
        return PODMAN_FAILED
    differs = words[:1] == ["diff"] or words[:2] == ["sync", "diff"]
    return DIFF_FAILED if differs else FAILED


def _interrupted() -> int:
    """The status of a command that a signal has ended early, 0 where none has.

    Only commands that change something import the module, and note signals.
    """
    interrupts = sys.modules.get("runtime.interrupts")
    number: int = interrupts.noted() if interrupts else 0
    return SIGNALLED + number if number else 0


def _find(words: list[str]) -> tuple[str, ModuleType | None, list[str]]:
    """Return the command's name, its module (None for help), and the words that are left."""
    if words[:1] == ["help"] and len(words) > 1:
        words = [*words[1:], "--help"]
    namespace, words = leading_namespace(words)
    if not words or words[0] in ("-h", "--help", "help"):
        return "", None, []
    length = 2 if words[0] in GROUPS else 1
    name = " ".join(words[:length])
    module = HIDDEN.get(name) or COMMANDS.get(name, ("", ""))[0]
    if not module:
        if words[0] in GROUPS and (len(words) == 1 or words[1].startswith("-")):
            return "", None, []
        raise _no_command(name, words)
    rest = [*namespace, *words[length:]]
    return name, importlib.import_module(f"podpy.commands.{module}"), rest


def _no_command(name: str, words: list[str]) -> Invalid:
    """Return the complaint about words that begin with no command."""
    from podpy import unknown

    if name.startswith("-"):
        return Invalid(f"unknown flag {name}", hint=instead_of(name) or "podpy --help")
    instead = unknown.command(words)
    close = "" if instead else close_to(name, COMMANDS)
    return Invalid(f'unknown command "{name}"{close}', hint=instead or "podpy --help")


def instead_of(flag: str) -> str:
    """Return why podpy has no such flag, or what does its work, as far as that is known."""
    from podpy import unknown

    return unknown.flag(flag.partition("=")[0])


def leading_namespace(words: list[str]) -> tuple[list[str], list[str]]:
    """Take the namespace off the front: kubectl's users write `-n shop get pods`, too."""
    first = words[0] if words else ""
    if first in ("-n", "--namespace"):
        return words[:2], words[2:]
    if first.startswith(("--namespace=", "-n")):
        return words[:1], words[1:]
    return [], words


def close_to(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, known, n=1)
    return f'; did you mean "{found[0]}"?' if found else ""


def _help(_words: list[str]) -> int:
    width = max(map(len, COMMANDS))
    print("podpy: Kubernetes YAML in, running pods out\n\nUsage: podpy COMMAND [OPTIONS]\n")
    print("Commands:")
    for name, (_, what) in COMMANDS.items():
        print(f"  {name:{width}}  {what}")
    print("\npodpy COMMAND --help tells about one command.")
    return 0
