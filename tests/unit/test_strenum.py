"""manifests.strenum: what podpy asks of a closed set is answered as enum.StrEnum answers it."""

from __future__ import annotations

import copy
import enum
import json
import pickle
from typing import Any

import pytest

from manifests import strenum


class Standard(enum.StrEnum):
    """Two words."""

    RED = "red"
    DARK_BLUE = "dark blue"

    @property
    def loud(self) -> str:
        return self.upper()


class Ours(strenum.StrEnum):
    """Two words."""

    RED = "red"
    DARK_BLUE = "dark blue"

    @property
    def loud(self) -> str:
        return self.upper()


both = pytest.mark.parametrize("kind", [Standard, Ours])


@both
def test_members_are_words_with_a_name(kind: Any) -> None:
    assert list(kind) == ["red", "dark blue"]
    assert len(kind) == 2
    assert "dark blue" in list(kind)
    assert kind.RED in kind
    assert (kind.DARK_BLUE.name, kind.DARK_BLUE.value) == ("DARK_BLUE", "dark blue")
    assert type(kind.RED.value) is str
    assert kind.RED.loud == "RED"
    assert hash(kind.RED) == hash("red")


@both
def test_a_word_gives_its_one_member(kind: Any) -> None:
    assert kind("red") is kind.RED
    assert kind(kind.RED) is kind.RED
    assert isinstance(kind.RED, kind)


@both
@pytest.mark.parametrize("word", ["green", "RED", "", 1, None, []])
def test_any_other_word_is_refused_by_name(kind: Any, word: object) -> None:
    with pytest.raises(ValueError, match=rf"is not a valid {kind.__name__}"):
        kind(word)


@both
def test_a_copy_is_the_member_itself(kind: Any) -> None:
    assert copy.deepcopy(kind.RED) is kind.RED
    assert pickle.loads(pickle.dumps(kind.RED)) is kind.RED


@both
def test_a_member_is_written_as_its_word(kind: Any) -> None:
    assert (str(kind.RED), f"{kind.RED:>4}", json.dumps([kind.RED])) == ("red", " red", '["red"]')
    assert type(str(kind.RED)) is str
    assert repr(kind.RED) == f"<{kind.__name__}.RED: 'red'>"


@both
def test_a_match_tells_members_apart(kind: Any) -> None:
    match kind("dark blue"):
        case kind.RED:
            found = "red"
        case kind.DARK_BLUE:
            found = "blue"

    assert found == "blue"
