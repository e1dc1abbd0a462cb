"""Complete a command line: the words so far in, what the last of them may become out.

Commands and flags are read off podpy.cli and the commands' own parsers, which remember what is
declared, so that there is no second list of them; names of objects come from the host. An empty
answer leaves files to the shell.
"""

from __future__ import annotations

import argparse
import importlib

from manifests import kinds
from manifests.faults import Fault
from podpy import cli, names
from podpy.context import Context
from podpy.inventory import Inventory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.kinds import KindInfo

KIND_THEN_NAMES = ("get", "describe", "delete")
PODS = ("logs", "exec")
NETWORK_VERBS = ("inspect", "rm")
SHELLS = ("bash", "zsh", "fish")


def candidates(words: list[str]) -> list[str]:
    """Return what `words[-1]`, begun or empty, may become; `words` go without the program's."""
    begun = words[-1] if words else ""
    try:
        found = _possible(words[:-1], begun)
    except Fault:
        return []
    return sorted({word for word in found if word.startswith(begun)})


def _possible(before: list[str], begun: str) -> Iterable[str]:
    length = 2 if before[:1] and before[0] in cli.GROUPS else 1
    if len(before) < length:
        heads = [name.split(" ") for name in cli.COMMANDS]
        return [head[len(before)] for head in heads if head[: len(before)] == before]
    command = " ".join(before[:length])
    entry = cli.COMMANDS.get(command)
    if entry is None:
        return []
    parser = cli.parser_of(command, importlib.import_module(f"podpy.commands.{entry[0]}"))
    rest = before[length:]
    if parser.verbs:
        if not rest:
            return list(parser.verbs)
        verb, *rest = rest
        if verb not in parser.verbs:
            return []
        command, parser = f"{command} {verb}", parser.verbs[verb]
    return _argument(command, parser, rest, begun)


def _argument(command: str, parser: cli.Parser, before: list[str], begun: str) -> Iterable[str]:
    if "--" in before:
        return []
    waiting, given, namespace = _read(parser, before)
    if waiting is not None:
        return _value(waiting, given, namespace)
    if begun.startswith("-"):
        return [flag for flag, action in parser.flags.items() if action.help != argparse.SUPPRESS]
    return _positional(command, parser, given, begun, namespace)


def _read(parser: cli.Parser, before: list[str]) -> tuple[argparse.Action | None, list[str], str]:
    """Return the flag that waits for its value, the words that are no flag's, and the namespace."""
    waiting: argparse.Action | None = None
    given: list[str] = []
    namespace = ""
    for word in before:
        if waiting is not None:
            namespace = word if waiting.dest == "namespace" else namespace
            waiting = None
        elif word.startswith("-"):
            flag, equals, _value = word.partition("=")
            action = parser.flags.get(flag)
            waiting = action if action and action.nargs is None and not equals else None
        else:
            given.append(word)
    return waiting, given, namespace


def _value(action: argparse.Action, given: list[str], namespace: str) -> Iterable[str]:
    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    if action.dest == "output":
        from podpy import output_forms

        return (*filter(None, output_forms.PLAIN), *(f"{one}=" for one in output_forms.DETAILED))
    if action.dest == "namespace":
        return _names(kinds.BY_KIND["Namespace"], "")
    if action.dest == "container" and given:
        from podpy import lookup
        from runtime import paths

        found = lookup.pod(paths.default(), given[0], namespace).pod
        return (*found.containers, *found.init_containers)
    return []


def _positional(
    command: str, parser: cli.Parser, given: list[str], begun: str, namespace: str
) -> Iterable[str]:
    kind, slash, _name = begun.partition("/")
    if command in KIND_THEN_NAMES:
        if slash:
            return [f"{kind}/{name}" for name in _names(names.kind(kind), namespace)]
        if not given:
            return [*kinds.BY_NAME, "all"]
        return _names(names.kind(given[0]), namespace)
    if command in PODS and not given:
        if slash:
            return [f"{kind}/{name}" for name in _names(names.kind(kind), namespace)]
        return _names(kinds.BY_KIND["Pod"], namespace)
    if command == "top" and given:
        return _names(kinds.BY_KIND["Pod"], namespace)
    if command in [f"network {verb}" for verb in NETWORK_VERBS]:
        return _names(kinds.BY_KIND["Network"], "")
    if command == "volume rm":
        return _names(kinds.BY_KIND["PersistentVolumeClaim"], namespace)
    if command == "image rm":
        return Context().base.store.names()
    if command == "completion":
        return () if given else SHELLS
    if len(given) < len(parser.positionals):
        return [str(choice) for choice in parser.positionals[len(given)].choices or ()]
    return []


def _names(info: KindInfo, namespace: str) -> list[str]:
    place = (namespace or "default") if info.namespaced else ""
    items = Inventory(Context()).items(info)
    return [item.ref.name for item in items if item.ref.namespace == place]
