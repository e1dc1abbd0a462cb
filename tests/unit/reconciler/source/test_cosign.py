"""reconciler.source.cosign: which signatures count, and of what."""

from __future__ import annotations

import pytest

from manifests.faults import HostFault, Invalid
from reconciler.source import cosign
from tests.fixtures import artifacts
from tests.fixtures.artifacts import Blob
from tests.fixtures.cosign import Signer, beside, payload

DIGEST, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


@pytest.fixture(scope="module", params=["ecdsa", "rsa"])
def signer(request: pytest.FixtureRequest) -> Signer:
    return Signer(request.param)


def test_the_signature_of_a_trusted_key_counts(signer: Signer) -> None:
    trusted = cosign.keys(Signer().public + b"\n" + signer.public, "cosign.pub")
    signed = payload(DIGEST)

    assert len(trusted) == 2
    assert cosign.is_signed(DIGEST, signed, signer.sign(signed), trusted)


def test_nothing_else_counts(signer: Signer) -> None:
    trusted = cosign.keys(signer.public, "cosign.pub")
    signed = payload(DIGEST)
    good = signer.sign(signed)

    assert not cosign.is_signed(OTHER, signed, good, trusted)
    assert not cosign.is_signed(DIGEST, signed + b" ", good, trusted)
    assert not cosign.is_signed(DIGEST, signed, Signer().sign(signed), trusted)
    assert not cosign.is_signed(DIGEST, signed, b"", trusted)
    for strange in (b"", b"[]", b'{"critical": {"image": {"docker-manifest-digest": [1]}}}'):
        assert not cosign.is_signed(DIGEST, strange, signer.sign(strange), trusted)


def test_signatures_are_listed_with_what_they_are_of(signer: Signer) -> None:
    foreign = (
        Blob("text/plain", b"x", {cosign.SIGNATURE: "AAAA"}),
        Blob(cosign.PAYLOAD, b"x", {cosign.SIGNATURE: "not base64"}),
        Blob(cosign.PAYLOAD, b"x"),
        Blob(cosign.PAYLOAD, b"x" * (cosign.LARGEST + 1), {cosign.SIGNATURE: "AAAA"}),
    )
    found = cosign.listed(artifacts.manifest(beside(signer.blob(DIGEST), *foreign)))

    assert [one.payload for one in found] == [artifacts.digest(payload(DIGEST))]


def test_an_artifact_without_signatures_is_told() -> None:
    with pytest.raises(Invalid, match="holds no signature of cosign's"):
        cosign.listed(artifacts.manifest(artifacts.flux({"a": "1"})))


@pytest.mark.parametrize(
    "data",
    [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"],
    ids=["empty", "damaged"],
)
def test_a_file_without_keys_is_told(data: bytes) -> None:
    with pytest.raises(HostFault, match=r"cosign\.pub"):
        cosign.keys(data, "cosign.pub")
