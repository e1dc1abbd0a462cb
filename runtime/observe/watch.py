"""Hear that something of podpy's on this host is not as it was: links, rules, mounts, conmons.

What it is, a pass finds out. What a pass does itself is heard, too, and costs another look.
"""

from __future__ import annotations

import os
import select

from runtime.kernel import processes
from runtime.net.changes import Changes
from runtime.observe import records
from runtime.oci import container as oci
from runtime.oci.container import Container

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.paths import Paths


class Watch:
    """What to wait for, and what it means. `bell` is a descriptor that others ring.

    `refresh` after pods came or went.
    """

    def __init__(self, paths: Paths, bell: int) -> None:
        self._paths = paths
        self._changes = Changes(paths.instance)
        self._mounts = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._mounted = self._read_mounts()
        self._epoll = select.epoll()
        for descriptor in (bell, *self._changes.descriptors()):
            self._epoll.register(descriptor, select.EPOLLIN)
        # Each change of mounts is told once, as an exception, to whoever asks first: an epoll
        # around this one would be the one that hears of it.
        self._epoll.register(self._mounts, select.EPOLLPRI | select.EPOLLERR | select.EPOLLET)
        self._conmons: dict[tuple[str, str], tuple[int, int]] = {}
        self.refresh()

    def wait(self, seconds: float | None) -> bool:
        """Sleep until something is told, the bell rings or `seconds` (None: for ever) are over.

        Tells whether what was told is about something of podpy's.
        """
        told = [descriptor for descriptor, _ in self._epoll.poll(seconds)]
        concerned = self._changes.heard()
        if self._mounts in told:
            mounted = self._read_mounts()
            concerned = concerned or bool(self._mounted - mounted)
            self._mounted = mounted
        for _, pidfd in list(self._conmons.values()):
            if pidfd in told:
                self._forget(pidfd)
                concerned = True
        return concerned

    def refresh(self) -> None:
        """Watch the conmons and links that there are now."""
        self._changes.refresh()
        found: dict[tuple[str, str], int] = {}
        for record in records.read_pods(self._paths):
            spec = record.pod.spec
            for one in (*spec.init_containers, *spec.containers):
                pid = oci.conmon_pid(Container.of(self._paths, record.uid, one.name))
                if pid is not None:
                    found[record.uid, one.name] = pid
        for key, (pid, descriptor) in list(self._conmons.items()):
            if found.get(key) != pid:
                self._forget(descriptor)
        for key in found.keys() - self._conmons.keys():
            pidfd = processes.opened(found[key])
            if pidfd is not None:
                self._conmons[key] = found[key], pidfd
                self._epoll.register(pidfd, select.EPOLLIN)
        self._mounted = self._read_mounts()

    def _forget(self, descriptor: int) -> None:
        for key, (_, other) in list(self._conmons.items()):
            if other == descriptor:
                del self._conmons[key]
        self._epoll.unregister(descriptor)
        os.close(descriptor)

    def _read_mounts(self) -> frozenset[bytes]:
        """Where podpy's mounts are, of those of the host."""
        with open("/proc/self/mountinfo", "rb") as file:
            targets = (line.split(b" ", 5)[4] for line in file)
            run_dir = self._paths.run_dir.encode()
            return frozenset(target for target in targets if target.startswith(run_dir))

    def close(self) -> None:
        for _, descriptor in self._conmons.values():
            os.close(descriptor)
        self._epoll.close()
        os.close(self._mounts)
        self._changes.close()
