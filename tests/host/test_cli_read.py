"""The commands that read: get, describe, logs, exec, top, events, network, volume."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from podpy import tables
from tests.fixtures import start_up
from tests.fixtures.command import wait_until
from tests.unit.podpy import test_main

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

APP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: page, labels: {app: web}}
data: {index.html: "hello\\n", flag: "yes"}
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {pass: hunter2}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  initContainers:
  - {name: setup, image: "localhost/podpy-test/busybox:1", command: [echo, setting up]}
  containers:
  - name: app
    image: localhost/podpy-test/busybox:1
    command: [sh, -c, "echo one; echo two; echo wrong >&2; exec sleep 1000"]
    env: [{name: PASS, valueFrom: {secretKeyRef: {name: key, key: pass}}}]
    volumeMounts: [{name: page, mountPath: /www}, {name: data, mountPath: /data}]
  - name: side
    image: localhost/podpy-test/busybox:1
    command: [sh, -c, "echo beside; exec sleep 1000"]
  volumes:
  - {name: page, configMap: {name: page}}
  - {name: data, persistentVolumeClaim: {claimName: data}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: idle}
spec:
  replicas: 1
  selector: {matchLabels: {app: idle}}
  template:
    metadata: {labels: {app: idle}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: c
        image: localhost/podpy-test/busybox:1
        command: [sh, -c, "echo idle; exec sleep 1000"]
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - {name: j, image: "localhost/podpy-test/busybox:1", command: [echo, done]}
---
apiVersion: v1
kind: Pod
metadata: {name: broken}
spec:
  restartPolicy: Never
  containers:
  - {name: bad, image: "localhost/podpy-test/busybox:1", command: [sh, -c, "echo no; exit 3"]}
"""


@pytest.fixture
def app(podpy: Podpy, busybox_image: Image, tmp_path: Path) -> Iterator[Podpy]:
    """Give the real command with the objects above."""
    podpy.load(busybox_image)
    file = tmp_path / "app.yaml"
    file.write_text(APP)
    podpy.ok("apply", "-f", str(file))
    yield podpy
    podpy.run("delete", "-f", str(file))


def table(text: str) -> list[dict[str, str]]:
    """Read a table by the places of its heads, as scripts that cut columns do."""
    heads, *lines = text.splitlines()
    names = [name for name in heads.split("  ") if name.strip()]
    starts = [heads.index(name.strip()) for name in names]
    ends = [*starts[1:], None]
    return [
        {
            name.strip(): line[start:end].strip()
            for name, start, end in zip(names, starts, ends, strict=True)
        }
        for line in lines
    ]


def test_everything_can_be_read(app: Podpy) -> None:
    """One set of objects, read in every way: making it takes longer than all of these."""
    wait_until(lambda: "Complete" in app.ok("get", "job", "once"), "the job is over")
    check_get(app)
    check_get_for_programs(app)
    check_yaml(app)
    check_describe(app)
    check_logs(app)
    check_exec(app)
    check_top(app)
    check_events(app)
    check_networks_and_volumes(app)


def check_get(app: Podpy) -> None:
    pods = {row["NAME"]: row for row in table(app.ok("get", "pods"))}
    assert pods["web"]["READY"] == "2/2"
    assert pods["web"]["STATUS"] == "Running"
    assert pods["broken"]["STATUS"] == "Error"
    (job_pod,) = [name for name in pods if name.startswith("once-")]
    assert pods[job_pod]["STATUS"] == "Completed"

    assert table(app.ok("get", "deploy", "idle", "-o", "wide"))[0] | {"AGE": ""} == {
        "NAME": "idle",
        "READY": "1/1",
        "UP-TO-DATE": "1",
        "AVAILABLE": "1",
        "AGE": "",
        "CONTAINERS": "c",
        "IMAGES": "localhost/podpy-test/busybox:1",
        "SELECTOR": "app=idle",
    }
    assert table(app.ok("get", "job", "once"))[0]["COMPLETIONS"] == "1/1"
    assert table(app.ok("get", "secret", "key"))[0]["DATA"] == "1"
    assert table(app.ok("get", "pvc"))[0]["CAPACITY"] == "1Gi"
    assert app.ok("get", "pods", "-l", "app=web", "-o", "name") == "pod/web\n"
    assert "deployment.apps/idle" in app.ok("get", "all")
    assert app.ok("get", "pod", "idle-pod", "--no-headers").startswith("idle-")
    missing = app.run("get", "pod", "web", "none")
    assert missing.status == 1
    assert "not found: pod none" in missing.stderr
    assert missing.stdout.count("\n") == 2
    assert "No resources found in default namespace." in app.run("get", "ds").stderr
    assert app.ok("get", "all,pods", "-o", "name").count("pod/web\n") == 1
    labelled = table(app.ok("get", "pods", "web", "--show-labels", "-L", "app"))[0]
    assert (labelled["APP"], labelled["LABELS"]) == ("web", "app=web")
    failed = app.ok("get", "pods", "--field-selector", "status.phase=Failed", "-o", "name")
    assert failed == "pod/broken\n"


def check_get_for_programs(app: Podpy) -> None:
    address = app.ok("get", "pod", "web", "-o", "jsonpath={.status.podIP}")
    assert address.count(".") == 3
    columns = "custom-columns=NAME:.metadata.name,IP:.status.podIP"
    assert table(app.ok("get", "pod", "web", "-o", columns)) == [{"NAME": "web", "IP": address}]
    path = '{range .items[*]}{.metadata.name}={.status.qosClass}{"\\n"}{end}'
    listed = app.ok("get", "pods", "--sort-by", ".status.phase", "-o", f"jsonpath={path}")
    assert listed.splitlines()[0] == "broken=BestEffort"
    assert "web=BestEffort" in listed
    assert app.ok("get", "pod", "web", "-o", "jsonpath={.spec.restartPolicy}") == "Always"
    assert "not supported" in app.run("get", "pods", "-o", "go-template={{.kind}}").stderr
    again = app.ok("get", "pod/web", "deploy/idle", "job/once", "cm/page", "pvc/data", "-o", "yaml")
    assert "unchanged: 5 objects" in app.ok("apply", "-f", "-", stdin=again)


def check_yaml(app: Podpy) -> None:
    pod = app.json("get", "pod", "web", "-o", "json")
    assert pod["status"]["phase"] == "Running"
    assert [one["ready"] for one in pod["status"]["containerStatuses"]] == [True, True]
    assert pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    broken = app.json("get", "pod", "broken", "-o", "json")["status"]
    assert broken["phase"] == "Failed"
    assert broken["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3
    listed = app.json("get", "pods", "-o", "json")
    assert listed["kind"] == "List"
    secret = app.ok("get", "secret", "key", "-o", "yaml")
    assert "pass: aHVudGVyMg==" in secret
    assert 'flag: "yes"' in app.ok("get", "cm", "page", "-o", "yaml")
    assert app.json("get", "deploy", "idle", "-o", "json")["status"]["readyReplicas"] == 1
    assert app.json("get", "job", "once", "-o", "json")["status"]["succeeded"] == 1


def check_describe(app: Podpy) -> None:
    told = app.ok("describe", "pod", "web")
    for line in ("/data from data (rw)", "<key pass of secret key>", "State:          Running"):
        assert line in told
    assert "hunter2" not in told + app.ok("describe", "secret", "key")
    assert "Exit Code:    3" in app.ok("describe", "pod/broken")
    assert "1 desired | 1 updated" in app.ok("describe", "deploy", "idle")
    for words in (["job", "once"], ["cm"], ["pvc"], ["networks"], ["ns"]):
        assert "Events:" in app.ok("describe", *words)


def check_logs(app: Podpy) -> None:
    assert sorted(app.ok("logs", "web").split()) == ["one", "two", "wrong"]
    assert app.ok("logs", "web", "-c", "setup") == "setting up\n"
    assert app.ok("logs", "web-side") == "beside\n"
    assert app.ok("logs", "job/once") == "done\n"
    assert app.ok("logs", "deploy/idle", "--prefix").endswith("/c] idle\n")
    assert app.ok("logs", "web", "-c", "side", "--tail", "0") == ""
    together = app.ok("logs", "-l", "app=web", "--all-containers", "--prefix").splitlines()
    assert "[pod/web/setup] setting up" in together
    assert "[pod/web/side] beside" in together
    assert "no log of a run before" in app.run("logs", "-p", "broken").stderr
    assert app.ok("logs", "-f", "broken") == "no\n"
    assert app.ok("logs", "web", "-c", "app", "--limit-bytes", "6") == "one\ntw"
    assert app.ok("logs", "deploy/idle", "--all-pods").endswith("/c] idle\n")
    assert "No resources found" in app.run("logs", "-l", "app=none").stderr
    many = app.run("logs", "-f", "web", "--all-containers", "--max-log-requests=2")
    assert "3 containers are more" in many.stderr
    stamped = app.ok("logs", "web", "-c", "side", "--timestamps", "--since", "1h")
    assert stamped.endswith(" beside\n")
    assert stamped[:2] == "20"


def check_exec(app: Podpy) -> None:
    assert app.run("exec", "web", "--", "sh", "-c", "echo $PASS; exit 7")[:2] == (7, "hunter2\n")
    assert app.ok("exec", "-i", "web", "-c", "side", "--", "cat", stdin="typed") == "typed"
    assert app.ok("exec", "web", "cat", "/www/index.html") == "hello\n"
    assert app.ok("exec", "deploy/idle", "--", "echo", "-n", "--", "-x") == "-- -x"
    assert "is not running" in app.run("exec", "broken", "--", "true").stderr
    assert app.ok("exec", "web", "-c", "side", "ls", "/").startswith("bin\n")
    assert app.run("exec", "web", "--", "no-such-program").status == 127
    assert app.run("exec", "web", "--", "/www/index.html").status == 126
    assert "unknown flag -z" in app.run("exec", "web", "-z", "--", "ls").stderr
    noted = app.run("exec", "web", "--", "true").stderr
    assert noted == 'Defaulted container "app" out of: app, side, setup (init)\n'
    assert app.run("exec", "-q", "web", "--", "true").stderr == ""
    assert typed_at_terminal(
        app, "exec", "web", "-itc", "app", "--", "sh", "-c", "tty; echo $TERM"
    ) == ("/dev/pts/0\r\nxterm\r\n")


def test_files_go_into_a_container_and_come_out_of_it(app: Podpy, tmp_path: Path) -> None:
    site, back = tmp_path / "site", tmp_path / "back"
    (site / "sub").mkdir(parents=True)
    (site / "sub" / "page").write_text("hello\n")
    app.ok("cp", str(site), "web:/tmp", "-c", "side")
    inside = app.ok("exec", "web", "-c", "side", "--", "cat", "/tmp/site/sub/page")
    app.ok("exec", "web", "-c", "side", "--", "ln", "-s", "/etc/passwd", "/tmp/site/out")
    came = app.run("cp", "default/web:/tmp/site/.", str(back), "-c", "side")
    app.ok("cp", str(site / "sub" / "page"), "deploy/idle:/new")
    renamed = app.ok("exec", "deploy/idle", "--", "cat", "/new")
    mounted = app.run("cp", str(site), "web:/www")
    missing = app.run("cp", "web:/nowhere", str(tmp_path))
    neither = app.run("cp", "one", "two")
    itself = app.run("cp", app.paths.state_dir, "web:/tmp", "-c", "side")

    assert "copied into itself" in itself.stderr.replace("\n", " ")
    assert inside == renamed == "hello\n"
    assert came.status == 0
    assert "left out: out: is a link that leads out" in came.stderr
    assert os.listdir(back) == ["sub"]
    assert (back / "sub" / "page").read_text() == "hello\n"
    assert "read-only file system" in mounted.stderr
    assert "no such file or directory: /nowhere" in missing.stderr
    assert {done.status for done in (mounted, missing, neither, itself)} == {1}


def typed_at_terminal(app: Podpy, *words: str) -> str:
    """Run podpy on a terminal of its own, and return what it wrote there."""
    ours, theirs = pty.openpty()
    try:
        child = subprocess.Popen(
            [app.command, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, **app.env},
            start_new_session=True,
        )
        os.close(theirs)
        said = b""
        try:
            while block := os.read(ours, 1024):
                said += block
        except OSError:
            pass  # EIO: the last to hold the terminal's other end has gone.
        assert child.wait(30) == 0
        return said.decode()
    finally:
        os.close(ours)


def test_a_terminal_in_a_container_shows_no_secret_to_the_hosts_users(app: Podpy) -> None:
    ours, theirs = pty.openpty()
    try:
        child = subprocess.Popen(
            [app.command, "exec", "-it", "web", "-c", "app", "--", "sh", "-c", "echo $PASS; cat"],
            stdin=theirs, stdout=theirs, stderr=theirs,
            env={**os.environ, **app.env}, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        said = b""
        while b"hunter2" not in said:
            said += os.read(ours, 1024)
        shown = Path(f"/proc/{child.pid}/cmdline").read_bytes()

        assert b"exec" in shown
        assert b"hunter2" not in shown
        os.write(ours, b"\x04")
        assert child.wait(30) == 0
    finally:
        os.close(ours)


def check_top(app: Podpy) -> None:
    uses: list[dict[str, Any]] = app.json("top", "pods", "-o", "json")
    assert {use["pod"] for use in uses} >= {"web"}
    assert all(use["memoryBytes"] > 0 and use["pids"] > 0 for use in uses)
    rows = table(app.ok("top", "pod", "web", "--containers"))
    assert [row["NAME"] for row in rows] == ["app", "side"]


def check_events(app: Podpy) -> None:
    assert "Created" in app.ok("events", "--for", "pod/web")
    happened = app.json("events", "-o", "json")["items"]
    assert "involvedObject" in app.ok("events", "--types", "normal", "-o", "yaml")
    assert 'did you mean "Warning"' in app.run("events", "--types", "Warnign").stderr
    assert {"Pod", "Deployment", "Job"} <= {one["involvedObject"]["kind"] for one in happened}


def check_networks_and_volumes(app: Podpy) -> None:
    assert tables.UNKNOWN not in app.ok("get", "networks,namespaces")
    (network,) = app.json("network", "ls", "-o", "json")
    assert network["name"] == "default"
    assert "web" in {pod["name"] for pod in network["pods"]}
    assert "in use by" in app.run("network", "rm", "default").stderr
    (volume,) = app.json("volume", "ls", "-o", "json")
    assert (volume["name"], volume["pods"]) == ("data", ["web"])
    assert "in use by web" in app.run("volume", "rm", "data", "--yes").stderr
    assert os.path.isdir(volume["directory"])


def test_readers_that_stop_and_users_without_rights_see_no_traceback(app: Podpy) -> None:
    for words in (["get", "pods", "-o", "yaml"], ["logs", "web", "-c", "app"], ["events"]):
        reading = app.start(*words)
        assert reading.stdout is not None
        reading.stdout.close()
        assert reading.wait(30) == 0
        assert reading.stderr is not None
        assert reading.stderr.read() == ""
    following = app.start("logs", "-f", "web", "--all-containers", "--prefix")
    assert following.stdout is not None
    assert "[pod/web/" in following.stdout.readline()
    following.stdout.close()
    app.ok("exec", "web", "-c", "side", "--", "sh", "-c", "echo more > /proc/1/fd/1")
    assert following.wait(30) == 0
    assert following.stderr is not None
    assert following.stderr.read() == ""
    os.chmod(app.root, 0o755)
    for word in ("get pods", "logs web", "top pods", "get cm"):
        program = f"import sys; sys.path[:0] = {sys.path!r}; from podpy.__main__ import main; "
        program += f"sys.argv[1:] = {word.split()!r}; sys.exit(main())"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **app.env}, user=65534, group=65534, extra_groups=[],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr
        assert "permission denied" in done.stderr.lower()
        assert "Traceback" not in done.stderr


def test_a_volume_and_a_network_go_when_asked_for(app: Podpy, tmp_path: Path) -> None:
    app.ok("delete", "pod", "web", "broken")
    app.ok("delete", "deploy/idle", "job/once")
    (volume,) = app.json("volume", "ls", "-o", "json")

    refused = app.run("volume", "rm", "data")

    assert "nothing was deleted" in refused.stderr
    assert os.path.isdir(volume["directory"])
    assert app.ok("volume", "rm", "data", "--yes") == "data\n"
    assert not os.path.exists(volume["directory"])
    assert app.ok("network", "prune") == "default\n"
    assert app.json("network", "ls", "-o", "json") == []


def test_what_changes_is_watched(app: Podpy, instance: Paths) -> None:
    watching = app.start("get", "pods", "-l", "app=idle", "-w", "--no-headers")
    assert watching.stdout is not None
    first = watching.stdout.readline().split()
    name = first[0]
    uid = app.json("get", "pod", name, "-o", "json")["metadata"]["uid"]
    os.kill(int(Path(f"{instance.container(uid, 'c')}/pid").read_text()), signal.SIGKILL)
    wait_until(
        lambda: app.json("get", "pod", name, "-o", "json")["status"]["containerStatuses"][0][
            "restartCount"
        ],
        "the container is restarted",
    )
    again = watching.stdout.readline().split()

    assert first[1:4] == ["1/1", "Running", "0"]
    assert again[0] == name


def test_what_goes_is_watched_with_its_last_state(app: Podpy) -> None:
    chosen = ("get", "cm", "page", "key", "--ignore-not-found", "-w", "--output-watch-events")
    lines, values = app.start(*chosen), app.start(*chosen, "-o", "jsonpath={.type}{.object.data}")
    plain = app.start("get", "cm", "page", "-w")
    assert lines.stdout
    assert values.stdout
    assert plain.stdout
    began = [lines.stdout.readline().split(), lines.stdout.readline().split()]
    first = [plain.stdout.readline(), plain.stdout.readline()]
    added = values.stdout.readline()
    app.ok("delete", "cm", "page")

    assert began[0] == ["EVENT", "NAME", "DATA", "AGE"]
    assert began[1][:3] == ["ADDED", "page", "2"]
    assert lines.stdout.readline().split()[:3] == ["DELETED", "page", "2"]
    assert added.startswith("ADDED{")
    assert values.stdout.readline() == added.replace("ADDED", "DELETED")
    assert first[1].split()[:2] == plain.stdout.readline().split()[:2] == ["page", "2"]


@pytest.mark.parametrize(("words", "forbidden"), test_main.TABLE[1:])
def test_commands_that_have_pods_to_read_import_no_more(
    app: Podpy, words: list[str], forbidden: tuple[str, ...]
) -> None:
    if words[0] == "exec":
        pytest.skip("exec becomes the command: nothing is left to ask")
    assert start_up.trespassers(start_up.imported(words, app.env), forbidden) == []
