"""Tell systemd how the agent is: sd_notify(3)'s protocol, a datagram to $NOTIFY_SOCKET."""

from __future__ import annotations

import os
import socket


def tell(*words: str) -> None:
    """Send words such as READY=1; nothing happens where nobody wants to know."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = f"\0{address[1:]}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as opened:
        opened.sendto("\n".join(words).encode(), address)


def watchdog_seconds() -> float | None:
    """Return how often systemd wants to hear WATCHDOG=1; None where it does not.

    Half of the time after which it would act, as sd_watchdog_enabled(3) advises.
    """
    span = os.environ.get("WATCHDOG_USEC", "")
    mine = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(span) / 2_000_000 if span.isdigit() and int(span) and mine else None
