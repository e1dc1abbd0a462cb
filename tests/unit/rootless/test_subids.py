"""runtime.rootless.subids: files of subuid(5) in, newuidmap's words out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests.faults import HostFault
from runtime.rootless import subids

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "root:1:2\nann:100000:65536\n\n# ann:1:1\n1000:300000:10\nann:5\nbob:165536:65536\n"


def test_a_user_has_the_spans_of_their_name_and_of_their_number() -> None:
    spans = subids.parse(TEXT.splitlines(), ("ann", "1000"))

    assert [(span.first, span.count) for span in spans] == [(100000, 65536), (300000, 10)]


def test_inside_the_user_is_root_and_the_spans_follow_without_a_gap() -> None:
    spans = subids.parse(TEXT.splitlines(), ("ann", "1000"))

    words = subids.mapping(1000, spans)

    assert " ".join(words) == "0 1000 1 1 100000 65536 65537 300000 10"


@pytest.mark.parametrize("text", [None, "ann:100000:65536\n"])
def test_without_a_span_it_is_told_how_to_get_one(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "subuid"
    if text is not None:
        path.write_text(text)

    with pytest.raises(HostFault) as raised:
        subids.read(str(path), ("carl", "1003"))

    assert "carl" in raised.value.message
    assert "usermod" in raised.value.hint
