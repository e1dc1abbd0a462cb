"""Read the keys of one unit as their forms are, expanded; what cannot be read becomes a remark."""

from __future__ import annotations

from manifests.quadlet import remarks, specifiers, syntax
from manifests.quadlet.remarks import Grade
from manifests.quadlet.syntax import Entry, UnreadableError
from manifests.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from manifests.quadlet.remarks import Remark
    from manifests.quadlet.units import Unit


class Read(Value):
    """A value and where it was assigned."""

    value: str
    entry: Entry


class Reader:
    """The keys of a unit's own section. `said` collects the remarks."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.said: list[Remark] = []
        self._names = specifiers.of_unit(unit.service)
        self._variables = dict(self._service_variables())

    def say(self, entry: Entry, message: str, grade: Grade = Grade.UNSUPPORTED) -> None:
        remark = remarks.about(entry, message, grade)
        if remark not in self.said:
            self.said.append(remark)

    def text(self, key: str) -> Read | None:
        """Return the value of a key that has one; None where it is not set, or to nothing."""
        entry = self.unit.last(key)
        if entry is None:
            return None
        value = self._expanded(entry, syntax.unquoted(entry.value))
        return Read(value=value, entry=entry) if value else None

    def flag(self, key: str) -> Read | None:
        """Return "yes" or "" for a key that is true or false; None where it is not set."""
        entry = self.unit.last(key)
        if entry is None or not entry.value:
            return None
        return Read(value="yes" if syntax.truth(entry.value) else "", entry=entry)

    def whole(self, key: str) -> list[Read]:
        """Return the values of a key that may be repeated and is not split."""
        return self._all((entry, [entry.value]) for entry in self.unit.every(key))

    def listed(self, key: str) -> list[Read]:
        """Return the words of a key that is a list without escapes."""
        return self._all(
            (entry, self._words(entry, escapes=False)) for entry in self.unit.every(key)
        )

    def words(self, key: str, names: Mapping[str, str] = EMPTY) -> list[Read]:
        """Return the words, with escapes, of all assignments of a key."""
        given = [(entry, self._words(entry)) for entry in self.unit.every(key)]
        return self._all(given, names)

    def last_words(self, key: str) -> list[Read]:
        """Return the words of a key whose last assignment counts."""
        entry = self.unit.last(key)
        return [] if entry is None else self._all([(entry, self._words(entry))])

    def commands(self, key: str) -> list[list[Read]]:
        """Return the words of each command that [Service] has for a key."""
        return [
            self._all([(entry, self._words(entry))]) for entry in self.unit.every(key, "Service")
        ]

    def pairs(self, key: str, names: Mapping[str, str] = EMPTY) -> dict[str, Read]:
        """Return NAME=VALUE words by name; the later one counts. `names` are further specifiers."""
        found: dict[str, Read] = {}
        for word in self.words(key, names):
            name, equals, value = word.value.partition("=")
            if equals:
                found[name] = Read(value=value, entry=word.entry)
            else:
                self.say(word.entry, f'"{name}" has no value, and Podman\'s own is not known here')
        return found

    def _all(
        self, given: Iterable[tuple[Entry, list[str]]], names: Mapping[str, str] = EMPTY
    ) -> list[Read]:
        found = []
        for entry, values in given:
            for value in values:
                expanded = self._expanded(entry, value, names)
                if expanded is not None:
                    found.append(Read(value=expanded, entry=entry))
        return found

    def _words(self, entry: Entry, *, escapes: bool = True) -> list[str]:
        try:
            return syntax.words(entry.value, escapes=escapes)
        except UnreadableError as error:
            self.say(entry, f"is left out, as Podman leaves it out: {error}")
            return []

    def _expanded(self, entry: Entry, value: str, names: Mapping[str, str] = EMPTY) -> str | None:
        """Return a value as the command has it; None where only the host could tell."""
        try:
            value = specifiers.expand(value, {**self._names, **names})
            return specifiers.variables(value, self._variables)
        except UnreadableError as error:
            self.say(entry, f"is left out: {error}")
            return None

    def _service_variables(self) -> Iterator[tuple[str, str]]:
        """Give what [Service] sets for the command that runs the container."""
        for entry in self.unit.every("Environment", "Service"):
            for word in self._words(entry):
                name, equals, value = word.partition("=")
                if equals:
                    try:
                        yield name, specifiers.expand(value, self._names)
                    except UnreadableError as error:
                        self.say(entry, str(error))
