"""`podpy adopt` takes over what Podman 5.4 runs, or leaves it to Podman as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vmhost import samples
from tests.vmhost.test_quadlet import INFRA, PAUSE

if TYPE_CHECKING:
    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

PULL = f"podman pull -q oci:/root/image:{samples.IMAGE}"
SERVE = "echo began >>/data/log; exec httpd -f -p 80 -h /data"
LOG = f"{samples.FETCH} http://127.0.0.1:8080/log"
UNIT = f"""\
[Container]
ContainerName=shop
Image={samples.IMAGE}
Exec=sh -c "{SERVE}"
Volume=shop-data:/data
PublishPort=8080:80
StopTimeout=1

[Service]
Restart=always

[Install]
WantedBy=multi-user.target
"""
SECRET = "--secret key --secret key,type=env,target=WORD"
# Names are aardvark-dns' to find, which is not there.
SUBNET = "--disable-dns --subnet 10.99.1.0/24 --gateway 10.99.1.9"
WAIT = "exec sleep 100000"
RUNNING = "podman ps --quiet | wc -l"


def shop(name: str, more: str, command: str = SERVE) -> str:
    """Return how Podman starts a container that writes down that it began."""
    return f"podman run -d --name {name} --stop-timeout 1 {more} {samples.IMAGE} sh -c '{command}'"


def test_containers_of_a_network_keep_data_addresses_and_ports(machine: Machine) -> None:
    machine.sh("printf open | podman secret create key -")
    machine.sh(
        f"{PULL}; podman network create {SUBNET} backend;"
        + shop("shop", "--network backend --ip 10.99.1.7 -v data:/data -p 8080:80 --restart always")
        + ";"
        + shop("till", f"{SECRET} --network backend --ip 10.99.1.8 -v data:/data:ro", WAIT)
    )
    alone = machine.run("podpy", "adopt", "shop", "--yes")
    assert alone.status == 1
    assert "volume data: till uses it, too: adopt that with it" in alone.stdout
    assert machine.sh(LOG) == "began\n"

    machine.sh("podpy adopt shop till --yes -o /root/app")

    assert machine.sh(LOG) == "began\nbegan\n"
    where = "podpy get pods -o 'jsonpath={.items[*].status.podIP}'"
    assert machine.sh(where).split() == ["10.99.1.7", "10.99.1.8"]
    asked = samples.asked("10.99.1.7", "/log")
    assert "began" in machine.sh(f'podpy exec till -- sh -c "{asked}"')
    told = machine.sh("podpy exec till -- sh -c 'cat /run/secrets/key; echo $WORD'")
    assert told == "openopen\n"
    assert machine.sh(RUNNING) == "0\n"
    policy = "podman inspect shop --format '{{.HostConfig.RestartPolicy.Name}}'"
    assert machine.sh(policy) == "no\n"
    assert machine.sh("podpy diff -f /root/app").startswith("nothing to change")
    machine.sh("podman rm shop till; podman volume rm data; podman network rm backend")
    assert machine.sh(LOG) == "began\nbegan\n"


def test_what_does_not_come_to_run_goes_back_to_podman(machine: Machine) -> None:
    only_podman = f"test -e /run/.containerenv || exit 3; {SERVE}"
    machine.sh(f"{PULL}; {shop('shop', '-v data:/data -p 8080:80 --restart always', only_podman)}")

    done = machine.run("podpy", "adopt", "shop", "--yes", "--timeout", "20")

    assert done.status == 1
    assert "Podman runs it again as before" in done.stderr
    assert machine.sh(LOG) == "began\nbegan\n"
    policy = "podman inspect shop --format '{{.HostConfig.RestartPolicy.Name}}'"
    assert machine.sh(policy) == "always\n"
    assert machine.sh("podpy get pods,pvc -o name") == ""


def test_a_pod_goes_as_a_whole(machine: Machine) -> None:
    machine.write("/etc/containers/containers.conf.d/infra.conf", INFRA)
    machine.sh(
        f"{PAUSE}{PULL}; podman pod create --name web -p 8080:80 --hostname front;"
        + shop("web-main", "--pod web -v data:/data")
        + ";"
        + shop("side", "--pod web", WAIT)
    )

    # Killed in the midst of it: given again without names it goes on.
    machine.sh(
        "podpy adopt side --yes >/dev/null 2>&1 & "
        "until test -e /var/lib/podpy/adopting/web.json; do sleep 0.05; done; kill -9 $!"
    )
    assert "was begun" in machine.run("podpy", "adopt", "--dry-run").stderr
    machine.sh("podpy adopt")

    assert machine.sh(LOG) == "began\nbegan\n"
    names = "podpy get pod web -o 'jsonpath={.spec.containers[*].name}'"
    assert sorted(machine.sh(names).split()) == ["main", "side"]
    assert machine.sh("podpy exec web -c side -- hostname") == "front\n"
    assert machine.sh(RUNNING) == "0\n"


def test_a_quadlet_does_not_come_back_at_the_next_boot(machine: Machine) -> None:
    file = "/etc/containers/systemd/shop.container"
    machine.sh(f"mkdir -p /etc/containers/systemd; {PULL}")
    machine.write(file, UNIT)
    machine.sh("systemctl daemon-reload; systemctl start shop")
    assert machine.sh(LOG) == "began\n"

    machine.sh("podpy adopt --quadlets --yes")

    assert machine.sh(LOG) == "began\nbegan\n"
    assert machine.run("systemctl", "start", "shop").status != 0
    assert machine.sh(f"ls {file}.adopted") == f"{file}.adopted\n"
    assert machine.sh(RUNNING) == "0\n"
