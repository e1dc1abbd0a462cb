"""Send the notices that wait, in threads of their own: no pass waits for a receiver, or fails.

What waits is in the database until it has arrived: an agent that starts anew goes on where the last
one was, and sends nothing twice but what it was killed with between sending and noting it.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
import urllib.parse

from manifests.faults import Fault, HostFault, Retry
from manifests.ref import Ref
from reconciler.notify import notice as notices
from reconciler.notify import requests
from reconciler.state import events
from reconciler.state import notices as kept
from reconciler.state.events import Event, EventType
from runtime import locks, secret_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from manifests.sync import Receiver, Sync
    from reconciler.notify.notice import Mailbox, Mailboxes, Notice
    from reconciler.notify.requests import Request
    from reconciler.state.database import Database
    from runtime.paths import Paths

SECONDS = 10.0
"""How long one receiver may take for one notice."""
CLOSING_SECONDS = 2.0
"""How long a command that has said all it has to say waits for receivers."""
_LARGEST_SECRET = 64 << 10
_LATER = (408, 425, 429)
"""What a server says to who is to come again; so are those from 500 on."""


class RefusedError(HostFault):
    """The receiver does not want it, and will not."""


class Notifier:
    """One Sync's receivers. `tell` queues a notice and has it sent; `close` waits for that."""

    def __init__(self, paths: Paths, database: Database, sync: Sync) -> None:
        self._paths, self._database, self._sync = paths, database, sync
        self._name = sync.metadata.name
        self._threads: list[threading.Thread] = []
        self._under_way: dict[str, Notice] = {}

    def tell(self, notice: Notice | None) -> None:
        """Queue a notice, where it is news, and send whatever is due."""
        try:
            after = self._queued(notice)
        except Retry as fault:  # A pass does not fail by what it has to tell.
            self._record(f"a notice was lost: {fault}")
            return
        if any(_due(box, time.time()) for box in after.boxes):
            thread = threading.Thread(target=self._send, name=f"notices of {self._name}")
            thread.daemon = True
            self._threads.append(thread)
            thread.start()

    def _queued(self, notice: Notice | None) -> Mailboxes:
        with self._held():
            before = kept.read(self._database, self._name)
            if notice is None:
                return before
            after = notices.queued(before, self._sync.spec.notify, notice)
            if after != before:
                kept.save(self._database, self._name, after)
        return after

    def close(self) -> None:
        """Wait a moment for what is being sent. What is not answered by then stays in the database,
        as if it had failed: a receiver that is away holds up nobody again and again."""
        deadline = time.monotonic() + CLOSING_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for name, notice in list(self._under_way.items()):
            try:
                self._note(name, notice, f"has not answered within {CLOSING_SECONDS:g} s")
            except Retry as fault:
                self._record(f"{name}: {fault}")

    def _held(self) -> AbstractContextManager[None]:
        return locks.held(self._paths, [f"the notices of Sync/{self._name}"])

    def _send(self) -> None:
        """In a thread: send what is due, one sender at a time."""
        try:
            patience = SECONDS * (len(self._sync.spec.notify) + 1)
            turn = f"sending for Sync/{self._name}"
            with locks.held(self._paths, [turn], timeout=patience):
                for receiver in self._sync.spec.notify:
                    while self._sent_one(receiver):
                        pass
        except Fault as fault:
            self._record(f"notices could not be sent: {fault}")

    def _sent_one(self, receiver: Receiver) -> bool:
        """Send a receiver's first notice, if it is due; tell whether there may be another."""
        name = notices.receiver_name(receiver)
        box = kept.read(self._database, self._name).of(name)
        if not _due(box, time.time()):
            return False
        notice = box.waiting[0]
        self._under_way[name] = notice
        trouble, for_good = "", False
        try:
            deliver(notice, receiver)
        except RefusedError as fault:
            trouble, for_good = fault.message, True
        except Fault as fault:
            trouble = fault.message
        self._note(name, notice, trouble, for_good=for_good)
        del self._under_way[name]
        return not trouble or for_good

    def _note(self, name: str, notice: Notice, trouble: str, *, for_good: bool = False) -> None:
        """Remember what came of an attempt to send a notice: it has arrived, or `trouble`."""
        with self._held():
            boxes = kept.read(self._database, self._name)
            box = boxes.of(name)
            if trouble and not box.waiting:
                return  # It has just arrived all the same.
            if trouble:
                box = notices.failed(box, notice, trouble, time.time(), for_good=for_good)
            else:
                box = notices.sent(box, notice)
            kept.save(self._database, self._name, boxes.put(box))
        if trouble:
            self._record(f"{name}: {trouble}")

    def _record(self, message: str) -> None:
        event = Event(
            ref=Ref(kind="Sync", name=self._name, namespace=""),
            reason="NotificationFailed",
            message=message,
            type=EventType.WARNING,
        )
        events.record(self._database, [event], time.time())


def _due(box: Mailbox, now: float) -> bool:
    return bool(box.waiting) and box.next_at <= now


def deliver(notice: Notice, receiver: Receiver) -> None:
    """Send one notice. Raises Retry where time may help, HostFault for the host's own files,
    RefusedError where the receiver does not take it."""
    if receiver.apprise is not None:
        from reconciler.notify import through_apprise

        through_apprise.deliver(notice, receiver.apprise.url_file, SECONDS)
        return
    status, hook = receiver.commit_status, receiver.webhook
    secret_file = status.token_file if status else hook.secret_file if hook else ""
    ca_file = status.ca_file if status else hook.ca_file if hook else ""
    request = requests.worded(notice, receiver, secret_files.read(secret_file, _LARGEST_SECRET))
    answer = _posted(request, ca_file)
    if 200 <= answer < 300:
        return
    said = f"{_shown(request)} says {answer} {http.client.responses.get(answer, '')}".rstrip()
    if answer in _LATER or answer >= 500:
        raise Retry(said)
    raise RefusedError(said)


def _shown(request: Request) -> str:
    """A url as messages have it: what follows the host may be a secret of the user's."""
    return "/".join(request.url.split("/")[:3])


def _posted(request: Request, ca_file: str) -> int:
    """Return the status of the answer; whatever it holds is not read. No redirect is followed: the
    token is for this host."""
    connection = _connection(request, ca_file)
    timer = threading.Timer(SECONDS, _cut, [connection])
    timer.daemon = True
    timer.start()
    place = urllib.parse.urlsplit(request.url)
    target = (place.path or "/") + (f"?{place.query}" if place.query else "")
    try:
        connection.request("POST", target, request.body, request.headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Retry(f"{_shown(request)} cannot be reached: {reason}") from error
    finally:
        timer.cancel()
        connection.close()


def _connection(request: Request, ca_file: str) -> http.client.HTTPConnection:
    place = urllib.parse.urlsplit(request.url)
    host = place.hostname or ""
    if place.scheme == "http":
        return http.client.HTTPConnection(host, place.port, timeout=SECONDS)
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise HostFault(f"{ca_file} cannot be used: {error.strerror or error}") from error
    return http.client.HTTPSConnection(host, place.port, timeout=SECONDS, context=context)


def _cut(connection: http.client.HTTPConnection) -> None:
    """End a connection that sends its answer bit by bit."""
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # It has just ended.
