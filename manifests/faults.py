"""The errors that podpy raises on purpose: whose fault, and will retrying help?

    Fault               what failed, why, and (hint) what to do next; the command line prints it
    +-- Invalid         the user's input is wrong: nothing changes until the input does
    +-- HostFault       this host lacks something or refuses: nothing changes until the host does
    +-- Retry           something outside failed that may work later (a registry, a lock, a peer)
        +-- TimedOut    a step's deadline passed

Any other exception is a bug of podpy's and is shown with its traceback.
"""

from __future__ import annotations


class Fault(Exception):
    """`message` names the object, what failed and why; `hint` says what to do about it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} (hint: {self.hint})" if self.hint else self.message


class Invalid(Fault):
    """The user's manifest, flag or setting is wrong."""


class HostFault(Fault):
    """The host lacks a tool, a kernel feature or a permission, or refuses a system call."""


class Retry(Fault):
    """A transient failure: the next pass may succeed."""


class TimedOut(Retry):
    """A step did not end before its deadline; the message names the step."""
