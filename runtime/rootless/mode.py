"""Whether this process is root in namespaces of a user's, and whose; False and None for root's own.

runtime.rootless.entering says so in the environment, which conmon hands on to what it starts. What
is otherwise there is told apart here, for the few places where the kernel makes a difference.
"""

from __future__ import annotations

import os

VARIABLE = "PODPY_ROOTLESS"
FIRST_PORT = "PODPY_FIRST_PORT"
_DELEGATED = "delegated"
_PRIVILEGED = 1024
_UID_MAP = "/proc/self/uid_map"


def user() -> int | None:
    """Return the number of the user outside whose namespaces these are; None in those of root.

    The variable alone proves nothing: it may have come along with `sudo -E`.
    """
    word = os.environ.get(VARIABLE, "").partition(" ")[0]
    if not word.isdigit():
        return None
    with open(_UID_MAP, encoding="ascii") as file:
        first = file.readline().split()
    return int(word) if first[:2] == ["0", word] else None


def active() -> bool:
    """Say whether podpy works for an ordinary user."""
    return user() is not None


def without_cgroups() -> bool:
    """Say whether the user has been given no part of the control groups."""
    return active() and _DELEGATED not in os.environ[VARIABLE]


def first_port() -> int:
    """Return the lowest port that the user may listen on outside."""
    word = os.environ.get(FIRST_PORT, "")
    return int(word) if word.isdigit() else _PRIVILEGED


def name(uid: int, *, delegated: bool) -> str:
    """Return what VARIABLE says in namespaces of the user `uid`."""
    return f"{uid} {_DELEGATED}" if delegated else str(uid)
