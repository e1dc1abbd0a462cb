"""podpy as an ordinary user: pods that talk to each other, and are reached from the host."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import images, ordinary_user
from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fixtures.images import Image
    from tests.fixtures.ordinary_user import User

pytestmark = [pytest.mark.host, pytest.mark.timeout(300)]

PORT, LOCAL_PORT = 28311, 28312
WEB = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: {images.BUSYBOX}
    command:
    - sh
    - -c
    - echo up as $(id -u); echo hello >/srv/index.html; exec httpd -f -p 80 -h /srv
    resources: {{limits: {{memory: 64Mi}}}}
    volumeMounts: [{{name: srv, mountPath: /srv}}]
    ports:
    - {{containerPort: 80, hostPort: {PORT}}}
    - {{containerPort: 80, hostPort: {LOCAL_PORT}, hostIP: 127.0.0.1}}
  volumes: [{{name: srv, emptyDir: {{}}}}]
"""
CLIENT = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: client}}
spec:
  terminationGracePeriodSeconds: 1
  securityContext: {{runAsUser: 1234, fsGroup: 4321}}
  containers:
  - name: app
    image: {images.BUSYBOX}
    command: [sh, -c, "trap exit TERM; sleep 1000 & wait"]
"""


@pytest.fixture
def user(busybox_image: Image) -> Iterator[User]:
    with ordinary_user.made() as made:
        layout = f"{made.root}/image"
        shutil.copytree(busybox_image.layout, layout)
        for folder, _, files in os.walk(layout):
            os.chmod(folder, 0o755)
            for name in files:
                os.chmod(f"{folder}/{name}", 0o644)
        made.ok("image", "pull", busybox_image._replace(layout=layout).source)
        yield made


def fetched(port: int = PORT) -> str:
    """Return what is served; the port is there before the program behind it listens."""
    with (
        contextlib.suppress(OSError),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer,
    ):
        text: str = answer.read().decode()
        return text
    return ""


def until_served(port: int = PORT) -> None:
    wait_until(lambda: fetched(port) == "hello\n", f"an answer at port {port}")


def test_pods_of_a_user_talk_and_are_reached_and_go(user: User) -> None:
    file = user.write("app.yaml", f"{WEB}---\n{CLIENT}")

    told = user.run("kube", "play", file)

    assert told.status == 0, told.stderr
    assert "up as 0" in user.ok("logs", "web")
    until_served()
    until_served(LOCAL_PORT)
    assert user.ok("exec", "client", "--", "wget", "-qO-", "http://web/") == "hello\n"
    assert user.ok("exec", "client", "--", "id", "-u") == "1234\n"
    assert user.ok("diff", "-f", file).startswith("nothing to change")

    os.kill(_of_program(user, "httpd"), signal.SIGKILL)

    wait_until(lambda: " 1 (" in user.ok("get", "pods", "web"), "a restart without an agent")
    until_served()
    user.ok("kube", "down", file)
    left = {name for name in user.processes().values() if name in ("conmon", "httpd", "sh")}
    assert left == set()
    assert fetched() == ""


def _of_program(user: User, name: str) -> int:
    return next(pid for pid, program in user.processes().items() if program == name)


def test_who_dies_of_those_that_hold_it_all_is_replaced(user: User) -> None:
    file = user.write("web.yaml", WEB)
    user.ok("apply", "-f", file)

    os.kill(user.holder()["network"], signal.SIGKILL)

    assert f"{PORT}/TCP led nowhere" in user.run("diff", "-f", file).stdout
    user.ok("apply", "-f", file)
    until_served()

    os.kill(user.holder()["pid"], signal.SIGKILL)

    user.ok("apply", "-f", file)
    until_served()
    assert list(user.processes().values()).count("conmon") == 1


REFUSED = {
    "users may listen from": ("hostPort: 28311", "hostPort: 80"),
    "hostPID: a user's pods": ("volumes:", "hostPID: true\n  volumes:"),
    "hostIPC: a user's pods": ("volumes:", "hostIPC: true\n  volumes:"),
}


def test_what_takes_root_is_refused_with_what_to_do(user: User) -> None:
    for told, change in REFUSED.items():
        done = user.run("apply", "-f", user.write("web.yaml", WEB.replace(*change)))

        assert done.status == 1
        assert told in done.stderr
        assert "hint" in done.stderr
        assert "conmon" not in user.processes().values()


def test_a_user_builds_on_an_image_that_only_podpy_has(user: User) -> None:
    os.mkdir(f"{user.home}/context")
    user.write("context/Containerfile", f"FROM {images.BUSYBOX}\nRUN touch /x && chown 33:33 /x\n")
    os.chmod(f"{user.home}/context", 0o755)
    user.ok("image", "build", "-t", "localhost/own:1", f"{user.home}/context")
    file = user.write("own.yaml", CLIENT.replace(images.BUSYBOX, "localhost/own:1"))

    user.ok("kube", "play", file)

    assert user.ok("exec", "client", "--", "stat", "-c", "%u:%g", "/x") == "33:33\n"


def test_an_agent_that_no_webhook_would_reach_is_refused(user: User) -> None:
    done = user.run("agent", "--listen", "127.0.0.1:9797")

    assert done.status == 1
    assert "not in the host's network" in done.stderr


def test_doctor_examines_what_a_user_needs(user: User) -> None:
    found = user.ok("doctor")

    assert "root in this user's namespaces" in found
    assert "MISSING" not in found
    assert "NAT rules can be loaded" in found
