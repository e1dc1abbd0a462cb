"""Layers unpacked while they come: several at once, and what breaks off, stalls and lies."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from manifests.faults import Fault, HostFault, Retry, TimedOut
from runtime.image import pull
from runtime.image.meter import Progress, Stage
from runtime.image.store import Store
from tests.fixtures import broken_registry
from tests.fixtures.command import wait_until
from tests.fixtures.disks import mounted
from tests.unit.image import layouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.image.store import Image
    from runtime.paths import Paths
    from tests.fixtures.broken_registry import Handler, Server
    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

PLAIN = pull.Options(tls_verify=False)
COUNT = 7


@pytest.fixture
def store(instance: Paths) -> Store:
    return Store(instance)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Serve an image of several layers, one of them listed twice, the way builders repeat them."""
    layers = [
        layouts.tar({f"file{at}": random.Random(at).randbytes(200_000 + at)}) for at in range(COUNT)
    ]
    layouts.write(tmp_path / "served", "x", [*layers, layers[2]], squeezed=True)
    with broken_registry.running(tmp_path / "served") as serving:
        yield serving


def files(store: Store, image: Image) -> set[str]:
    return {name for layer in store.layer_directories(image) for name in os.listdir(layer)}


def leftovers(store: Store) -> list[str]:
    return [name for name in os.listdir(store.paths.layers) if name.endswith(".tmp")]


def helpers() -> list[str]:
    """The processes of skopeo's that this one has started and that still run."""
    while True:
        try:
            children = [
                child
                for task in Path("/proc/self/task").iterdir()
                for child in (task / "children").read_text().split()
            ]
            found = [Path(f"/proc/{child}/cmdline").read_bytes().decode() for child in children]
        except (FileNotFoundError, ProcessLookupError):
            continue  # A thread or child has just ended; its children are another thread's now.
        return [words for words in found if "skopeo" in words]


def test_layers_come_several_at_once_and_each_one_once(store: Store, server: Server) -> None:
    told: list[Progress] = []

    image = pull.pull(store, f"{server.address}/many:1", PLAIN, told.append)

    assert files(store, image) == {f"file{at}" for at in range(COUNT)}
    assert len(image.layers) == COUNT + 1
    assert sorted(digest for digest in server.asked if digest in server.layers()) == sorted(
        set(server.layers())
    )
    assert leftovers(store) == helpers() == []
    assert told[-1].stage is Stage.READY
    assert told[-1].done == sum(
        len(server.blob(digest) or b"") for digest in {*server.layers(), _config(server)}
    )


def test_what_does_not_fit_on_the_disk_is_not_begun(store: Store, server: Server) -> None:
    with mounted(store.paths.state_dir, "size=1m"):
        with pytest.raises(HostFault, match="less than 2 MiB is free"):
            pull.pull(store, f"{server.address}/many:1", PLAIN)

        assert not set(server.layers()).intersection(server.asked)
        assert os.listdir(store.paths.layers) == []


def _config(server: Server) -> str:
    found: str = json.loads(server.blob(server.manifest_digest()) or b"")["config"]["digest"]
    return found


@pytest.mark.parametrize("failure", [broken_registry.break_off, broken_registry.refuse])
def test_a_transfer_that_breaks_off_is_begun_again(
    store: Store, server: Server, failure: Callable[[Handler, bytes], None]
) -> None:
    told: list[Progress] = []
    server.failures[server.layers()[3]] = [failure]

    image = pull.pull(store, f"{server.address}/broken:1", PLAIN, told.append)

    assert files(store, image) == {f"file{at}" for at in range(COUNT)}
    assert told[-1].done == sum(
        len(server.blob(digest) or b"") for digest in {*server.layers(), _config(server)}
    )


@pytest.mark.parametrize("failure", [broken_registry.break_off, broken_registry.lie])
def test_what_goes_on_failing_ends_in_a_fault_and_leaves_nothing(
    store: Store, server: Server, failure: Callable[[Handler, bytes], None]
) -> None:
    server.failures[server.layers()[3]] = [failure] * 20
    name = f"{server.address}/bad:1"

    with pytest.raises(Fault) as caught:
        pull.pull(store, name, PLAIN)

    assert name in caught.value.message
    assert store.images() == ()
    assert leftovers(store) == helpers() == []


@pytest.mark.parametrize("where", ["manifest", "layer", "beginning of a layer"])
def test_a_registry_that_falls_silent_meets_a_deadline(
    store: Store, server: Server, where: str
) -> None:
    failure = broken_registry.stall if where == "layer" else broken_registry.stay_silent
    digest = server.manifest_digest() if where == "manifest" else server.layers()[0]
    server.failures[digest] = [failure] * 20

    with pytest.raises(TimedOut, match=r"silent for 1\.5 s|not answered for 1\.5 s"):
        pull.pull(store, f"{server.address}/still:1", PLAIN.replace(patience=1.5))

    assert store.images() == ()
    assert leftovers(store) == helpers() == []


def test_what_had_come_before_a_failure_is_not_fetched_again(store: Store, server: Server) -> None:
    server.failures[server.layers()[0]] = [broken_registry.break_off] * 3
    with pytest.raises(Retry):
        pull.pull(store, f"{server.address}/half:1", PLAIN)
    had = set(os.listdir(store.paths.layers))
    before = len(server.asked)

    image = pull.pull(store, f"{server.address}/half:1", PLAIN)

    assert files(store, image) == {f"file{at}" for at in range(COUNT)}
    came = [digest for digest in server.asked[before:] if digest in server.layers()]
    assert len(had) + len(came) == COUNT


def test_a_blob_larger_than_its_manifest_says_is_cut_off(store: Store, server: Server) -> None:
    def drip(handler: Handler, content: bytes) -> None:
        handler.answer(content + content, claimed=2 * len(content))

    server.failures[server.layers()[1]] = [drip] * 3

    with pytest.raises(Fault, match=r"larger than its manifest says|corrupt"):
        pull.pull(store, f"{server.address}/large:1", PLAIN)

    assert leftovers(store) == helpers() == []


APP = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: app, image: "%s", command: [sleep, "1000"]}]
"""


def test_a_signal_ends_a_pull_that_has_stalled(podpy: Podpy, server: Server) -> None:
    server.failures[server.layers()[0]] = [broken_registry.stall] * 20
    manifest = APP % f"{server.address}/still:1"
    child = podpy.start("kube", "play", "--tls-verify=false", "-")
    assert child.stdin is not None
    child.stdin.write(manifest)
    child.stdin.close()
    child.stdin = None
    wait_until(lambda: server.layers()[0] in server.asked, "the layer is asked for")

    child.send_signal(signal.SIGTERM)

    _, said = child.communicate(timeout=30)
    assert child.returncode != 0
    assert "interrupted by SIGTERM" in said
    assert [name for name in os.listdir(podpy.paths.layers) if name.endswith(".tmp")] == []


def test_a_new_name_for_the_same_manifest_is_recorded(store: Store, server: Server) -> None:
    image = pull.pull(store, f"{server.address}/many:1", PLAIN)
    before = len(server.asked)

    again = pull.pull(store, f"{server.address}/many:2", PLAIN)

    assert again == image
    assert store.find(f"{server.address}/many:2") == image
    assert store.find(f"{server.address}/many:1") == image
    assert set(server.asked[before:]) == {server.manifest_digest()}
