"""Check cosign's signatures of an artifact: what the registry has beside it in, a refusal out.

    REPOSITORY:sha256-HEX.sig    the manifest of the signatures of the artifact sha256:HEX
        layers[]                 what was signed ("simple signing"): JSON that names the digest
        .annotations             dev.cosignproject.cosign/signature: of those bytes, in base64

What is checked is that one of the keys has signed the digest; neither certificates nor a
transparency log are asked. Format: cosign's SIGNATURE_SPEC. Pure.
"""

from __future__ import annotations

import base64
import binascii
import json

from manifests import digests
from manifests.faults import HostFault, Invalid
from manifests.value import Value
from runtime.image import manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
LARGEST = 1 << 20
"""Bytes that one payload may have."""
MOST = 64
"""Signatures that are looked at."""
_END = b"-----END PUBLIC KEY-----"


class Signed(Value):
    """What was signed, by its digest, and the signature."""

    payload: str
    size: int
    signature: bytes


def tag_of(digest: str) -> str:
    """Return the tag under which the signatures of an artifact are."""
    return f"sha256-{digests.bare(digest)}.sig"


def listed(raw: bytes) -> tuple[Signed, ...]:
    """Return the signatures that a manifest names. Raises Invalid where it is none of cosign's."""
    layers = manifest.manifest(raw).layers
    found = []
    for layer, item in zip(layers, json.loads(raw).get("layers") or (), strict=True):
        notes = item.get("annotations")
        text = notes.get(SIGNATURE) if isinstance(notes, dict) else None
        if item.get("mediaType") != PAYLOAD or not isinstance(text, str):
            continue
        try:
            signature = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        found.append(Signed(payload=layer.digest, size=layer.size, signature=signature))
    if not found:
        raise Invalid("what is there holds no signature of cosign's")
    return tuple(one for one in found[:MOST] if one.size <= LARGEST)


def keys(data: bytes, name: str) -> tuple[PublicKeyTypes, ...]:
    """Read public keys in PEM, one after another. Raises HostFault where there is none."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec, rsa
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise HostFault(
            "podpy was installed without what checks signatures",
            hint="pip install 'podpy-gitops[sops]', in podpy's own environment",
        ) from error
    blocks = [block + _END for block in data.split(_END)[:-1]]
    try:
        found = tuple(load_pem_public_key(block.lstrip()) for block in blocks)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise HostFault(f"{name} holds what is no public key") from error
    if not found or not all(
        isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) for key in found
    ):
        raise HostFault(f"{name} must hold public keys of ECDSA or RSA, in PEM")
    return found


def is_signed(
    digest: str, payload: bytes, signature: bytes, trusted: Sequence[PublicKeyTypes]
) -> bool:
    """Tell whether one of the keys has signed this payload, and whether that is of the digest."""
    return _names(payload) == digest and any(_verifies(key, payload, signature) for key in trusted)


def _names(payload: bytes) -> str:
    """The digest that was signed; "" where it cannot be told."""
    try:
        found = json.loads(payload)["critical"]["image"]["docker-manifest-digest"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def _verifies(key: PublicKeyTypes, payload: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, payload, ec.ECDSA(SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, payload, padding.PKCS1v15(), SHA256())
        else:
            return False
    except InvalidSignature:
        return False
    return True
