"""SOPS files decrypted in memory: as sops itself does, and only what may be decrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests.faults import HostFault, Invalid
from manifests.sources import File
from manifests.sync import Decryption
from manifests.yaml import reader
from reconciler.source import decryption
from tests.fixtures.sops import Keeper

if TYPE_CHECKING:
    from pathlib import Path

SECRET = """\
# the shop's keys
apiVersion: v1
kind: Secret
metadata:
  name: key
  labels: {app: shop, tier: "1"}
  annotations:
    weight: "1.50"
type: Opaque
stringData:
  # for the door
  word: open sesame   # with a space
  lines: |
    one
      two
  empty: ""
  number: "0644"
  "yes": "yes"
  quotes: 'she said "\\n"'
  signs: "tab\\there, bell \\a, next line \\N, é ü \U0001f511"
data:
  binary: AAECAw==
"""
OTHER = """\
---
apiVersion: v1
kind: ConfigMap
metadata: {name: page}
data: {text: plain}
"""
ONLY_CONTENT = ("--encrypted-regex", "^(data|stringData)$")


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Keeper:
    return Keeper(tmp_path_factory.mktemp("age"))


def opened(keeper: Keeper, text: str, name: str = "key.yaml") -> str:
    wanted = Decryption(age_key_file=str(keeper.key_file))
    (file,) = decryption.decrypted([File(name=name, data=text.encode())], wanted)
    return file.data.decode()


def values(text: str) -> list[object]:
    reading = reader.read(text, "x")
    assert reading.problems == ()
    return [one.value for one in reading.documents]


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ONLY_CONTENT,
        ("--unencrypted-suffix", "_plain"),
        ("--encrypted-suffix", "word"),
    ],
)
def test_what_sops_encrypts_is_what_was_written(keeper: Keeper, flags: tuple[str, ...]) -> None:
    encrypted = keeper.encrypt(SECRET, *flags)

    assert "sesame" not in encrypted
    assert values(opened(keeper, encrypted)) == values(SECRET)
    assert values(keeper.decrypt(encrypted)) == values(SECRET)


def test_what_is_not_signed_may_be_changed(keeper: Keeper) -> None:
    rule = "encrypted_regex: '^stringData$', mac_only_encrypted: true"
    encrypted = keeper.encrypt_by_rule(SECRET, rule)
    renamed = changed(encrypted, "name: key", "name: other")

    assert values(opened(keeper, encrypted)) == values(SECRET)
    assert values(opened(keeper, renamed)) == values(SECRET.replace("name: key", "name: other"))


def test_a_text_that_looks_like_a_value_gets_nobodys_content(keeper: Keeper) -> None:
    rule = "encrypted_regex: '^stringData$', mac_only_encrypted: true"
    encrypted = keeper.encrypt_by_rule(SECRET, rule)
    word = next(one for one in encrypted.splitlines() if one.strip().startswith("word:"))
    token = word.partition(": ")[2]
    shown = encrypted.replace("name: key", f"name: key\n    note: see {token}", 1)

    with pytest.raises(Invalid, match="is not what SOPS has written"):
        opened(keeper, shown)


def test_numbers_and_booleans_stay_what_they_are(keeper: Keeper) -> None:
    text = "kind: Secret\na: 12\nb: -1.5\nc: true\nd: false\ne: null\nf: [1, x, 2.0]\ng: 1e3\n"

    assert values(opened(keeper, keeper.encrypt(text))) == values(
        keeper.decrypt(keeper.encrypt(text))
    )


def test_json_is_decrypted_as_json(keeper: Keeper) -> None:
    text = '{"kind": "Secret", "stringData": {"word": "a\\"b", "n": 1, "l": ["x"]}}'

    assert values(opened(keeper, keeper.encrypt(text, kind="json"), "key.json")) == values(text)


def test_each_line_stays_where_it_was(keeper: Keeper) -> None:
    encrypted = keeper.encrypt(SECRET + OTHER, *ONLY_CONTENT[:1], "^stringData$")
    plain = opened(keeper, encrypted)

    def line(text: str, start: str) -> int:
        return next(at for at, one in enumerate(text.split("\n")) if one.strip().startswith(start))

    assert plain.count("\n") == encrypted.count("\n")
    for start in ("word:", "kind: ConfigMap", "text:"):
        assert line(plain, start) == line(encrypted, start)


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


def test_what_was_changed_by_hand_is_refused_without_a_word_of_its_content(keeper: Keeper) -> None:
    encrypted = keeper.encrypt(SECRET, *ONLY_CONTENT)
    lines = encrypted.splitlines()
    word, number = (
        next(one for one in lines if one.strip().startswith(f"{name}:")).partition(": ")[2]
        for name in ("word", "number")
    )
    moved = encrypted.replace(word, "@@").replace(number, word).replace("@@", number)
    spoilt = [
        changed(encrypted, "name: key", "name: other"),
        changed(encrypted, word, "plain"),
        changed(encrypted, f"word: {word}\n", f"word: {word}\n    more: x\n"),
        changed(encrypted, 'empty: ""', 'empty: "x"'),
        moved,
    ]

    for text in spoilt:
        with pytest.raises(Invalid, match=r"key\.yaml: is not what SOPS has written") as caught:
            opened(keeper, text)
        assert "sesame" not in str(caught.value)


def test_a_key_of_somebody_else_opens_nothing(keeper: Keeper, tmp_path: Path) -> None:
    encrypted = keeper.encrypt(SECRET)

    with pytest.raises(Invalid, match=r"none of the keys in .* opens it"):
        opened(Keeper(tmp_path), encrypted)


def test_a_key_that_others_can_read_is_refused(keeper: Keeper, tmp_path: Path) -> None:
    other = Keeper(tmp_path)
    other.key_file.chmod(0o640)

    with pytest.raises(HostFault, match="can be read by others"):
        opened(other, keeper.encrypt(SECRET))


def test_only_secrets_may_be_encrypted(keeper: Keeper) -> None:
    with pytest.raises(Invalid, match=r"key\.yaml: ConfigMap is encrypted, and only Secrets may"):
        opened(keeper, keeper.encrypt(OTHER))


def test_what_stands_beside_an_encrypted_secret_may_be_plain(keeper: Keeper) -> None:
    encrypted = keeper.encrypt(SECRET + OTHER, "--encrypted-regex", "^stringData$")

    assert values(opened(keeper, encrypted)) == values(SECRET + OTHER)


def test_without_a_key_the_file_is_named(keeper: Keeper) -> None:
    file = File(name="key.yaml", data=keeper.encrypt(SECRET).encode())

    with pytest.raises(Invalid, match=r"key\.yaml: is encrypted with SOPS, and this Sync has no"):
        decryption.decrypted([file], None)


def test_a_file_that_only_speaks_of_encryption_is_left_as_it_is(keeper: Keeper) -> None:
    text = "kind: ConfigMap\ndata: {a: 'ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]'}\n"

    assert opened(keeper, text) == text
