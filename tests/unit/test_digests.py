"""manifests.digests: what stands for texts and bytes."""

from __future__ import annotations

from manifests import digests


def test_a_digest_is_64_hex_digits_of_the_bytes() -> None:
    assert digests.of("a") == digests.of(b"a")
    assert digests.of("a") != digests.of("b")
    assert len(bytes.fromhex(digests.of("a"))) == 32


def test_a_key_makes_another_digest() -> None:
    assert len({digests.of("a"), digests.of("a", key=b"k"), digests.of("a", key=b"l")}) == 3
