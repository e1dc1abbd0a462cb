"""The command line: words in, an exit status out. Which command lives in which module.

A command's module is imported when it is called, and only its own parser is made: start-up is part
of every command's time. Errors are printed here, once: `Error: what failed (hint: what to do)`.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from manifests.faults import Fault, Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import NoReturn

FAILED = 1
HELP_WIDTH = 98
PODMAN_FAILED = 125
"""What `podman kube` returns for any failure; scripts around it look for it."""

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
    "top": ("top", "show what pods use of cpu and memory"),
    "image": ("image", "list, pull, build and remove images"),
    "network": ("network", "list, inspect and remove networks"),
    "volume": ("volume", "list and remove claims' directories"),
    "doctor": ("doctor", "check what this host can do"),
    "completion": ("completion", "print a completion script for a shell"),
    "version": ("version", "print the version"),
}
HIDDEN = {"internal": "internal", "play kube": "kube_play"}
GROUPS = ("kube", "play")


class Formatter(argparse.HelpFormatter):
    """Help of a fixed width: asking for the terminal's imports shutil, 10 ms of every command."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=HELP_WIDTH)


class Parser(argparse.ArgumentParser):
    """An argparse parser whose complaint is a Fault, printed like every other."""

    def error(self, message: str) -> NoReturn:
        raise Invalid(f"{self.prog}: {message}", hint=f"{self.prog} --help")


def main(words: list[str]) -> int:
    """Run the command in `words` (without the program's name) and return its exit status."""
    try:
        name, module, rest = _find(words)
        if module is None:
            return _help(words)
        parser = Parser(prog=f"podpy {name}", description=module.__doc__, formatter_class=Formatter)
        module.configure(parser)
        arguments = parser.parse_args(rest)
        status: int = module.run(arguments)
        sys.stdout.flush()
        return status
    except Fault as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return PODMAN_FAILED if words[:1] in (["kube"], ["play"]) else FAILED
    except BrokenPipeError:
        # The reader (head, less) has seen enough; nothing more can be written.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130


def _find(words: list[str]) -> tuple[str, ModuleType | None, list[str]]:
    """Return the command's name, its module (None for help), and the words that are left."""
    if not words or words[0] in ("-h", "--help", "help"):
        return "", None, []
    length = 2 if words[0] in GROUPS else 1
    name = " ".join(words[:length])
    module = HIDDEN.get(name) or COMMANDS.get(name, ("", ""))[0]
    if not module:
        if words[0] in GROUPS and (len(words) == 1 or words[1].startswith("-")):
            return "", None, []
        raise Invalid(f'unknown command "{name}"{_close(name)}', hint="podpy --help")
    return name, importlib.import_module(f"podpy.commands.{module}"), words[length:]


def _close(name: str) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, COMMANDS, n=1)
    return f'; did you mean "{found[0]}"?' if found else ""


def _help(_words: list[str]) -> int:
    width = max(map(len, COMMANDS))
    print("podpy: Kubernetes YAML in, running pods out\n\nUsage: podpy COMMAND [OPTIONS]\n")
    print("Commands:")
    for name, (_, what) in COMMANDS.items():
        print(f"  {name:{width}}  {what}")
    print("\npodpy COMMAND --help tells about one command.")
    return 0
