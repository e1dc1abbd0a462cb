"""Tell people through Apprise, which knows chats, mail and pagers: a notice in, sent out.

Called by reconciler.notify.sending for receivers that name a file with one of Apprise's URLs. A
process of its own sends (reconciler.notify.apprise_child): it can be ended at a deadline, and what
it imports stays out of the agent. The URL holds the secrets of the service: it goes through a pipe,
and is in no message.
"""

from __future__ import annotations

import json
import sys

from manifests.faults import HostFault, Retry, TimedOut
from reconciler.notify import apprise_child
from reconciler.notify.apprise_child import End
from runtime import proc, secret_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reconciler.notify.notice import Notice

_LARGEST_FILE = 64 << 10
_SHORT = 12


def deliver(notice: Notice, url_file: str, seconds: float) -> None:
    """Send one notice, in so many seconds at most. Raises Retry where time may help, HostFault for
    what is wrong with the file, or where Apprise is not installed."""
    letter = {
        "url": _url(url_file),
        "title": f"{notice.sync} on {notice.host}: {notice.reason}",
        "body": f"{notice.commit[:_SHORT]} {notice.message}".strip(),
        "type": apprise_child.TYPES[notice.state],
    }
    try:
        done = proc.run(*_words(), stdin=json.dumps(letter).encode(), timeout=seconds)
    except TimedOut as fault:
        raise Retry(f"{url_file}: no answer within {seconds:g} s") from fault
    match done.status:
        case End.SENT:
            return
        case End.NOT_INSTALLED:
            hint = "the extra podpy[apprise], or: pip install apprise"
            raise HostFault("Apprise is not installed", hint=hint)
        case End.UNKNOWN:
            raise HostFault(f"{url_file} holds no URL that Apprise knows")
        case End.FAILED:
            raise Retry(f"the receiver in {url_file} could not be told")
        case _:
            raise Retry(f"Apprise has failed at {url_file}: its process ended with {done.status}")


def _words() -> tuple[str, ...]:
    """The command: an ordinary interpreter, as Apprise's modules need their docstrings."""
    places = [place for place in sys.path if place]
    code = (
        f"import sys; sys.path[:] = {places!r}; "
        "from reconciler.notify import apprise_child; apprise_child.main()"
    )
    return (*proc.ending_with_podpy(), sys.executable, "-I", "-S", "-c", code)


def _url(path: str) -> str:
    lines = secret_files.read(path, _LARGEST_FILE).decode(errors="replace").splitlines()
    urls = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if len(urls) != 1:
        # With several, whoever was reached would be told again for the sake of who was not.
        raise HostFault(
            f"{path} must hold one URL, and holds {len(urls)}",
            hint="a file, and an entry below notify, for each receiver",
        )
    return urls[0]
