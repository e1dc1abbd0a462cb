"""Judge a webhook's request: headers, body and secret in, whether the sender knew the secret out.

Pure. Which header holds what is from the forges' own documents: GitHub "Validating webhook
deliveries", GitLab "Webhooks: secret token", Gitea "Webhooks"; the others sign as Standard
Webhooks (standardwebhooks.com) or with an HMAC of the body in X-Signature, as Flux's generic-hmac.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from manifests.strenum import StrEnum
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TOLERANCE_SECONDS = 300.0
"""How old a request with a signed time may be, and how far ahead its clock."""

_GENERIC = "x-signature"
_HEX_HEADERS = (
    "x-hub-signature-256",
    "x-gitea-signature",
    "x-forgejo-signature",
    _GENERIC,
)


class Verdict(StrEnum):
    GOOD = "good"
    UNSIGNED = "the request is not signed"
    WRONG = "the signature is not that of the secret"
    STALE = "the request's time is not now"


class Judgement(Value):
    """`mark` is the same for the same request sent again, and tells nothing of the secret.

    `constant`: nothing that is signed need differ between two events, as where a script of the
    user's own sends the same body each time.
    """

    verdict: Verdict
    mark: str = ""
    constant: bool = False


def judge(headers: Mapping[str, str], body: bytes, secret: bytes, now: float) -> Judgement:
    """Judge a request. `headers` have names in lower case; `now` is seconds since the epoch."""
    for signed, check in _CHECKS.items():
        if signed in headers:
            verdict = check(headers, body, secret, now)
            mark = _mark(headers, body)
            return Judgement(verdict=verdict, mark=mark, constant=signed == _GENERIC)
    return Judgement(verdict=Verdict.UNSIGNED)


def _mark(headers: Mapping[str, str], body: bytes) -> str:
    """What is signed tells a request from another: names of deliveries, which are not, may vary."""
    signed = headers.get("webhook-id", "") + headers.get("webhook-timestamp", "")
    return hashlib.sha256(signed.encode() + b"\0" + body).hexdigest()


def _hex(headers: Mapping[str, str], body: bytes, secret: bytes, _now: float) -> Verdict:
    """A hexadecimal HMAC-SHA256 of the body, with or without its name before it."""
    expected = hmac.new(secret, body, hashlib.sha256).hexdigest()
    given = [headers[name].rpartition("=")[2].lower() for name in _HEX_HEADERS if name in headers]
    return _same(all(hmac.compare_digest(one.encode(), expected.encode()) for one in given))


def _token(headers: Mapping[str, str], _body: bytes, secret: bytes, _now: float) -> Verdict:
    """GitLab's: the secret itself."""
    return _same(hmac.compare_digest(headers["x-gitlab-token"].encode(), secret))


def _standard(headers: Mapping[str, str], body: bytes, secret: bytes, now: float) -> Verdict:
    """Standard Webhooks': an HMAC of id, time and body; several signatures are several keys'."""
    moment = headers.get("webhook-timestamp", "")
    if not moment.isdigit() or abs(now - int(moment)) > TOLERANCE_SECONDS:
        return Verdict.STALE
    signed = f"{headers.get('webhook-id', '')}.{moment}.".encode() + body
    digest = hmac.new(_standard_key(secret), signed, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(digest)
    given = headers["webhook-signature"].encode().split(b" ")
    return _same(any(hmac.compare_digest(one, expected) for one in given))


def _standard_key(secret: bytes) -> bytes:
    """The key that a secret such as whsec_BASE64 stands for; any other is the key itself."""
    encoded = secret.removeprefix(b"whsec_")
    if encoded == secret:
        return secret
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return secret


def _same(equal: bool) -> Verdict:
    return Verdict.GOOD if equal else Verdict.WRONG


_CHECKS: dict[str, Callable[[Mapping[str, str], bytes, bytes, float], Verdict]] = {
    **dict.fromkeys(_HEX_HEADERS, _hex),
    "webhook-signature": _standard,
    "x-gitlab-token": _token,
}
