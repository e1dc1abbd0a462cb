"""Write the reference of podpy's commands, docs/commands.md: the parsers in, Markdown out.

    python -m tools.command_reference > docs/commands.md        (make docs)

A test holds the file and the parsers in step. argparse's own help is laid out differently by each
version of Python, so the tables are made here.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
from typing import TYPE_CHECKING

from podpy import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podpy.parser import Parser

FRONT = """\
# Commands

Made from podpy's own parsers by `make docs`; `podpy COMMAND --help` tells the same.

`get`, `describe`, `logs`, `exec`, `cp`, `top`, `events`, `apply`, `diff` and `delete` take
kubectl's words, `kube play` and `kube down` Podman's. Flags may stand anywhere before `--`, in one
word with their value or in two (`-n shop`, `-nshop`, `--namespace=shop`), those without a value
as `--watch=true`, too.

**Objects** are named `KIND NAME ...`, `KIND/NAME ...`, or `KIND,KIND`: pods (po), deployments
(deploy), replicasets (rs), daemonsets (ds), jobs, configmaps (cm), secrets,
persistentvolumeclaims (pvc), namespaces (ns), networks (net); `all` is what runs. A pod also
answers to Podman's names (`web-pod`, `web-pod-app`), to its uid and to Podman's ids, or to how
these begin.

**Exit status**: 0, and 1 for an error or a change that failed. `diff`: 1 when something differs,
2 for an error. `kube play` and `kube down`: 125 for an error, as Podman. `exec`: the command's
own, 126 when it cannot be executed, 127 when it is not there.

**Variables**: `PODPY_ROOT=/some/where` keeps all that podpy has in another place than
/var/lib/podpy, /run/podpy and /var/log/pods, `PODPY_INSTANCE=name` names what it makes on the
host: so several can stand side by side. Everything here takes root.

**For programs** there is `-o json` (`--output json`), one shape for what does the same thing. What
fails is told on standard error and by the exit status as well; a list of what was done is printed
where the command fails half-way, too. Whoever reads it passes over keys that he does not know.

| command | what it prints |
|---|---|
| `apply`, `kube play`, `kube down`, `delete` | `{"changes": [{"op", "kind", "namespace", "name", \
"effect", "reasons", "error"}], "rolledBack", "restored"}`; `error` where it failed |
| `diff`, and those with `--dry-run` | `{"changes": [...], "keptBack": ["KIND/NAME"], \
"elsewhere": [{"object", "reason"}]}` |
| `get`, `events` | the object as Kubernetes has it, or a `List`; with `-w` one after the other, \
with `--output-watch-events` as `{"type", "object"}` |
| `validate` | `{"objects": N, "problems": [...]}` |
| `image ls` | `[{"id", "names", "digest", "size", "created", "architecture", "layers"}]` |
| `image pull`, `image build` | `{"pulled": [{"name", "id"}]}`, `{"id", "names"}` |
| `image rm`, `image prune` | `{"untagged", "deleted", "freedBytes"}` |
| `network ls`, `network inspect` | `[{"name", "driver", "subnet", "gateway", "mtu", ...}]` |
| `network create` | `{"name"}` |
| `network rm`, `network prune` | `{"removed", "failed"}` |
| `volume rm`, `volume import` | `{"removed"}`, `{"namespace", "name", "source", "usedBytes"}` |
| `volume ls` | `[{"namespace", "name", "requested", "usedBytes", "pods", "directory"}]` |
| `sync ls`, `status`, `reconcile`, `suspend`, `resume`, `approve`, `retry`, `rollback` | the \
Syncs, each with its status as it is after the command: `[{"metadata", "spec", "status": {"state", \
"outcome", "message", "applied", "good", "bad", "withheld", ...}}]` |
| `sync history` | `[{"revision", "outcome", "message", "changes", "at", "seconds"}]` |
| `sync diff` | as `diff` |
| `top` | `[{"namespace", "pod", "cpuCores", "memoryBytes", "pids"}]` |
| `explain` | `[{"path", "type", "required", "values", "honoured", "note"}]` |
| `doctor` | `{"healthy", "findings": [{"verdict", "subject", "text"}]}` |

Other than with kubectl: directories are always read with all that is below them; `delete` always
waits, since no daemon would go on; `events` tells of every namespace unless -n names one; `-o
go-template` and kustomizations (`-k`) are refused. With the crun of Debian 12 (1.8) a terminal
that `exec -t` has opened keeps the size that it had at first; newer ones follow.
"""


def main() -> int:
    print(text(), end="")
    return 0


def text() -> str:
    """Return the whole reference."""
    return "\n".join([FRONT, *(line for name in cli.COMMANDS for line in command(name))]) + "\n"


def command(name: str) -> Iterator[str]:
    """Yield the lines about one command, its verbs included."""
    module = importlib.import_module(f"podpy.commands.{cli.COMMANDS[name][0]}")
    parser = cli.parser_of(name, module)
    yield f"## podpy {name}\n"
    yield f"{inspect.cleandoc(module.__doc__ or '')}\n"
    yield "```\n" + module.EXAMPLES.strip() + "\n```\n"
    yield from arguments(parser)
    for verb, inner in parser.verbs.items():
        yield f"### podpy {name} {verb}\n"
        yield f"{inner.description}\n"
        yield from arguments(inner)


def arguments(parser: Parser) -> Iterator[str]:
    """Yield a table of what a parser takes."""
    flags = {id(action): action for action in parser.flags.values()}
    rows = [
        (_named(action), _told(action))
        for action in (*parser.positionals, *flags.values())
        if action.help != argparse.SUPPRESS and "--help" not in action.option_strings
    ]
    if rows:
        yield "| argument | what it does |"
        yield "|---|---|"
        yield from (f"| `{named}` | {told} |" for named, told in rows)
        yield ""


def _named(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings)
    if action.nargs == 0:
        return names
    value = action.metavar or (
        "\\|".join(map(str, action.choices)) if action.choices else action.dest.upper()
    )
    return f"{names} {value}".strip() if names else str(value)


def _told(action: argparse.Action) -> str:
    return (action.help or "").replace("|", "\\|")


if __name__ == "__main__":
    raise SystemExit(main())
