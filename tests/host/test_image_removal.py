"""Images removed: names first, and never a layer that something needs."""

from __future__ import annotations

import os
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from manifests.faults import Invalid, TimedOut
from runtime.image import layers, pull, removal
from runtime.image.store import Store
from tests.unit.image import layouts

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.image.store import Image
    from runtime.paths import Paths
    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

LOW, HIGH = layouts.tar({"low": b"1"}), layouts.tar({"high": b"2"})


@pytest.fixture
def store(instance: Paths) -> Store:
    return Store(instance)


def used(*images: Image) -> frozenset[str]:
    return frozenset(image.id for image in images)


def test_removal_takes_only_what_nothing_else_needs(store: Store, tmp_path: Path) -> None:
    one = pull.pull(store, layouts.write(tmp_path / "1", "localhost/one:1", [LOW]))
    two = pull.pull(store, layouts.write(tmp_path / "2", "localhost/two:1", [LOW, HIGH]))
    with pytest.raises(Invalid, match="in use"):
        removal.remove(store, "localhost/two:1", lambda: used(two))

    gone = removal.remove(store, "localhost/two:1")

    assert (gone.names, gone.ids) == (("localhost/two:1",), (two.id,))
    assert store.find("localhost/two:1") is None
    assert os.listdir(store.paths.layers) == list(one.layers)
    assert store.is_whole(one)
    assert removal.prune(store, lambda: used(one), everything=True).ids == ()
    last = removal.prune(store, everything=True)
    assert (last.ids, last.freed > 0, os.listdir(store.paths.layers)) == ((one.id,), True, [])


def test_a_name_goes_and_the_image_stays_while_it_has_another(store: Store, tmp_path: Path) -> None:
    image = pull.pull(store, layouts.write(tmp_path / "1", "localhost/one:1", [LOW]))
    store.name(image, ("localhost/other:1",))
    with pytest.raises(Invalid, match="several names"):
        removal.remove(store, image.id)

    # A pod uses the image, which keeps it, and not this name of it.
    gone = removal.remove(store, "localhost/one:1", lambda: used(image))

    assert (gone.names, gone.ids) == (("localhost/one:1",), ())
    assert store.find("localhost/one:1") is None
    assert store.find("localhost/other:1") == image


def test_an_image_whose_name_was_taken_is_pruned(store: Store, tmp_path: Path) -> None:
    old = pull.pull(store, layouts.write(tmp_path / "1", "localhost/one:1", [LOW]))
    new = pull.pull(store, layouts.write(tmp_path / "2", "localhost/one:1", [HIGH]))

    gone = removal.prune(store)

    assert gone.ids == (old.id,)
    assert store.images() == (new,)


def test_a_removed_layer_is_fetched_again(store: Store, tmp_path: Path) -> None:
    source = layouts.write(tmp_path / "1", "localhost/one:1", [LOW])
    pull.pull(store, source)
    removal.remove(store, "localhost/one:1")

    image = pull.pull(store, source)

    assert store.is_whole(image)


def test_a_layer_leaves_its_name_before_its_files_go(store: Store, tmp_path: Path) -> None:
    """A removal that is killed over its files leaves nothing that a pull takes for a layer."""
    source = layouts.write(tmp_path / "1", "localhost/one:1", [LOW])
    image = pull.pull(store, source)
    held = f"{store.paths.layers}/{image.layers[0]}"
    # The kernel refuses to remove it as a kill would stop it: with its files still there.
    subprocess.run(["chattr", "+i", f"{held}/low"], check=True)
    try:
        with pytest.raises(Exception, match="cannot be removed"):
            removal.remove(store, "localhost/one:1")
        assert not os.path.exists(held)
    finally:
        subprocess.run(["chattr", "-i", f"{held}{layers.UNFINISHED}/low"], check=True)

    assert store.is_whole(pull.pull(store, source))
    assert os.listdir(store.paths.layers) == list(image.layers)


def test_a_removal_waits_for_pulls_no_longer_than_it_may(store: Store, tmp_path: Path) -> None:
    pull.pull(store, layouts.write(tmp_path / "1", "localhost/one:1", [LOW]))
    with store.locked(exclusive=False), pytest.raises(TimedOut, match="the image store"):
        removal.prune(store, everything=True, timeout=0.2)
    layout = layouts.write(tmp_path / "2", "localhost/two:1", [LOW])
    with store.locked(exclusive=True), pytest.raises(TimedOut, match="the image store"):
        pull.pull(store, layout, pull.Options(patience=0.2))

    assert len(store.images()) == 1


def test_what_is_used_is_asked_once_no_pull_runs(store: Store, tmp_path: Path) -> None:
    """An image that a pod is given while the removal waits stays."""
    image = pull.pull(store, layouts.write(tmp_path / "1", "localhost/one:1", [LOW]))
    pods: list[Image] = []
    asked = threading.Event()
    done: list[removal.Removed] = []

    def prune() -> None:
        asked.set()
        done.append(removal.prune(store, lambda: used(*pods), everything=True))

    with store.locked(exclusive=False):
        other = threading.Thread(target=prune)
        other.start()
        asked.wait(10)
        pods.append(image)
    other.join(30)

    assert done[0].ids == ()
    assert store.is_whole(image)


APP = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: app, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}]
"""


def test_the_command_line_lists_and_keeps_what_is_used(podpy: Podpy, tmp_path: Path) -> None:
    from tests.fixtures import images

    name = "localhost/podpy-test/busybox:1"
    source = images.write_busybox(tmp_path / "busybox").source
    image_id = podpy.ok("image", "pull", "-q", source).strip()
    podpy.ok("kube", "play", "-", stdin=APP)
    extra = layouts.write(tmp_path / "1", "localhost/extra:1", [LOW])
    podpy.ok("image", "pull", "-q", extra)

    listed = podpy.ok("image", "ls")
    refused = podpy.run("image", "rm", name)
    pruned = podpy.ok("image", "prune", "-a")

    assert listed.splitlines()[0].split() == ["NAME", "IMAGE", "ID", "DIGEST", "AGE", "SIZE"]
    assert [line.split()[:2] for line in listed.splitlines()[1:]][1] == [name, image_id[:12]]
    assert refused.status != 0
    assert "in use by a pod" in refused.stderr
    assert "untagged localhost/extra:1" in pruned
    assert name not in pruned
    podpy.ok("kube", "down", "-", stdin=APP)
    assert f"untagged {name}\ndeleted {image_id}\n" in podpy.ok("image", "rm", name)
