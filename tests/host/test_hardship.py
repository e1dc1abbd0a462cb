"""A full disk or subnet, a reboot, a lost database: clear words, nothing lost, and it goes on."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.kernel import mounts
from tests.fixtures import traces
from tests.fixtures.command import wait_until
from tests.fixtures.disks import fill
from tests.fixtures.traces import reboot

if TYPE_CHECKING:
    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

APP = """
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {word: swordfish}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: localhost/podpy-test/busybox:1
    command: [sh, -c, "echo $WORD >> /data/file; echo x > /scratch/x; sleep 1000"]
    env: [{name: WORD, valueFrom: {secretKeyRef: {name: key, key: word}}}]
    ports: [{containerPort: 80, hostPort: 18551}]
    volumeMounts: [{name: data, mountPath: /data}, {name: scratch, mountPath: /scratch}]
  volumes:
  - {name: data, persistentVolumeClaim: {claimName: data}}
  - {name: scratch, emptyDir: {}}
"""
EXTRA = """
apiVersion: v1
kind: Pod
metadata: {name: extra}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: localhost/podpy-test/busybox:1
    command: [sleep, "1000"]
    ports: [{containerPort: 80, hostPort: %d}]
"""
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: sum}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: c
        image: localhost/podpy-test/busybox:1
        command: [sh, -c, "echo x > /written; echo done"]
"""
ONCE = """
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  restartPolicy: POLICY
  containers:
  - name: c
    image: localhost/podpy-test/busybox:1
    command: [sh, -c, "echo NAME >>/shared/ran; echo said by NAME; exit CODE"]
    volumeMounts: [{name: shared, mountPath: /shared}]
  volumes: [{name: shared, hostPath: {path: "FOLDER"}}]
"""
SMALL = """
apiVersion: podpy.dev/v1
kind: Network
metadata: {name: small}
spec: {subnet: 10.219.77.0/%d}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: two}
spec:
  replicas: 2
  selector: {matchLabels: {app: two}}
  template:
    metadata:
      labels: {app: two}
      annotations: {podpy.dev/network: small}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: c, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}
"""


def pods(podpy: Podpy) -> dict[str, Any]:
    listed = podpy.json("get", "pods", "-o", "json")
    return {item["metadata"]["name"]: item for item in listed["items"]}


def uids(podpy: Podpy) -> dict[str, str]:
    return {name: pod["metadata"]["uid"] for name, pod in pods(podpy).items()}


def test_a_full_disk_is_told_and_nothing_of_a_play_is_kept(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    state = podpy.paths.state_dir
    os.makedirs(state)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", state], check=True)
    podpy.load(busybox_image)
    file = tmp_path / "app.yaml"
    file.write_text(APP)
    podpy.ok("kube", "play", str(file))
    podpy.ok("kube", "down", str(file))

    filler = fill(state)
    failed = podpy.run("kube", "play", str(file))
    pulled = podpy.run("image", "pull", busybox_image.source.replace("busybox:1", "busybox:2"))

    for done in (failed, pulled):
        assert done.status != 0
        assert "Traceback" not in done.stderr
    assert "space" in failed.stderr or "full" in failed.stderr, failed.stderr
    filler.unlink()
    assert not os.listdir(podpy.paths.pods)
    podpy.ok("kube", "play", str(file))
    podpy.ok("kube", "down", str(file))
    assert (Path(podpy.paths.claim("default", "data")) / "file").read_text() == "swordfish\n" * 2


FIRST = """
import sys
from reconciler.targets.host.base import ensure_directories
from runtime.paths import Paths
state, run, log = sys.argv[1:]
ensure_directories(Paths(state_dir=state, run_dir=run, log_dir=log))
"""


def test_first_passes_that_come_at_once_mount_one_tmpfs(instance: Paths) -> None:
    run_dir = instance.run_dir
    os.makedirs(run_dir)
    below = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(below, fcntl.LOCK_EX)  # As whoever has come before.
    words = (instance.state_dir, run_dir, instance.log_dir)
    child = subprocess.Popen([sys.executable, "-c", FIRST, *words])

    def waits_or_mounted() -> bool:
        opened: list[str] = []
        for one in os.scandir(f"/proc/{child.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # It was closed just now.
                opened.append(os.readlink(one.path))
        return run_dir in opened or run_dir in traces.mounts()

    wait_until(waits_or_mounted, "the other first pass is there")
    mounts.tmpfs(run_dir, mode=0o711)
    os.close(below)

    assert child.wait(30) == 0
    assert traces.mounts().count(run_dir) == 1


def test_a_full_subnet_is_told_and_a_larger_one_is_taken(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file = tmp_path / "two.yaml"
    file.write_text(SMALL % 30)

    failed = podpy.run("kube", "play", str(file))

    assert failed.status == 125
    assert "no free address left in 10.219.77.0/30" in failed.stderr
    assert pods(podpy) == {}
    file.write_text(SMALL % 29)
    podpy.ok("kube", "play", str(file))
    assert len(pods(podpy)) == 2
    podpy.ok("kube", "down", str(file))


def test_a_container_cannot_fill_the_hosts_memory_by_the_files_that_are_its_pods(
    podpy: Podpy, busybox_image: Image
) -> None:
    podpy.load(busybox_image)
    podpy.ok("apply", "-f", "-", stdin=EXTRA % 18554)
    before = in_use(podpy.paths)

    for name in ("hosts", "resolv.conf", "hostname"):
        podpy.ok("exec", "extra", "--", "dd", "if=/dev/zero", f"of=/etc/{name}", "bs=1M", "count=8")

    assert in_use(podpy.paths) - before < 1 << 20
    assert "its /etc/hosts was changed" in podpy.run("diff", "-f", "-", stdin=EXTRA % 18554).stdout
    podpy.ok("apply", "-f", "-", stdin=EXTRA % 18554)
    assert "localhost" in podpy.ok("exec", "extra", "--", "cat", "/etc/hosts")
    podpy.ok("delete", "pod", "extra")
    assert os.listdir(f"{podpy.paths.state_dir}/pods") == []


def in_use(paths: Paths) -> int:
    """How much of the memory that podpy's own files lie in is taken."""
    found = os.statvfs(paths.run_dir)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def test_after_a_reboot_all_is_made_again_and_only_claims_are_kept(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file = tmp_path / "app.yaml"
    file.write_text(APP)
    podpy.ok("apply", "-f", str(file))
    before = uids(podpy)
    reboot(podpy.paths)

    podpy.ok("apply", "-f", str(file))

    after = uids(podpy)
    assert set(after) == {"app"}
    assert after != before
    assert podpy.ok("exec", "app", "--", "cat", "/data/file") == "swordfish\n" * 2
    assert os.listdir(f"{podpy.paths.state_dir}/pods") == [after["app"]]
    assert [name.rpartition("_")[2] for name in os.listdir(podpy.paths.log_dir)] == [after["app"]]
    assert "nothing to change" in podpy.ok("diff", "-f", str(file))
    podpy.ok("delete", "-f", str(file))


def test_after_a_reboot_the_logs_of_an_ended_job_stay_as_long_as_the_job(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    job, app = tmp_path / "job.yaml", tmp_path / "app.yaml"
    job.write_text(JOB)
    app.write_text(EXTRA % 18553)
    podpy.ok("apply", "-f", str(job), "-f", str(app))
    podpy.ok("wait", "--for=condition=complete", "job/sum")
    podpy.ok("apply", "-f", str(job), "-f", str(app))  # The hook may not have recorded it yet.
    reboot(podpy.paths)

    for _ in range(2):
        podpy.ok("apply", "-f", str(job), "-f", str(app))

    (log,) = Path(podpy.paths.log_dir).glob("default_sum-*/c/0.log")
    assert log.read_text().endswith(" stdout F done\n")
    assert not list(Path(podpy.paths.state_dir).glob("pods/*/containers/*/upper/written"))
    assert len(os.listdir(podpy.paths.log_dir)) == 2
    podpy.ok("delete", "-f", str(app), "-f", str(job))
    assert os.listdir(podpy.paths.log_dir) == []
    assert os.listdir(f"{podpy.paths.state_dir}/pods") == []


def once(name: str, policy: str, code: int, folder: Path) -> str:
    """A pod that ends, and notes in the folder that it has run."""
    words = {"NAME": name, "POLICY": policy, "CODE": str(code), "FOLDER": str(folder)}
    text = ONCE
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def phases(podpy: Podpy) -> dict[str, str]:
    return {name: pod["status"]["phase"] for name, pod in pods(podpy).items()}


def recorded(podpy: Podpy) -> int:
    """How many pods are known to have ended, whatever becomes of run_dir."""
    return len(list(Path(podpy.paths.state_dir).glob("pods/*/ended.json")))


def test_a_pod_that_has_ended_is_not_run_again_by_a_reboot(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file = tmp_path / "once.yaml"
    kinds = (("well", "Never", 0), ("badly", "Never", 3), ("once", "OnFailure", 0))
    file.write_text("---".join(once(*kind, tmp_path) for kind in kinds))
    podpy.ok("apply", "-f", str(file))
    ended = {"well": "Succeeded", "badly": "Failed", "once": "Succeeded"}
    wait_until(lambda: recorded(podpy) == 3, "the pods end, and their hooks have recorded it")
    assert phases(podpy) == ended
    before = uids(podpy)
    reboot(podpy.paths)

    for _ in range(2):
        podpy.ok("apply", "-f", str(file))

    assert sorted((tmp_path / "ran").read_text().split()) == ["badly", "once", "well"]
    assert (phases(podpy), uids(podpy)) == (ended, before)
    assert podpy.ok("logs", "well") == "said by well\n"
    (container,) = pods(podpy)["badly"]["status"]["containerStatuses"]
    assert container["state"]["terminated"]["exitCode"] == 3
    podpy.ok("kube", "play", "--replace", str(file))
    twice = sorted(2 * list(ended))
    wait_until(lambda: sorted((tmp_path / "ran").read_text().split()) == twice, "they run again")
    podpy.ok("delete", "-f", str(file))
    assert os.listdir(f"{podpy.paths.state_dir}/pods") == []
    assert os.listdir(podpy.paths.log_dir) == []


def test_an_ended_pod_that_nobody_wants_any_more_does_not_come_back(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file, app = tmp_path / "once.yaml", tmp_path / "app.yaml"
    file.write_text(once("well", "Never", 0, tmp_path))
    app.write_text(EXTRA % 18555)
    podpy.ok("apply", "-f", str(file))
    wait_until(lambda: recorded(podpy) == 1, "the pod ends, and its hook has recorded it")
    reboot(podpy.paths)

    podpy.ok("delete", "-f", str(file))
    podpy.ok("apply", "-f", str(app))

    assert set(pods(podpy)) == {"extra"}
    assert len(os.listdir(podpy.paths.log_dir)) == 1


def test_after_a_reboot_pods_wait_for_secrets_and_say_so(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    secret, app = tmp_path / "secret.yaml", tmp_path / "app.yaml"
    first, _, rest = APP.partition("---")
    secret.write_text(first)
    # Optional or not: it was there.
    app.write_text(rest.replace("key: word}", "key: word, optional: true}"))
    podpy.ok("apply", "-f", str(secret), "-f", str(app))
    reboot(podpy.paths)

    done = podpy.run("apply", "-f", str(app))

    assert done.status == 1
    assert 'secret "key" has no content since this host has booted' in done.stderr
    assert f"{secret}:2: apply its manifest again" in done.stderr
    (container,) = pods(podpy)["app"]["status"]["containerStatuses"]
    assert container["state"]["waiting"]["reason"] == "CreateContainerConfigError"
    assert "has no content" in podpy.ok("describe", "pod", "app")
    assert "lost: Secrets are kept in memory only" in podpy.ok("describe", "secret", "key")
    assert podpy.ok("get", "secrets").split("\n")[1].split()[2] == "lost"
    podpy.ok("apply", "-f", str(secret))
    podpy.ok("apply", "-f", str(app))
    assert podpy.ok("exec", "app", "--", "cat", "/data/file") == "swordfish\n" * 2


def test_more_objects_than_a_process_may_have_files_open(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: page-%d}\n"
    file = tmp_path / "app.yaml"
    file.write_text("---\n".join([EXTRA % 18554, *(config % one for one in range(300))]))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        podpy.ok("apply", "-f", str(file))
        again = podpy.ok("apply", "-f", str(file))
        podpy.ok("delete", "-f", str(file))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert "unchanged: 301 objects" in again


def test_the_agent_makes_pods_when_their_secrets_are_applied_again_after_a_reboot(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    secret, app = tmp_path / "secret.yaml", tmp_path / "app.yaml"
    first, _, rest = APP.partition("---")
    secret.write_text(first)
    app.write_text(rest)
    podpy.ok("apply", "-f", str(secret), "-f", str(app))
    reboot(podpy.paths)
    podpy.start("agent")
    wait_until(lambda: phases(podpy) == {"app": "Pending"}, "the pod waits")

    podpy.ok("apply", "-f", str(secret))

    wait_until(lambda: phases(podpy) == {"app": "Running"}, "the agent makes the pod", 60)


@pytest.mark.parametrize("how", ["deleted", "damaged"])
def test_without_its_database_podpy_stops_nothing_prunes_nothing_and_keeps_leases(
    podpy: Podpy, busybox_image: Image, tmp_path: Path, how: str
) -> None:
    podpy.load(busybox_image)
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.yaml").write_text(APP)
    (folder / "extra.yaml").write_text(EXTRA % 18552)
    podpy.ok("apply", "-f", str(folder))
    before = uids(podpy)
    (folder / "extra.yaml").unlink()
    for suffix in ("-wal", "-shm", ""):
        path = Path(podpy.paths.database + suffix)
        if suffix == "" and how == "damaged":
            path.write_bytes(b"no database at all" * 1000)
        else:
            path.unlink(missing_ok=True)

    done = podpy.run("apply", "-f", str(folder), "--prune")

    assert done.status == 0, done.stderr
    assert "nothing was pruned" in done.stderr
    assert ("damaged and is now" in done.stderr) == (how == "damaged")
    assert uids(podpy) == before
    (tmp_path / "more.yaml").write_text((EXTRA % 18552).replace("name: extra", "name: more"))
    taken = podpy.run("kube", "play", str(tmp_path / "more.yaml"))
    assert taken.status == 125
    assert "18552" in taken.stderr
    podpy.ok("delete", "-f", str(folder))
    podpy.ok("delete", "pod", "extra")
    assert os.listdir(podpy.paths.pods) == []
