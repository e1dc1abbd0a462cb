"""The agent's loop: sleep until there is a reason, then have the passes done that it calls for.

    a Sync's interval      that Sync
    files of a directory   the Syncs of that directory; of syncs.d, all
    podpy.toml             all: the host's labels say what is for this host
    links, rules, mounts   whatever drifted, of all that is remembered
    an end of a conmon     the same
    SIGHUP                 all Syncs
    a signed webhook       the Sync that it names
    a CronJob's schedule   its Job is started

A pass runs in a thread of its own, one at a time for each Sync: a remote that hangs keeps no other
Sync waiting. Without a reason nothing runs.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time

from manifests import durations
from reconciler.agent import service
from reconciler.agent.directories import Directories
from reconciler.agent.wakes import DRIFT, Wakes
from reconciler.syncs import overtaking
from runtime import interrupts
from runtime.observe.watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from manifests.sync import Sync
    from reconciler.agent.probing import Probing
    from reconciler.agent.wakes import Mended
    from reconciler.agent.webhooks import Webhooks
    from runtime.paths import Paths

DECLARATIONS = "the files of Syncs"
SETTINGS = "the settings"
"""What the directories of the administrator's Syncs and of podpy.toml are watched under. No Sync
has such a name."""
SCHEDULES = "the schedules of CronJobs"
"""What is due when a CronJob is, and when podpy has noted that a schedule has changed."""
MEND_SECONDS = 600.0
"""How often what drifted is looked for without a sign of it; sooner where mending failed."""
SHORTEST_REST, LONGEST_REST = 0.3, 60.0
"""Seconds between passes that mend: the longer the more of them have failed in a row."""
JITTER = 0.1
"""By how much an interval varies, so that many hosts do not ask one forge at the same moment."""


class Work:
    """What the loop has done: `follow` a Sync and `mend` drift, and which Syncs there are.

    `follow` returns the names of the Syncs that are to be looked at now because of this one, `mend`
    what it came to. `schedules` starts what is due of CronJobs, and returns when more is, on the
    clock of the wall. `probing` runs the probes of pods meanwhile.
    """

    def __init__(
        self,
        syncs: Callable[[], tuple[Sync, ...]],
        follow: Callable[[str], tuple[str, ...]],
        mend: Callable[[], Mended],
        say: Callable[[str], None],
        probing: Probing | None = None,
        schedules: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.syncs, self.follow, self.mend, self.say = syncs, follow, mend, say
        self.schedules = schedules
        self.probing = probing


class Loop:
    """One agent. `run` returns when a signal asks for it."""

    def __init__(self, paths: Paths, work: Work, listen: tuple[str, int] | None = None) -> None:
        self._paths = paths
        self._work = work
        self._wakes = Wakes()
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Thread] = {}
        self._syncs: dict[str, Sync] = {}
        self._settings = b""
        self._ended: list[tuple[str, ...]] = []
        self._failures = 0
        self._next_job: float | None = None
        self._asked = False
        self._listen = listen
        self._bell_in, self._bell_out = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def run(self) -> None:
        """Watch, and have passes done, until SIGTERM or SIGINT; passes under way end first."""
        os.makedirs(self._paths.syncs, mode=0o755, exist_ok=True)
        os.makedirs(self._paths.schedules, mode=0o700, exist_ok=True)
        self._directories = Directories(self._changed, self._work.say)
        self._watch = Watch(self._paths, self._bell_in)
        hooks = self._listening()
        before = signal.signal(signal.SIGHUP, self._hung_up)
        if self._work.probing is not None:
            self._work.probing.start()
        try:
            with interrupts.noticed():
                wakeup = signal.set_wakeup_fd(self._bell_out, warn_on_full_buffer=False)
                try:
                    self._loop()
                finally:
                    signal.set_wakeup_fd(wakeup)
        finally:
            service.tell("STOPPING=1")
            for thread in list(self._busy.values()):
                thread.join()
            if self._work.probing is not None:
                self._work.probing.close()
            signal.signal(signal.SIGHUP, before)
            if hooks is not None:
                hooks.close()
            self._directories.close()
            self._watch.close()
            os.close(self._bell_in)
            os.close(self._bell_out)

    def _listening(self) -> Webhooks | None:
        if self._listen is None:
            return None
        from reconciler.agent.marks import Marks
        from reconciler.agent.webhooks import Webhooks

        marks = Marks(f"{self._paths.run_dir}/webhooks")
        hooks = Webhooks(self._listen, self._secret_file, self._called, self._work.say, marks)
        hooks.start()
        return hooks

    def _secret_file(self, name: str) -> str:
        """Return the file with the secret that requests about a Sync are signed with."""
        sync = self._syncs.get(name)
        return sync.spec.webhook.secret_file if sync is not None and sync.spec.webhook else ""

    def _loop(self) -> None:
        self._settings = _content(self._paths.settings)
        self._declare()
        for name in (DRIFT, SCHEDULES):
            self._wakes.at(name, time.monotonic())
        ping = service.watchdog_seconds()
        service.tell("READY=1")
        while not interrupts.noted():
            self._start_due()
            self._wait(ping)
            if ping:
                service.tell("WATCHDOG=1")

    def _declare(self) -> None:
        """Read which Syncs there are; those that are new or changed are due now."""
        found = {one.metadata.name: one for one in self._work.syncs()}
        now = time.monotonic()
        for name, sync in found.items():
            if self._syncs.get(name) != sync:
                self._wakes.at(name, now)
        for name in self._syncs.keys() - found.keys():
            self._wakes.forget(name)
        self._syncs = found
        self._watch_directories()

    def _watch_directories(self) -> None:
        above = os.path.dirname(self._paths.settings)
        wanted = {
            DECLARATIONS: self._paths.syncs,
            SETTINGS: above,
            SCHEDULES: self._paths.schedules,
        }
        for name, sync in self._syncs.items():
            if sync.spec.source.directory is not None:
                wanted[name] = sync.spec.source.directory.path
        self._directories.watch(wanted)

    def _start_due(self) -> None:
        """Begin what is due, each in a thread of its own."""
        now = time.monotonic()
        with self._lock:
            due = self._wakes.take(now, frozenset(self._busy))
        if DECLARATIONS in due or (SETTINGS in due and self._settings_changed()):
            self._declare()
            due = (*due, *self._syncs)
        for name in dict.fromkeys(due):
            if name in self._busy or name not in (DRIFT, SCHEDULES, *self._syncs):
                continue
            thread = threading.Thread(target=self._work_on, args=(name,), name=name or "drift")
            self._busy[name] = thread
            thread.start()

    def _settings_changed(self) -> bool:
        """Tell whether podpy.toml is otherwise than before: there is more in its directory."""
        before, self._settings = self._settings, _content(self._paths.settings)
        return self._settings != before

    def _work_on(self, name: str) -> None:
        """In a thread: do the pass, and ring when it is over."""
        more: tuple[str, ...] = ()
        try:
            if name == DRIFT:
                self._failures = self._work.mend().failures(self._failures)
            elif name == SCHEDULES:
                self._next_job = self._work.schedules()
            else:
                more = self._work.follow(name)
        finally:
            with self._lock:
                self._ended.append((name, *more))
            self._ring()

    def _wait(self, ping: float | None) -> None:
        """Sleep until something happens or is due, and take notice of what has happened."""
        with self._lock:
            due = self._wakes.next(frozenset(self._busy))
        left = None if due is None else max(0.0, due - time.monotonic())
        if ping is not None:
            left = ping if left is None else min(left, ping)
        concerned = self._watch.wait(left)
        _drain(self._bell_in)
        if self._work.probing is not None:
            self._work.probing.wake()
        now = time.monotonic()
        with self._lock:
            if concerned:
                self._wakes.soon(DRIFT, now)
            if self._asked:
                self._asked = False
                self._wakes.soon(DECLARATIONS, now)
        self._settle(now)

    def _settle(self, now: float) -> None:
        """Take the passes that are over off the list, and say when each is due again."""
        with self._lock:
            ended, self._ended = self._ended, []
        for name, *more in ended:
            self._busy.pop(name).join()
            self._watch.refresh()
            if name == SCHEDULES:
                self._await_job(now)
                continue
            with self._lock:
                if name == DRIFT:
                    self._wakes.not_before(DRIFT, now + self._rest())
                    # The clock of the wall may have been set since the next time was reckoned.
                    self._wakes.at(SCHEDULES, now)
                self._wakes.at(name, now + self._pause(name))
                for other in more:
                    self._wakes.at(other, now)
        if any(name not in (DRIFT, SCHEDULES) for name, *_ in ended):
            self._declare()  # A Sync may have brought others, or taken some away.

    def _await_job(self, now: float) -> None:
        """Sleep until a CronJob is due, if there is one."""
        if self._next_job is None:
            return
        with self._lock:
            self._wakes.at(SCHEDULES, now + max(self._next_job - time.time(), SHORTEST_REST))

    def _pause(self, name: str) -> float:
        if name not in self._syncs:
            return self._rest() if self._failures else MEND_SECONDS
        interval = durations.duration(self._syncs[name].spec.interval)
        return interval * (1 + JITTER * (2 * random.random() - 1))  # noqa: S311 (no secret)

    def _rest(self) -> float:
        """How long drift may wait after a pass that mends: what it did itself calls for another."""
        return min(LONGEST_REST, SHORTEST_REST * float(2**self._failures))

    def _hung_up(self, *_: object) -> None:
        """SIGHUP's handler: it may have come upon this thread while that holds the lock."""
        self._asked = True
        self._ring()

    def _called(self, name: str, seconds: float) -> None:
        """In any thread: a webhook wants the source of `name` to be asked, in so many seconds."""
        if not seconds:
            self._changed(name)
            return
        with self._lock:
            self._wakes.at(name, time.monotonic() + seconds)
        self._ring()

    def _changed(self, name: str) -> None:
        """In any thread: something is different about `name`; a pass under way is to look, too."""
        if name in self._syncs:
            overtaking.ask(self._paths, name)
        with self._lock:
            self._wakes.soon(name, time.monotonic())
        self._ring()

    def _ring(self) -> None:
        try:
            os.write(self._bell_out, b"!")
        except BlockingIOError:
            return  # It rings already.


def _content(path: str) -> bytes:
    """Return what a file holds; of one that cannot be read, as passes will tell, nothing."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 4096):
            pass
    except BlockingIOError:
        return
