"""reconciler.agent.signatures: who knows the secret, and who only says so."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from reconciler.agent import signatures
from reconciler.agent.signatures import Verdict

SECRET = b"It's a Secret to Everybody"
BODY = b"Hello, World!"
# The pair that GitHub's document on validating deliveries gives to check against.
GITHUB = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
NOW = 1769860800


def standard(body: bytes = BODY, at: int = NOW, key: bytes = SECRET, name: str = "m1") -> str:
    signed = f"{name}.{at}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(signature: str, at: int = NOW, name: str = "m1") -> dict[str, str]:
    return {"webhook-id": name, "webhook-timestamp": str(at), "webhook-signature": signature}


@pytest.mark.parametrize(
    "given",
    [
        {"x-hub-signature-256": f"sha256={GITHUB}"},
        {"x-hub-signature-256": f"sha256={GITHUB.upper()}"},
        {"x-gitea-signature": GITHUB},
        {"x-gitea-signature": GITHUB, "x-forgejo-signature": GITHUB},
        {"x-signature": f"sha256={GITHUB}"},
        {"x-gitlab-token": SECRET.decode()},
        headers(standard()),
        headers(f"v1,AAAA {standard()}"),
        headers(standard(at=NOW - 299), at=NOW - 299),
    ],
)
def test_whoever_signs_with_the_secret_is_heard(given: dict[str, str]) -> None:
    assert signatures.judge(given, BODY, SECRET, NOW).verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, Verdict.UNSIGNED),
        ({"x-github-delivery": "1"}, Verdict.UNSIGNED),
        ({"x-hub-signature": "sha1=" + "0" * 40}, Verdict.UNSIGNED),
        ({"x-hub-signature-256": ""}, Verdict.WRONG),
        ({"x-hub-signature-256": "sha256="}, Verdict.WRONG),
        ({"x-hub-signature-256": f"sha256={GITHUB[:-1]}8"}, Verdict.WRONG),
        ({"x-hub-signature-256": "sha256=\xff"}, Verdict.WRONG),
        ({"x-gitea-signature": GITHUB, "x-forgejo-signature": "0" * 64}, Verdict.WRONG),
        ({"x-gitlab-token": ""}, Verdict.WRONG),
        ({"x-gitlab-token": "It's"}, Verdict.WRONG),
        (headers(standard(key=b"other")), Verdict.WRONG),
        (headers(standard(name="m2")), Verdict.WRONG),
        (headers(standard(at=NOW - 301), at=NOW - 301), Verdict.STALE),
        (headers(standard(at=NOW + 301), at=NOW + 301), Verdict.STALE),
        ({"webhook-signature": standard()}, Verdict.STALE),
    ],
)
def test_whoever_does_not_is_refused(given: dict[str, str], verdict: Verdict) -> None:
    assert signatures.judge(given, BODY, SECRET, NOW).verdict is verdict


def test_a_standard_secret_is_the_bytes_that_it_encodes() -> None:
    secret = b"whsec_" + base64.b64encode(b"key")

    judged = signatures.judge(headers(standard(key=b"key")), BODY, secret, NOW)

    assert judged.verdict is Verdict.GOOD


def test_the_same_request_has_the_same_mark_whatever_its_delivery_is_called() -> None:
    first = {"x-hub-signature-256": GITHUB, "x-github-delivery": "1"}
    again = {**first, "x-github-delivery": "2"}

    marks = {signatures.judge(one, BODY, SECRET, NOW).mark for one in (first, again)}

    assert len(marks) == 1
    assert not signatures.judge(first, BODY, SECRET, NOW).constant
    assert signatures.judge({"x-signature": GITHUB}, BODY, SECRET, NOW).constant
    assert signatures.judge(first, b"other", SECRET, NOW).mark not in marks
