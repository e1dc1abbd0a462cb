"""The text of podpy's AppArmor profile. tests/vmhost loads it into a kernel."""

from __future__ import annotations

import hashlib

from renderers import apparmor


def test_another_text_has_another_name() -> None:
    digest = hashlib.sha256(apparmor.render(abi=False).encode()).hexdigest()

    # What runs on a host is never read back: with the text, NAME's number must change.
    assert (apparmor.NAME, digest[:16]) == ("podpy-default-1", "ef517ef648b0f2e6")


def test_the_version_of_the_rules_is_named_where_the_parser_knows_it() -> None:
    text = apparmor.render(abi=False)

    assert apparmor.render(abi=True) == f"abi <abi/3.0>,\n\n{text}"
    assert text.startswith(f"profile {apparmor.NAME} ")
