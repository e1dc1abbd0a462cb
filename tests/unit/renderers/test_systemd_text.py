from __future__ import annotations

import pytest

from renderers import systemd_text


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("sh", "sh"),
        ("a b", '"a b"'),
        ("100%", "100%%"),
        ("$HOME", "$$HOME"),
        ("a\nb\tc", r'"a\nb\tc"'),
        ('say "hi" \\', r'"say \"hi\" \\"'),
        ("it's", '"it\'s"'),
        ("\x01", r'"\x01"'),
        ("é漢", '"é漢"'),
        ("", "%i"),
        (";", ";%i"),
        ("a;b", '"a;b"'),
    ],
)
def test_a_word_is_written_so_that_systemd_reads_it(word: str, written: str) -> None:
    assert systemd_text.word(word) == written


@pytest.mark.parametrize("text", ["", "a\nb", " a", "a\\", "a\x7f"])
def test_a_literal_without_a_form_is_refused(text: str) -> None:
    with pytest.raises(systemd_text.UnwritableError):
        systemd_text.literal(text)


def test_a_literal_keeps_quotes_and_hides_specifiers_and_variables() -> None:
    assert systemd_text.literal('["a", "$x 5%"]') == '["a", "$$x 5%%"]'


def test_a_line_of_a_description_has_no_variables() -> None:
    assert systemd_text.line("5 % of $x") == "5 %% of $x"
