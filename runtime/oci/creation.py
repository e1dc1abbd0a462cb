"""Create containers: an OCI configuration in, a container that waits to be started out.

    with creation.begin(...) as one, creation.begin(...) as other:
        one.finish(), other.finish()

The runtime waits for the kernel most of the time, so a pod's containers are created side by side:
`begin` writes the bundle and has conmon begin, `finish` waits for its answer. Both run inside the
pod's namespaces (inside.Inside.call).
"""

from __future__ import annotations

import os

from manifests.faults import Fault, HostFault
from manifests.value import Value
from runtime.kernel import cgroups
from runtime.oci import conmon, ending, filters
from runtime.oci import container as oci
from runtime.oci.container import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from runtime.oci.container import Container
    from runtime.oci.engine import Engine
    from runtime.oci.filters import Prepared

CREATE_SECONDS = 60.0


class Supervision(Value):
    """What conmon is to do for a container: see conmon.Launch for the fields."""

    log_path: str
    log_size_max: int = 0
    exit_command: tuple[str, ...] = ()
    terminal: bool = False
    stdin: bool = False
    conmon_cgroup: str = ""
    timeout: int = 0
    journal: bool = False
    sockets: int = 0


class Creating:
    """A container in the making. Leaving the `with` block before `finish` gives it up."""

    def __init__(
        self,
        container: Container,
        conmons: conmon.Creation,
        prepared: Prepared,
        seen: cgroups.View,
    ) -> None:
        self.container = container
        self._conmons = conmons
        self._prepared = prepared
        self._seen = seen

    def __enter__(self) -> Creating:
        return self

    def __exit__(self, *_: object) -> None:
        self._conmons.close()

    def finish(self, *, timeout: float = CREATE_SECONDS) -> int:
        """Wait until the container is there, not yet started; return its pid.

        Raises NotCreated with what the runtime said (then nothing but the bundle is left), or
        TimedOut.
        """
        try:
            created = self._conmons.finish(timeout=timeout)
        except Fault:
            self._conmons.close()
            ending.remove(self.container, self._seen)
            raise
        filters.keep(self._prepared, self.container.state_dir)
        return created


def begin(
    engine: Engine,
    container: Container,
    config: Mapping[str, Any],
    supervision: Supervision,
    seen: cgroups.View,
) -> Creating:
    """Write the bundle's config.json and begin to create the container.

    What an earlier attempt of the same container left in the kernel is removed already
    (container.remove). Raises HostFault when the container is still alive, or conmon cannot be
    started.
    """
    if oci.state(container) in (State.CREATED, State.RUNNING):
        raise HostFault(f"container {container.id}: is there already", hint="stop it first")
    os.makedirs(f"{container.bundle}/exit", mode=0o700, exist_ok=True)
    os.makedirs(container.oci_root, mode=0o700, exist_ok=True)
    oci.forget(container)
    prepared = filters.prepare(engine, container.oci_root, config)
    _write(container.config, prepared.config)
    engine.shield()
    if seen.v2:
        cgroups.create(seen, container.cgroup)
        cgroups.die_as_one(seen, container.cgroup)
    launch = conmon.Launch(
        id=container.id,
        name=container.name,
        bundle=container.bundle,
        oci_root=container.oci_root,
        log_path=supervision.log_path,
        log_size_max=supervision.log_size_max,
        exit_command=supervision.exit_command,
        terminal=supervision.terminal,
        stdin=supervision.stdin,
        cgroup=supervision.conmon_cgroup,
        timeout=supervision.timeout,
        journal=supervision.journal,
        sockets=supervision.sockets,
    )
    try:
        conmons = conmon.spawn(engine, launch, seen)
    except Fault:
        ending.remove(container, seen)
        raise
    return Creating(container, conmons, prepared, seen)


def _write(path: str, text: str) -> None:
    # It holds the environment, and with it secrets.
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="utf-8") as file:
        file.write(text)
