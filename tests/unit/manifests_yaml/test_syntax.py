"""manifests.yaml.syntax: encodings, and bytes that are no text."""

from __future__ import annotations

import pytest

from manifests.yaml import syntax


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"], ids=lambda encoding: str(encoding)
)
def test_text_with_or_without_a_mark_is_decoded(encoding: str) -> None:
    assert syntax.decode("a: ä€😀\n".encode(encoding), "f") == "a: ä€😀\n"


def test_big_endian_utf16_is_decoded() -> None:
    assert syntax.decode(b"\xfe\xff" + "a: ä".encode("utf-16-be"), "f") == "a: ä"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            "a: 1\nb: ä".encode("latin-1"),
            "f:2:4: is not UTF-8 text: byte 0xe4 at offset 8; save the file as UTF-8",
        ),
        (
            b"\xff\xfea\x00:",
            "f:1:2: is not UTF-16-LE text: byte 0x3a at offset 4; save the file as UTF-8",
        ),
        (
            "a: 1".encode("utf-16-le"),
            "f:1:2: holds the control character U+0000, which YAML forbids; "
            "is the file binary, or UTF-16 without its mark?",
        ),
    ],
)
def test_other_bytes_are_refused_with_their_place(data: bytes, said: str) -> None:
    with pytest.raises(syntax.UndecodableError) as caught:
        syntax.decode(data, "f")

    assert str(caught.value.problem) == said
