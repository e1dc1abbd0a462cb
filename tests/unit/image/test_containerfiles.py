"""Which images a Containerfile begins with."""

from __future__ import annotations

import pytest

from runtime.image import containerfiles


@pytest.mark.parametrize(
    ("text", "arguments", "found"),
    [
        ("FROM a:1\n", {}, ("a:1",)),
        ("from --platform=linux/amd64 a:1 as x\nFROM x\nFROM scratch", {}, ("a:1",)),
        (
            "# FROM no\nFROM \\\n  a:1 \\\n  AS x\nCOPY --from=x / /\nCOPY --from=0 / /",
            {},
            ("a:1",),
        ),
        ("ARG V=1\nFROM a:$V\nFROM b:${V}", {}, ("a:1", "b:1")),
        ("ARG V=1\nFROM a:$V", {"V": "2"}, ("a:2",)),
        ("ARG V\nFROM a:${V:-3}", {}, ("a:3",)),
        ('ARG V="q"\nFROM a:$V\nARG V=late\nFROM b:$V', {}, ("a:q", "b:q")),
        (
            "FROM a\nRUN --mount=type=bind,from=b true\nCOPY --chown=0 --from=c:1 x y",
            {},
            ("a", "c:1"),
        ),
        ("FROM a\nFROM a\n", {}, ("a",)),
        ("FROM\nRUN x", {}, ()),
    ],
)
def test_images(text: str, arguments: dict[str, str], found: tuple[str, ...]) -> None:
    assert containerfiles.images(text, arguments) == found
