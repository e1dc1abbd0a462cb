"""The errors that podpy raises on purpose: whose fault, and will retrying help?

    Fault               what failed, why, and (hint) what to do next; the command line prints it
    +-- Invalid         the user's input is wrong: nothing changes until the input does
    +-- HostFault       this host lacks something or refuses: nothing changes until the host does
        +-- Unfit       that was found out before anything was changed
    +-- Retry           something outside failed that may work later (a registry, a lock, a peer)
        +-- TimedOut    a step's deadline passed
            +-- NotReady    the pod is there and goes on trying

Any other exception is a bug of podpy's and is shown with its traceback.
"""

from __future__ import annotations

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Fault(Exception):
    """`message` names the object, what failed and why; `hint` says what to do about it.

    `reason` is the word that Kubernetes has for it, "" where it has none. `container` and `image`
    are set where one container of a pod, or all that run one image, are to blame.
    """

    container = ""
    image = ""

    def __init__(self, message: str, *, hint: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.message} (hint: {self.hint})" if self.hint else self.message


class Invalid(Fault):
    """The user's manifest, flag or setting is wrong."""


class HostFault(Fault):
    """The host lacks a tool, a kernel feature or a permission, or refuses a system call."""


class Unfit(HostFault):
    """This host cannot make pods as it is now: every reason. Without `about` nothing was changed,
    with it this one object was not made."""

    REASON = "HostUnfit"

    def __init__(self, faults: Sequence[Fault], about: str = "") -> None:
        self.faults = tuple(faults)
        told = [str(fault) for fault in faults]
        self.words = "; ".join(told)
        if about:
            message = f"{about}: {self.words}"
        elif len(told) == 1:
            message = f"nothing was changed: {told[0]}"
        else:
            message = "\n  ".join(("nothing was changed, as this host is not fit for it:", *told))
        super().__init__(message, reason=self.REASON)


class Retry(Fault):
    """A transient failure: the next pass may succeed."""


class TimedOut(Retry):
    """A step did not end before its deadline; the message names the step."""


class NotReady(TimedOut):
    """The pod is there and goes on trying, but it does not run yet."""


_REFUSALS = {
    errno.ENOSPC: "free some of it: podpy image prune, or df to see what is full",
    errno.EDQUOT: "raise the quota, or free some space",
    errno.EROFS: "mount the file system writable: see dmesg for why it is not",
    errno.EIO: "the disk fails: see dmesg",
    errno.ENOMEM: "free some memory, or raise the limit that podpy runs under",
    errno.EMFILE: "raise the limit of open files: ulimit -n",
    errno.ENFILE: "raise the limit of open files: sysctl fs.file-max",
    errno.EACCES: "see podpy doctor, and dmesg for a security module that forbids it",
    errno.ENOTDIR: "a file stands where a directory should be: look at PODPY_ROOT",
    errno.EPERM: "see podpy doctor, and dmesg for a security module that forbids it",
}


def host_fault(about: str, error: OSError) -> HostFault:
    """Word what the host refused; an error that tells of a bug instead is raised again."""
    hint = _REFUSALS.get(error.errno or 0)
    if hint is None:
        raise error
    place = f": {error.filename}" if error.filename else ""
    words = (error.strerror or str(error)).lower()
    return HostFault(f"{about}: {words}{place}", hint=hint)
