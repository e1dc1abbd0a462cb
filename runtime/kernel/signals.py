"""The numbers of signals and what is done with them, without the enums that `signal` makes of them.

Those take enum with it, two milliseconds of every command. Names of signals are `signal`'s own.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from signal import (
        SIG_DFL,
        SIG_IGN,
        SIGCHLD,
        SIGHUP,
        SIGINT,
        SIGKILL,
        SIGPIPE,
        SIGTERM,
        getsignal,
        pidfd_send_signal,
        set_wakeup_fd,
        signal,
    )
else:
    from _signal import (
        SIG_DFL,
        SIG_IGN,
        SIGCHLD,
        SIGHUP,
        SIGINT,
        SIGKILL,
        SIGPIPE,
        SIGTERM,
        getsignal,
        pidfd_send_signal,
        set_wakeup_fd,
        signal,
    )

__all__ = [
    "SIGCHLD",
    "SIGHUP",
    "SIGINT",
    "SIGKILL",
    "SIGPIPE",
    "SIGTERM",
    "SIG_DFL",
    "SIG_IGN",
    "getsignal",
    "pidfd_send_signal",
    "set_wakeup_fd",
    "signal",
]
