"""Read which registries a short image name is looked for in: registries.conf, as Podman does.

Files: /etc/containers/registries.conf and registries.conf.d/*.conf, or the user's own under
~/.config/containers (containers-registries.conf(5)); CONTAINERS_REGISTRIES_CONF names a file in
place of registries.conf. skopeo reads mirrors and blocks by itself;
only `unqualified-search-registries` and `[aliases]` are podpy's to apply.
"""

from __future__ import annotations

import os

from manifests.value import EMPTY, Value
from runtime import files
from runtime.image import reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Registries(Value):
    """`search` is tried in order; `aliases` maps a short name to a full one without tag."""

    search: tuple[str, ...] = ()
    aliases: Mapping[str, str] = EMPTY


def read(directories: tuple[str, ...] = ()) -> Registries:
    """Return what this host's files say; files read later win."""
    search: tuple[str, ...] = ()
    aliases: dict[str, str] = {}
    for path in _files(directories or _directories()):
        content = files.read_toml(path)
        if "unqualified-search-registries" in content:
            search = tuple(content["unqualified-search-registries"])
        aliases.update({k: v for k, v in content.get("aliases", {}).items() if v})
    return Registries(search=search, aliases=aliases)


def places(wanted: reference.Reference, known: Registries) -> tuple[reference.Reference, ...]:
    """Return the full names that `wanted` may stand for, in the order in which to try them."""
    if wanted.registry:
        return (wanted,)
    alias = known.aliases.get(wanted.repository)
    if alias:
        suffix = f"@{wanted.digest}" if wanted.digest else f":{wanted.tag}"
        return (reference.parse(f"{alias}{suffix}"),)
    return reference.candidates(wanted, known.search or (reference.DEFAULT_REGISTRY,))


def in_place_of_the_hosts() -> str:
    """Return the file that the environment names in place of registries.conf; "" for none."""
    return os.environ.get("CONTAINERS_REGISTRIES_CONF", "")


def _directories() -> tuple[str, ...]:
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return "/etc/containers", f"{home}/containers"


def _files(directories: tuple[str, ...]) -> Iterator[str]:
    instead = in_place_of_the_hosts()
    if instead:
        yield instead
    for directory in directories:
        if not instead:
            yield f"{directory}/registries.conf"
        drop_ins = f"{directory}/registries.conf.d"
        if os.path.isdir(drop_ins):
            for name in sorted(os.listdir(drop_ins)):
                if name.endswith(".conf"):
                    yield f"{drop_ins}/{name}"
