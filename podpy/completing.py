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
    from podpy.parser import Parser

KIND_THEN_NAMES = ("get", "describe", "delete", "wait", "rollout status", "rollout restart")
PODS = ("logs", "exec")
NETWORK_VERBS = ("inspect", "rm")
SHELLS = ("bash", "zsh", "fish")


def candidates(words: list[str]) -> list[str]:
    """Return what `words[-1]`, begun or empty, may become; `words` go without the program's."""
    begun = words[-1] if words else ""
    try:
        found = _possible(words[:-1], begun)
    except (Fault, OSError):  # Nobody is there to be told; files are completed then.
        return []
    return sorted({word for word in found if word.startswith(begun)})


def _possible(before: list[str], begun: str) -> Iterable[str]:
    namespace, before = cli.leading_namespace(before)
    length = 2 if before[:1] and before[0] in cli.GROUPS else 1
    if len(before) < length:
        heads = [name.split(" ") for name in cli.COMMANDS]
        return [head[len(before)] for head in heads if head[: len(before)] == before]
    command = " ".join(before[:length])
    entry = cli.COMMANDS.get(command)
    if entry is None:
        return []
    parser = cli.parser_of(command, importlib.import_module(f"podpy.commands.{entry[0]}"))
    rest = [*namespace, *before[length:]]
    if parser.verbs:
        if not rest:
            return list(parser.verbs)
        verb, *rest = rest
        if verb not in parser.verbs:
            return []
        command, parser = f"{command} {verb}", parser.verbs[verb]
    return _argument(command, parser, rest, begun)


def _argument(command: str, parser: Parser, before: list[str], begun: str) -> Iterable[str]:
    if "--" in before:
        return []
    waiting, given, namespace = _read(parser, before)
    if waiting is not None:
        return _value(waiting, given, begun, namespace)
    flag, equals, value = begun.partition("=")
    if equals and flag in parser.flags:
        found = _value(parser.flags[flag], given, value, namespace)
        return [f"{flag}={one}" for one in found]
    if begun.startswith("-"):
        return [flag for flag, action in parser.flags.items() if action.help != argparse.SUPPRESS]
    return _positional(command, parser, given, begun, namespace)


def _read(parser: Parser, before: list[str]) -> tuple[argparse.Action | None, list[str], str]:
    """Return the flag that waits for its value, the words that are no flag's, and the namespace."""
    waiting: argparse.Action | None = None
    given: list[str] = []
    namespace = ""
    for word in before:
        if waiting is not None:
            namespace = word if waiting.dest == "namespace" else namespace
            waiting = None
        elif word.startswith("-"):
            flag, equals, value = word.partition("=")
            action = parser.flags.get(flag)
            if equals and action is not None and action.dest == "namespace":
                namespace = value
            waiting = action if action and action.nargs is None and not equals else None
        else:
            given.append(word)
    return waiting, given, namespace


def _value(action: argparse.Action, given: list[str], begun: str, namespace: str) -> Iterable[str]:
    """What a flag may be given."""
    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    match action.dest:
        case "output":
            from podpy import output_forms

            return (*filter(None, output_forms.PLAIN), *(f"{o}=" for o in output_forms.DETAILED))
        case "namespace":
            return _names(kinds.BY_KIND["Namespace"], "")
        case "network":
            return (*_names(kinds.BY_KIND["Network"], ""), "host", "none")
        case "target" if action.metavar == "KIND/NAME":
            return _pairs(begun, namespace)
        case "container" if given:
            return _containers(given[0], namespace)
        case _:
            return []


def _fields(begun: str) -> list[str]:
    """Return what the last name of KIND.FIELD.FIELD may become."""
    from podpy import field_help

    word, *path = begun.split(".")
    if not path:
        return [info.names[1] for info in kinds.KINDS]
    place = field_help.find(names.kind(word), path[:-1])
    front = begun.rpartition(".")[0]
    return [f"{front}.{one.field.path[-1]}" for one in field_help.below(place)]


def _positional(
    command: str, parser: Parser, given: list[str], begun: str, namespace: str
) -> Iterable[str]:
    if command in KIND_THEN_NAMES:
        if "/" in begun:
            return _new(_pairs(begun, namespace), given)
        if not given:
            return [*kinds.BY_NAME, "all"]
        return _new(_names(names.kind(given[0]), namespace), given[1:])
    if command in PODS and not given:
        return _pairs(begun, namespace) if "/" in begun else _names(_POD, namespace)
    if command == "logs" and len(given) == 1:
        return _containers(given[0], namespace)
    if command == "top" and given:
        return _new(_names(_POD, namespace), given[1:])
    if command in [f"network {verb}" for verb in NETWORK_VERBS]:
        return _new(_names(kinds.BY_KIND["Network"], ""), given)
    if command.startswith("sync ") and command != "sync add" and command != "sync ls":
        return _new(_names(kinds.BY_KIND["Sync"], ""), given)
    if command == "volume rm":
        return _new(_names(kinds.BY_KIND["PersistentVolumeClaim"], namespace), given)
    if command == "image rm":
        return _new(Context().base.store.names(), given)
    if command == "explain":
        return _fields(begun)
    if command == "completion":
        return () if given else SHELLS
    if len(given) < len(parser.positionals):
        return [str(choice) for choice in parser.positionals[len(given)].choices or ()]
    return []


_POD = kinds.BY_KIND["Pod"]


def _new(found: Iterable[str], given: list[str]) -> list[str]:
    """What is not on the line yet."""
    return [word for word in found if word not in given]


def _pairs(begun: str, namespace: str) -> list[str]:
    """Objects as KIND/NAME, once the kind is written; else the kinds."""
    kind, slash, _ = begun.partition("/")
    if not slash:
        return [f"{info.names[1]}/" for info in kinds.KINDS]
    return [f"{kind}/{name}" for name in _names(names.kind(kind), namespace)]


def _containers(pod: str, namespace: str) -> Iterable[str]:
    from podpy import lookup
    from runtime import paths

    found = lookup.pod(paths.default(), pod, namespace).pod
    return (*found.containers, *found.init_containers)


def _names(info: KindInfo, namespace: str) -> list[str]:
    place = (namespace or "default") if info.namespaced else ""
    items = Inventory(Context()).items(info)
    return [item.ref.name for item in items if item.ref.namespace == place]
