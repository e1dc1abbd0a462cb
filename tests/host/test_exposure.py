"""What other users of this host can get at, whatever umask podpy was started with."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

POD = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {key: value}
---
apiVersion: v1
kind: Secret
metadata: {name: password}
stringData: {word: swordfish}
---
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  terminationGracePeriodSeconds: 0
  hostNetwork: true
  securityContext: {runAsUser: 1000}
  containers:
  - name: c
    image: localhost/podpy-test/busybox:1
    command: [sh, -c, "cat /etc/hosts /settings/key && echo seen; exec sleep 1000"]
    tty: true
    stdin: true
    env: [{name: WORD, valueFrom: {secretKeyRef: {name: password, key: word}}}]
    volumeMounts:
    - {name: settings, mountPath: /settings}
    - {name: password, mountPath: /password}
    - {name: scratch, mountPath: /scratch}
  volumes:
  - {name: settings, configMap: {name: settings}}
  - {name: password, secret: {secretName: password}}
  - {name: scratch, emptyDir: {}}
"""


@pytest.fixture(params=[0o077, 0o022, 0], ids=oct)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def within_reach(path: str, allowed: int) -> Iterator[str]:
    """Yield what others, who got as far as `path`, may do with what `allowed` says."""
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        return
    listable = stat.S_ISDIR(mode) and allowed == stat.S_IROTH  # Names alone are no content.
    if mode & allowed and not listable:
        yield path
    if stat.S_ISDIR(mode) and mode & stat.S_IXOTH:
        for name in os.listdir(path):
            yield from within_reach(f"{path}/{name}", allowed)


@pytest.mark.usefixtures("_umask")
def test_others_reach_no_file_of_podpys_and_containers_reach_their_own(
    podpy: Podpy, instance: Paths, busybox_image: Image
) -> None:
    podpy.load(busybox_image)
    podpy.ok("apply", "-f", "-", stdin=POD)
    wait_until(lambda: "seen" in podpy.ok("logs", "app"), "the files that user 1000 can read")

    roots = (instance.state_dir, instance.run_dir, instance.log_dir)
    read = {path for root in roots for path in within_reach(root, stat.S_IROTH)}
    written = {path for root in roots for path in within_reach(root, stat.S_IWOTH)}
    assert not read
    assert not written
