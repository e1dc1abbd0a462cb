"""Commands in running containers, through the real OCI runtime."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from manifests.faults import HostFault
from runtime.oci import engine as engines
from runtime.oci import exec as oci_exec
from runtime.oci.container import Container
from runtime.oci.exec import Command
from tests.fixtures import bench
from tests.fixtures.bench import UID, Bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

REPLACE = """
import sys
sys.path.insert(0, {root!r})
from runtime.oci import exec as oci_exec
from runtime.oci.container import Container
from runtime.oci.exec import Command
from runtime.paths import Paths
paths = Paths(**{paths!r})
oci_exec.replace(Container.of(paths, {uid!r}, "app"), paths.pod({uid!r}),
                 Command(**{command!r}))
"""


POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: app, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}
"""


@pytest.fixture
def pods(podpy: Podpy, busybox_image: Image, tmp_path: Path) -> str:
    """A manifest of a pod that can be applied."""
    podpy.load(busybox_image)
    path = tmp_path / "pods.yaml"
    path.write_text(POD)
    return str(path)


@pytest.fixture
def pod(instance: Paths) -> Iterator[Bench]:
    with bench.opened(instance) as opened:
        opened.run("app", "echo up; while :; do sleep 0.05; done", env=("PATH=/bin", "A=outer"))
        opened.says("app", "up")
        yield opened


def program(pod: Bench, **command: object) -> list[str]:
    """The words of a Python that becomes the command, as `podpy exec` does."""
    body = REPLACE.format(
        root=os.getcwd(),
        paths={field: getattr(pod.paths, field) for field in type(pod.paths).__fields__},
        uid=UID,
        command=command,
    )
    return [sys.executable, "-c", body]


def output(pod: Bench, **command: object) -> str:
    """Become the command, and return what it wrote."""
    words = program(pod, **command)
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_command_runs_as_the_container_does(pod: Bench) -> None:
    script = "echo $A; grep -E 'CapEff|Seccomp:' /proc/self/status"

    said = output(pod, argv=("sh", "-c", script))

    assert said.startswith("outer\n")
    assert "Seccomp:\t2" in said
    assert "00000000a80425fb" in said


def test_user_directory_and_environment_can_be_given(pod: Bench) -> None:
    script = "id -u; id -g; pwd; echo $B"

    said = output(pod, argv=("sh", "-c", script), user="1000:2000", cwd="/tmp", env=("B=inner",))

    assert said.split() == ["1000", "2000", "/tmp", "inner"]


def test_podpy_becomes_the_command(pod: Bench) -> None:
    words = program(pod, argv=("sh", "-c", "cat; echo out; echo err >&2; exit 7"), stdin=True)

    done = subprocess.run(words, input=b"in\n", capture_output=True, check=False, timeout=30)

    assert (done.returncode, done.stdout, done.stderr) == (7, b"in\nout\n", b"err\n")


def test_without_stdin_a_command_reads_nothing(pod: Bench) -> None:
    words = program(pod, argv=("sh", "-c", "cat; echo end"))

    done = subprocess.run(words, input=b"in\n", capture_output=True, check=False, timeout=30)

    assert done.stdout == b"end\n"


def test_an_interactive_command_has_the_callers_terminal(pod: Bench) -> None:
    words = program(pod, argv=("sh", "-c", "tty; stty size"), stdin=True, terminal=True)
    control, terminal = pty.openpty()
    subprocess.run(["stty", "rows", "33", "cols", "99"], stdin=terminal, check=True)

    done = subprocess.run(
        words, stdin=terminal, stdout=terminal, stderr=terminal, check=False, timeout=30,
        start_new_session=True,
    )  # fmt: skip

    said = os.read(control, 4096).decode()
    os.close(control)
    os.close(terminal)
    assert done.returncode == 0
    assert "/dev/pts/" in said
    assert "33 99" in said


def test_a_container_is_entered_by_the_runtime_that_made_it(podpy: Podpy, pods: str) -> None:
    podpy.ok("apply", "-f", pods)
    remembered = f"{podpy.paths.run_dir}/engine.json"
    with open(remembered, encoding="utf-8") as file:
        chosen = json.load(file)
    os.unlink(remembered)

    assert podpy.ok("exec", "web", "--", "echo", "once") == "once\n"
    # Looked for outside of a pod it might be another one, which all later containers would get.
    assert not os.path.exists(remembered)

    podpy.ok("delete", "-f", pods)
    chosen |= {"kind": "runc", "path": engines.locate("runc"), "version": [1], "reason": "tried"}
    with open(remembered, "w", encoding="utf-8") as file:
        json.dump(chosen, file)
    assert "runc runs them: tried" in podpy.run("apply", "-f", pods).stderr
    os.unlink(remembered)

    assert podpy.ok("exec", "web", "--", "echo", "twice") == "twice\n"
    podpy.ok("delete", "-f", pods)


def test_what_the_runtime_has_lost_is_told_and_the_next_pass_mends_it(
    podpy: Podpy, pods: str
) -> None:
    podpy.ok("apply", "-f", pods)
    shutil.rmtree(podpy.paths.oci_state)

    refused = podpy.run("exec", "web", "--", "true")
    told = podpy.run("diff", "-f", pods).stdout
    podpy.ok("apply", "-f", pods)

    assert "what its OCI runtime kept of it is gone" in refused.stderr
    assert "container app has lost its state in the OCI runtime" in told
    assert podpy.ok("exec", "web", "--", "echo", "again") == "again\n"
    assert "unchanged" in podpy.ok("apply", "-f", pods)
    podpy.ok("delete", "-f", pods)


def test_a_pod_that_is_not_there_is_a_clear_fault(instance: Paths) -> None:
    with bench.opened(instance):
        gone = Container.of(instance, "no-such-uid", "app")

        with pytest.raises(HostFault, match="cannot enter"):
            oci_exec.replace(gone, instance.pod("no-such-uid"), Command(argv=("true",)))


def test_a_command_has_the_containers_user_and_groups(instance: Paths) -> None:
    script = "id -u; id -g; id -G; grep CapEff /proc/self/status; echo $B; pwd"
    asked: dict[str, Any] = {"argv": ("sh", "-c", script), "env": ("B=inner",), "cwd": "/tmp"}
    with bench.opened(instance) as pod:
        loop = "echo up; while :; do sleep 0.05; done"
        pod.run("app", loop, uid=1000, gid=5, additional_gids=(5, 77))
        pod.says("app", "up")

        said = output(pod, **asked)

    expected = ["1000", "5", "5", "77", "CapEff:", "0000000000000000", "inner", "/tmp"]
    assert said.split() == expected
