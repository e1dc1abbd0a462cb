"""The process that tells one receiver through Apprise: a letter as JSON in, how it ended out.

Started by reconciler.notify.through_apprise, which kills it at its deadline. It prints nothing, as
what Apprise says may hold the URL: its exit status tells all.
"""

from __future__ import annotations

import json
import logging
import os
import sys

from reconciler.notify.notice import State

TYPES = {State.SUCCESS: "success", State.FAILURE: "failure", State.PENDING: "info"}
"""Apprise's words for how grave a notice is."""


class End:
    """What it ends with."""

    SENT = 0
    FAILED = 3
    UNKNOWN = 4
    NOT_INSTALLED = 5


def main() -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(quiet, descriptor)
    sys.exit(tell(json.load(sys.stdin)))


def tell(letter: dict[str, str]) -> int:
    """Send a letter: `url`, `title`, `body`, `type`; return how that ended."""
    try:
        import apprise
    except ImportError:
        return End.NOT_INSTALLED
    logging.getLogger("apprise").addHandler(logging.NullHandler())
    asset = apprise.AppriseAsset(app_id="podpy", app_desc="podpy", app_url="")
    teller = apprise.Apprise(asset=asset)
    if not teller.add(letter["url"]):
        return End.UNKNOWN
    kind = apprise.NotifyType(letter["type"])
    told = teller.notify(title=letter["title"], body=letter["body"], notify_type=kind)
    return End.SENT if told else End.FAILED
