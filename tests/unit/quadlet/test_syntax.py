import pytest

from manifests.quadlet import specifiers, syntax
from manifests.quadlet.syntax import UnreadableError


def values(text: str) -> list[tuple[str, str, int]]:
    entries, problems = syntax.parse(text, "x.container")
    assert not problems
    return [(one.key, one.value, one.line) for one in entries if one.key]


def test_an_assignment_knows_its_line() -> None:
    assert values("\n[Container]\nImage = a \n# no\n; no\nExec=b\n") == [
        ("Image", "a", 3),
        ("Exec", "b", 6),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Exec=a \\\n  b", "a b"),
        ("Exec=a \\ \n b", "a b"),
        ("Exec=a \\\n# why\n\n b", "a b"),
        ("Exec=a \\", "a"),
    ],
)
def test_lines_are_joined(text: str, value: str) -> None:
    assert values(f"[Container]\n{text}\n")[0][1] == value


def test_a_line_that_is_nothing_is_told_with_its_number() -> None:
    _, problems = syntax.parse("A=b\n[Unit]\nnothing\n=x\n", "x.container")

    assert [(one.line, one.message) for one in problems] == [
        (1, "A stands before the first [Section]"),
        (3, "is no [Section], no comment and no KEY=VALUE"),
        (4, "is no [Section], no comment and no KEY=VALUE"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a  b\tc", ["a", "b", "c"]),
        ("\"a b\" 'c d'e", ["a b", "c de"]),
        ("'' a", ["", "a"]),
        (r"a\nb \x41\u00e9\U0001F600\101\s", ["a\nb", "Aé😀A "]),
        (r"\xc3\xa9", ["é"]),
        ("'open end", ["open end"]),
        ("a\\", ["a"]),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert syntax.words(text) == found


def test_words_without_escapes_keep_backslashes() -> None:
    assert syntax.words(r"a\.b 'c\n'", escapes=False) == [r"a\.b", r"c\n"]


@pytest.mark.parametrize("text", [r"test\.com", r"\x0", r"\x00", r"\u12", r"\8", r"\UFFFFFFFF"])
def test_escapes_that_systemd_does_not_know(text: str) -> None:
    with pytest.raises(UnreadableError):
        syntax.words(text)


def test_only_a_pair_of_double_quotes_is_taken_off() -> None:
    given = ['"a"', '"a"b"', "'a'", '"a']

    assert [syntax.unquoted(one) for one in given] == ["a", 'a"b', "'a'", '"a']


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("100%%", "100%"),
        ("%n %N %p %i %j", "my-web@blue.service my-web@blue my-web blue web"),
        ("%h/%t%S", "/root//run/var/lib"),
        ("50% of 5%", "50% of 5%"),
    ],
)
def test_specifiers(text: str, found: str) -> None:
    assert specifiers.expand(text, specifiers.of_unit("my-web@blue")) == found


@pytest.mark.parametrize("text", ["%H", "%m", "%x"])
def test_specifiers_that_nobody_can_replace(text: str) -> None:
    with pytest.raises(UnreadableError):
        specifiers.expand(text, specifiers.of_unit("web"))


def test_variables_of_the_service() -> None:
    known = {"A": "1"}

    words = ["$$x", "${A}b", "$A", "x$A", "$$$$"]
    assert [specifiers.variables(one, known) for one in words] == ["$x", "1b", "1", "x$A", "$$"]
    with pytest.raises(UnreadableError, match="nothing in the unit sets"):
        specifiers.variables("${B}", known)
