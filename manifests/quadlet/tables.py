"""Judge the keys of a section: which are honoured, which are not and why, which nobody knows."""

from __future__ import annotations

from collections.abc import Mapping

from manifests.quadlet import syntax
from manifests.quadlet.remarks import Grade
from manifests.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.quadlet.reader import Reader
    from manifests.quadlet.syntax import Entry

_QUADLET = frozenset({"DefaultDependencies"})
_PASSED_ON = ("Unit", "Service", "Install", "Quadlet")
NO = ("false", "no", "0", "off")
USERS = "root in the container is root of the host"
MODULES = "podpy reads no containers.conf"


class Table(Value):
    """The keys of one section.

    `unsupported` says why for each; `told` are those that are left out without harm to what runs.
    `harmless`: values of a key that change nothing here.
    """

    honoured: frozenset[str]
    unsupported: Mapping[str, str] = EMPTY
    told: Mapping[str, str] = EMPTY
    harmless: Mapping[str, tuple[str, ...]] = EMPTY

    @property
    def keys(self) -> frozenset[str]:
        """Every key of the section that Podman knows."""
        return self.honoured | self.unsupported.keys() | self.told.keys()


def judge(reader: Reader, table: Table) -> None:
    """Say what there is to say about the keys of a unit's own section and of the others' names."""
    unit = reader.unit
    for entry in unit.entries:
        if entry.section == unit.section and entry.key:
            _judge_key(reader, table, entry)
        elif entry.section == "Quadlet" and entry.key not in ("", *_QUADLET):
            _unknown(reader, entry, _QUADLET)
        elif not entry.key and not entry.section.startswith("X-"):
            _judge_section(reader, entry)


def _judge_section(reader: Reader, entry: Entry) -> None:
    known = (*_PASSED_ON, reader.unit.section)
    if entry.section not in known:
        from schemas import suggestions

        meant = suggestions.closest(entry.section, known)
        hint = f'; did you mean "[{meant}]"?' if meant else ""
        reader.say(entry, f"unknown section, which is left out{hint}", Grade.TOLD)


def _judge_key(reader: Reader, table: Table, entry: Entry) -> None:
    value = syntax.unquoted(entry.value)
    if entry.key in table.honoured or entry.key.startswith("--"):
        return
    if entry.key not in table.keys:
        _unknown(reader, entry, table.keys)
    elif value and value not in table.harmless.get(entry.key, ()):
        if entry.key in table.told:
            reader.say(entry, table.told[entry.key], Grade.TOLD)
        else:
            reader.say(entry, f"is not supported: {table.unsupported[entry.key]}")


def _unknown(reader: Reader, entry: Entry, known: frozenset[str]) -> None:
    from schemas import suggestions

    close = suggestions.closest(entry.key, sorted(known))
    meant = f'; did you mean "{close}"?' if close else ""
    reader.say(entry, f"unknown key{meant}", Grade.UNKNOWN)


def check_mappings(reader: Reader) -> None:
    """Refuse what Podman refuses: the old keys of user namespaces beside the new ones."""
    unit = reader.unit
    new = ("UserNS", "UIDMap", "GIDMap", "SubUIDMap", "SubGIDMap")
    given = [entry for key in new if (entry := unit.last(key)) and entry.value]
    old = [entry for key in ("RemapUid", "RemapGid", "RemapUsers") if (entry := unit.last(key))]
    if given and old:
        reader.say(old[0], f"cannot stand beside {given[0].key}", Grade.WRONG)
        return
    users = unit.last("RemapUsers")
    kind = users.value if users else ""
    maps = [entry for key in ("RemapUid", "RemapGid") for entry in unit.every(key)]
    if given:
        return
    if not kind and maps:
        reader.say(maps[0], "needs RemapUsers", Grade.WRONG)
    elif users is not None and kind:
        fits = ("auto", "keep-id") if unit.suffix == ".kube" else ("auto", "keep-id", "manual")
        if kind not in fits:
            reader.say(users, f'"{kind}" must be one of {", ".join(fits)}', Grade.WRONG)
        several = next(
            (one for key in ("RemapUid", "RemapGid") for one in unit.every(key)[1:]), None
        )
        if kind == "keep-id" and several is not None:
            reader.say(several, "keep-id takes one", Grade.WRONG)


OLD_NAMESPACES = dict.fromkeys(
    ("UserNS", "RemapUsers", "RemapUid", "RemapGid", "RemapUidSize"), USERS
)
"""Those that [Kube] has."""
NAMESPACES = dict.fromkeys(
    (
        *("UserNS", "UIDMap", "GIDMap", "SubUIDMap", "SubGIDMap"),
        *("RemapUsers", "RemapUid", "RemapGid", "RemapUidSize"),
    ),
    USERS,
)
ARGUMENTS = {"GlobalArgs": "podpy is not run by Podman", "ContainersConfModule": MODULES}
