"""Fields that `podman kube play` ignores or gets wrong: what a container sees of each."""

from __future__ import annotations

import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import pytest

from runtime.kernel import mounts
from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: cfg}
data: {A: one, script: "#!/bin/sh"}
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {word: hush}
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  terminationGracePeriodSeconds: 0
  hostname: host1
  subdomain: sub
  setHostnameAsFQDN: true
  hostAliases: [{ip: 10.9.9.9, hostnames: [foo.local, bar]}]
  dnsPolicy: None
  dnsConfig: {nameservers: [192.0.2.9], searches: [ex.org], options: [{name: ndots, value: "3"}]}
  securityContext:
    fsGroup: 2000
    fsGroupChangePolicy: OnRootMismatch
    supplementalGroups: [3000]
    supplementalGroupsPolicy: Strict
    sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: "81"}]
  containers:
  - name: c
    image: localhost/podpy-test/busybox:1
    command: [sleep, "1000"]
    envFrom: [{prefix: P_, configMapRef: {name: cfg}}]
    env:
    - {name: X, value: "$(P_A)-x $$(P_A) $(NOPE)"}
    - {name: NS, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
    - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
    - {name: SA, valueFrom: {fieldRef: {fieldPath: spec.serviceAccountName}}}
    - {name: PIP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: HIP, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}
    - name: RES
      valueFrom: {resourceFieldRef: {containerName: d, resource: limits.memory, divisor: 1Mi}}
    resources: {requests: {cpu: 250m}, limits: {memory: 64Mi}}
    securityContext: {readOnlyRootFilesystem: true, runAsUser: 1000, runAsNonRoot: true}
    volumeMounts:
    - {name: none, mountPath: /made, subPath: made/here}
    - {name: none, mountPath: /expr, subPathExpr: "e-$(P_A)"}
    - {name: none, mountPath: /none}
    - {name: cfg, mountPath: /cfg}
    - {name: opt, mountPath: /opt}
    - {name: mem, mountPath: /mem}
    - {name: down, mountPath: /down}
    - {name: proj, mountPath: /proj}
    - {name: eph, mountPath: /eph}
    - {name: host, mountPath: /ro, readOnly: true}
    - {name: host, mountPath: /rro, readOnly: true, recursiveReadOnly: Enabled}
  - name: d
    image: localhost/podpy-test/busybox:1
    command: [sleep, "1000"]
    resources: {limits: {memory: 32Mi}}
    volumeMounts: [{name: mem, mountPath: /mem}]
  volumes:
  - {name: none}
  - {name: cfg, configMap: {name: cfg, items: [{key: script, path: run.sh, mode: 0755}]}}
  - {name: opt, configMap: {name: nothing, optional: true}}
  - {name: mem, emptyDir: {medium: Memory, sizeLimit: 10Mi}}
  - name: down
    downwardAPI:
      items:
      - {path: labels, fieldRef: {fieldPath: metadata.labels}}
      - {path: mem, resourceFieldRef: {containerName: d, resource: limits.memory}}
  - name: proj
    projected:
      defaultMode: 0440
      sources:
      - configMap: {name: cfg, items: [{key: A, path: a}]}
      - secret: {name: key}
      - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}
  - name: eph
    ephemeral:
      volumeClaimTemplate:
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
  - {name: host, hostPath: {path: HOST}}
"""

SEEN = (
    ("echo $X", "one-x $(P_A) $(NOPE)"),
    ("echo $NS $SA $RES", "default default 32"),
    ("echo $P_A", "one"),
    ("id -u; id -G", "1000\n0 2000 3000"),
    ("hostname", "host1.sub.default.svc.cluster.local"),
    ("grep -c 'host1.sub.default.svc.cluster.local\thost1' /etc/hosts", "1"),
    ("grep 10.9.9.9 /etc/hosts", "10.9.9.9\tfoo.local bar"),
    ("cat /etc/resolv.conf", "nameserver 192.0.2.9\nsearch ex.org\noptions ndots:3"),
    ("cat /proc/sys/net/ipv4/ip_unprivileged_port_start", "81"),
    ("touch /tmp/x 2>&1 || true", "touch: /tmp/x: Read-only file system"),
    ("touch /expr/x /made/x; ls /none /none/made", "/none:\ne-one\nmade\n\n/none/made:\nhere"),
    ("/cfg/run.sh; stat -Lc %a /cfg/run.sh", "755"),
    ("ls /opt", ""),
    ("cat /down/labels /down/mem", 'app="web"33554432'),
    ("cat /proj/a /proj/name /proj/word", "onewebhush"),
    ("stat -Lc %a:%g /proj/word", "440:2000"),
    ("grep -c ' /proj tmpfs\\| /proj .* tmpfs' /proc/self/mountinfo || true", "1"),
    ("touch /eph/x; stat -c %g /eph", "2000"),
    ("touch /ro/x 2>&1 || true", "touch: /ro/x: Read-only file system"),
    ("touch /rro/below/x 2>&1 || true", "touch: /rro/below/x: Read-only file system"),
)


@pytest.fixture
def play(podpy: Podpy, busybox_image: Image) -> Podpy:
    """Give the real command with the busybox image in its store."""
    podpy.load(busybox_image)
    return podpy


def inside(podpy: Podpy, container: str, command: str) -> str:
    return podpy.ok("exec", "web", "-c", container, "--", "sh", "-c", command).strip()


def pod(**spec: Any) -> str:
    import json

    container = {"name": "c", "image": "localhost/podpy-test/busybox:1", "command": ["id"]}
    spec["containers"] = [{**container, **spec.pop("container", {})}]
    raw = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    return json.dumps(raw)


def test_every_field_is_seen_inside(play: Podpy, tmp_path: Path) -> None:
    (tmp_path / "host" / "below").mkdir(parents=True)
    mounts.filesystem("tmpfs", str(tmp_path / "host" / "below"), options="mode=777")
    file = tmp_path / "web.yaml"
    file.write_text(MANIFEST.replace("HOST", str(tmp_path / "host")))
    try:
        played = play.run("kube", "play", str(file))
        assert (played.status, played.stderr) == (0, "")

        for command, expected in SEEN:
            assert inside(play, "c", command) == expected, command
        assert inside(play, "c", "echo $NODE") == socket.gethostname()
        pip, hip = inside(play, "c", "echo $PIP $HIP").split()
        assert pip == the_pod(play)["status"]["podIP"] != hip
        inside(play, "c", "echo shared > /mem/x")
        assert inside(play, "d", "cat /mem/x") == "shared"
        file.write_text(file.read_text().replace("{app: web}", "{app: web, new: label}"))
        play.ok("kube", "play", str(file))
        assert inside(play, "c", "cat /down/labels") == 'app="web"\nnew="label"'
        play.ok("kube", "down", str(file))
    finally:
        mounts.umount(str(tmp_path / "host" / "below"))


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (pod(securityContext={"runAsNonRoot": True}), "runAsNonRoot"),
        (
            pod(
                securityContext={
                    "seccompProfile": {"type": "Localhost", "localhostProfile": "none.json"}
                }
            ),
            "none.json cannot be read",
        ),
        (pod(securityContext={"sysctls": [{"name": "kernel.panic", "value": "3"}]}), "whole host"),
        (pod(hostname="h", subdomain="s" * 63, setHostnameAsFQDN=True), "longer than 64 bytes"),
        (pod(container={"lifecycle": {"stopSignal": "SIGNOTHING"}}), "name of a signal"),
        (pod(os={"name": "windows"}), "Linux containers only"),
    ],
)
def test_what_cannot_be_kept_is_refused(
    play: Podpy, instance: Paths, manifest: str, reason: str
) -> None:
    refused = play.run("kube", "play", "-", stdin=manifest)

    assert refused.status == 125
    assert reason in refused.stderr
    assert not os.path.exists(instance.pods) or os.listdir(instance.pods) == []


def test_the_hosts_processes_and_ipc_are_seen_where_asked_for(play: Podpy, instance: Paths) -> None:
    script = "trap : TERM; sleep 1234567 & exec sleep 1234567"
    manifest = pod(
        hostPID=True,
        hostIPC=True,
        terminationGracePeriodSeconds=0,
        container={"command": ["sh", "-c", script]},
    )
    play.ok("kube", "play", "-", stdin=manifest)

    for kind in ("pid", "ipc"):
        theirs = inside(play, "c", f"readlink /proc/self/ns/{kind}")
        assert theirs == os.readlink(f"/proc/self/ns/{kind}"), kind
    assert inside(play, "c", f"test -d /proc/{os.getpid()} && echo seen") == "seen"
    assert inside(play, "c", "stat -c %d /dev/shm") == str(os.stat("/dev/shm").st_dev)
    assert len(sleeping()) == 2
    uid = the_pod(play)["metadata"]["uid"]
    with open(f"{instance.container(uid, 'c')}/pid", encoding="ascii") as file:
        os.kill(int(file.read()), signal.SIGKILL)
    wait_until(lambda: restarts(play) == 1, "the container is back")
    wait_until(lambda: len(sleeping()) == 2, "what the first run has left is gone")
    play.ok("kube", "down", "-", stdin=manifest)
    assert sleeping() == []


def the_pod(podpy: Podpy) -> Any:
    return podpy.json("get", "pod", "web", "-o", "json")


def restarts(podpy: Podpy) -> int:
    return int(the_pod(podpy)["status"]["containerStatuses"][0]["restartCount"])


def sleeping() -> list[str]:
    """The processes of the container of the test above, as the host sees them."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/cmdline", "rb") as file:
                if file.read() == b"sleep\x001234567\x00":
                    found.append(number)
        except OSError:
            continue
    return found


def test_a_container_is_stopped_by_its_own_signal(play: Podpy, tmp_path: Path) -> None:
    script = "trap 'echo USR1 > /out/by; exit 0' USR1; echo up; while :; do sleep 0.1; done"
    manifest = pod(
        terminationGracePeriodSeconds=30,
        volumes=[{"name": "out", "hostPath": {"path": str(tmp_path)}}],
        container={
            "command": ["sh", "-c", script],
            "lifecycle": {"stopSignal": "SIGUSR1"},
            "volumeMounts": [{"name": "out", "mountPath": "/out"}],
        },
    )
    play.ok("kube", "play", "-", stdin=manifest)
    wait_until(lambda: play.ok("logs", "web") == "up\n", "the container is up")

    play.ok("kube", "down", "-", stdin=manifest)

    assert (tmp_path / "by").read_text() == "USR1\n"
