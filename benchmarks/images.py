"""The row about images: pull and unpack a large layer from a registry on loopback."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks import measure, room, workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.engines import Engine, Peers
    from benchmarks.measure import Row


def pull(peers: Peers, megabytes: int, runs: int) -> Row:
    """Time a pull into empty storage. Storage is deleted at the end only: see below.

    On ext4, unpacking right after many files were deleted is three to six times slower.
    """
    with _registry():
        source = workload.bulky(megabytes)
        room.run("skopeo", "copy", "-q", "--dest-tls-verify=false", source,
                 f"docker://{workload.BULKY}")  # fmt: skip

        def fresh(engine: Engine) -> None:
            engine.fresh_storage()

        step = measure.Step(timed=lambda e: e.pull(workload.BULKY), before=fresh)
        times = measure.interleaved(peers, step, runs)
    for engine in peers.all:
        engine.first_storage()
    shutil.rmtree(f"{room.WORK}/bulky", ignore_errors=True)
    return measure.compare(f"pull and unpack, {megabytes} MB layer", times, "1.5x")


@contextlib.contextmanager
def _registry() -> Iterator[None]:
    server = subprocess.Popen(
        ["docker-registry", "serve", workload.registry_config()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        host, port = workload.REGISTRY.split(":")
        until = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
                break
            if time.monotonic() > until:
                raise SystemExit("benchmarks: the registry does not listen after 20 s")
            time.sleep(0.05)
        yield
    finally:
        server.kill()
        server.wait(10)
