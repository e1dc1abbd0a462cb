"""kubectl's JSONPath templates: text in, a Template out, which turns values into text. Pure.

    {.items[*].metadata.name}                       names, a blank between them
    {range .items[*]}{.metadata.name}{"\\n"}{end}    one a line
    {.status.conditions[?(@.type=="Ready")].status}
    {.metadata.annotations.example\\.com/team}       or ['example.com/team']

What a value does not have gives nothing, as in kubectl.
"""

from __future__ import annotations

import json
import re

from manifests.faults import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    Step = Callable[[Any, Any], Iterable[Any]]
    """From one value (and the root of all) to those that a step of a path leads to."""

_NAME = re.compile(r"(?:\\.|[^\s.\[\]{}'\"()=<>!,|&~?*\\])+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?(?=[\s)]|$)")
_SLICE = re.compile(r"(-?\d*)(?::(-?\d*))?(?::(-?\d+))?")
_OPERATOR = re.compile(r"\s*(==|!=|<=|>=|<|>)\s*")
_BLANKS = re.compile(r"\s*")
_QUOTED = re.compile(r"'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\"")
_WORDS = re.compile(r"(range|end)\b\s*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class Path:
    """A path through a value, such as .status.podIP."""

    def __init__(self, steps: list[Step], *, absolute: bool = False) -> None:
        self._steps, self._absolute = steps, absolute

    def find(self, value: Any, root: Any = None) -> list[Any]:
        """Return all that the path leads to from `value`."""
        root = value if root is None else root
        found = [root if self._absolute else value]
        for step in self._steps:
            found = [after for one in found for after in step(one, root)]
        return found


class Template:
    """Texts, paths and ranges, one after the other."""

    def __init__(self) -> None:
        self.parts: list[str | Path | tuple[Path, Template]] = []

    def text(self, value: Any) -> str:
        return "".join(self._texts(value, value))

    def _texts(self, value: Any, root: Any) -> Iterator[str]:
        for part in self.parts:
            if isinstance(part, str):
                yield part
            elif isinstance(part, Path):
                yield " ".join(worded(one) for one in part.find(value, root))
            else:
                path, body = part
                for one in path.find(value, root):
                    yield from body._texts(one, root)


def parse(text: str) -> Template:
    """Return the template; without any braces it is one path. Raises Invalid."""
    if "{" not in text:
        text = f"{{{text}}}"
    top = Template()
    open_ = [top]
    position = 0
    while position < len(text):
        brace = text.find("{", position)
        if brace < 0:
            brace = len(text)
        if brace > position:
            open_[-1].parts.append(text[position:brace])
        if brace == len(text):
            break
        scanner = _Scanner(text, brace + 1)
        _braced(scanner, open_)
        position = scanner.position
    if len(open_) > 1:
        raise Invalid(f'jsonpath "{text}": {{range}} has no {{end}}')
    return top


def path(text: str) -> Path:
    """Return one path, for columns and sorting: .metadata.name, with or without dot or braces."""
    bare = text.strip().removeprefix("{").removesuffix("}").strip()
    scanner = _Scanner(bare if bare[:1] in (".", "[", "$", "@") else f".{bare}", 0)
    found = scanner.path()
    if scanner.position < len(scanner.text):
        raise scanner.wrong("is not understood")
    return found


def worded(value: Any) -> str:
    """Return a value as kubectl prints it: text plain, the rest as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _braced(scanner: _Scanner, open_: list[Template]) -> None:
    """Read what stands in one pair of braces, its end included."""
    scanner.skip(_BLANKS)
    if word := scanner.take(_WORDS):
        if word[1] == "end":
            if len(open_) == 1:
                raise scanner.wrong("{end} ends nothing")
            open_.pop()
        else:
            body = Template()
            open_[-1].parts.append((scanner.path(), body))
            open_.append(body)
    elif quoted := scanner.take(_QUOTED):
        open_[-1].parts.append(_unquoted(quoted))
    else:
        open_[-1].parts.append(scanner.path())
    scanner.skip(_BLANKS)
    scanner.expect("}")


class _Scanner:
    """A place in the text of an expression, moved on by what is read."""

    def __init__(self, text: str, position: int) -> None:
        self.text, self.position = text, position

    def path(self) -> Path:
        """Read a path up to what does not belong to one."""
        sign = self.text[self.position : self.position + 1]
        if sign in ("$", "@") and sign:
            self.position += 1
        elif sign not in (".", "["):
            raise self.wrong('a path begins with "."')
        steps: list[Step] = []
        while self.position < len(self.text):
            if self.next(".."):
                steps.append(_descendants)
                if self.text[self.position : self.position + 1] != "[":
                    steps.append(self._member())
            elif self.next("."):
                if self.position < len(self.text) and self.text[self.position] not in "[} )":
                    steps.append(self._member())
            elif self.next("["):
                steps.append(self._bracketed())
            else:
                break
        return Path(steps, absolute=sign == "$")

    def next(self, sign: str) -> bool:
        """Move over `sign` if it comes next."""
        if not self.text.startswith(sign, self.position):
            return False
        self.position += len(sign)
        return True

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.position)
        if found:
            self.position = found.end()
        return found

    def skip(self, pattern: re.Pattern[str]) -> None:
        self.take(pattern)

    def expect(self, sign: str) -> None:
        if not self.next(sign):
            raise self.wrong(f'"{sign}" is expected')

    def wrong(self, what: str) -> Invalid:
        return Invalid(
            f'jsonpath "{self.text}", character {self.position + 1}: {what}',
            hint="such as {.items[*].metadata.name}",
        )

    def _member(self) -> Step:
        if self.next("*"):
            return _every
        found = self.take(_NAME)
        if found is None:
            raise self.wrong("a field's name is expected")
        return _field(re.sub(r"\\(.)", r"\1", found[0]))

    def _bracketed(self) -> Step:
        """Read what stands in brackets: * , an index, a slice, names, a filter, or a union."""
        if self.next("?("):
            step = self._filter()
            self.expect(")]")
            return step
        choices = [self._choice()]
        while self.next(","):
            choices.append(self._choice())
        self.expect("]")
        return choices[0] if len(choices) == 1 else _union(choices)

    def _choice(self) -> Step:
        self.skip(_BLANKS)
        if self.next("*"):
            step: Step = _every
        elif quoted := self.take(_QUOTED):
            step = _field(_unquoted(quoted))
        elif (span := self.take(_SLICE)) and span[0]:
            step = _slice(span)
        else:
            raise self.wrong("a number, a name in quotes or * is expected")
        self.skip(_BLANKS)
        return step

    def _filter(self) -> Step:
        """Read PATH, or PATH OPERATOR VALUE: the items for which it holds."""
        self.skip(_BLANKS)
        left = self.path()
        operator = self.take(_OPERATOR)
        if operator is None:
            self.skip(_BLANKS)
            return _kept(lambda item, root: bool(left.find(item, root)))
        right = self._operand()
        self.skip(_BLANKS)
        return _kept(
            lambda item, root: any(
                _holds(one, operator[1], other)
                for one in left.find(item, root)
                for other in right(item, root)
            )
        )

    def _operand(self) -> Step:
        if quoted := self.take(_QUOTED):
            text = _unquoted(quoted)
            return lambda _item, _root: (text,)
        if number := self.take(_NUMBER):
            value = json.loads(number[0])
            return lambda _item, _root: (value,)
        for word, constant in (("true", True), ("false", False), ("null", None)):
            if self.next(word):
                return lambda _item, _root: (constant,)
        return self.path().find


def _unquoted(quoted: re.Match[str]) -> str:
    text = quoted[1] if quoted[1] is not None else quoted[2]
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text)


def _field(name: str) -> Step:
    return lambda value, _root: (value[name],) if isinstance(value, dict) and name in value else ()


def _every(value: Any, _root: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _descendants(value: Any, root: Any) -> Iterator[Any]:
    """The value itself, and all that is in it, at any depth."""
    yield value
    for item in _every(value, root):
        yield from _descendants(item, root)


def _slice(found: re.Match[str]) -> Step:
    if ":" not in found[0]:
        index = int(found[1])
        return lambda value, _root: (
            (value[index],) if isinstance(value, list) and -len(value) <= index < len(value) else ()
        )
    start, end, step = (int(part) if part else None for part in found.groups())
    cut = slice(start, end, step or None)
    return lambda value, _root: value[cut] if isinstance(value, list) else ()


def _union(choices: list[Step]) -> Step:
    return lambda value, root: [one for choice in choices for one in choice(value, root)]


def _kept(holds: Callable[[Any, Any], bool]) -> Step:
    return lambda value, root: [item for item in _every(value, root) if holds(item, root)]


def _holds(left: Any, operator: str, right: Any) -> bool:
    if operator == "==":
        return bool(left == right)
    if operator == "!=":
        return bool(left != right)
    numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
    if not numbers and not (isinstance(left, str) and isinstance(right, str)):
        return False
    match operator:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case _:
            return bool(left >= right)
