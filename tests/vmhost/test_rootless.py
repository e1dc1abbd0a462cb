"""podpy of an ordinary user on a Debian 13 host: their systemd gives cgroups, and brings pods back.

Commands come by ssh, from a login session, whose cgroup is none of the user's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vmhost import samples

if TYPE_CHECKING:
    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

AS_ANN = "ssh -o StrictHostKeyChecking=no -o ConnectTimeout=60 ann@127.0.0.1"
USER = f"""
{samples.KEYS}
useradd --create-home --shell /bin/bash ann
loginctl enable-linger ann
install -d -o ann -g ann -m 700 /home/ann/.ssh
install -o ann -g ann -m 600 /root/.ssh/id_ed25519.pub /home/ann/.ssh/authorized_keys
cp -r /root/image /home/ann/image
chown -R ann: /home/ann/image
{AS_ANN} podpy image pull oci:image:{samples.IMAGE}
"""
LIMITED = samples.WEB.replace(
    "ports:", "resources: {limits: {memory: 64Mi, cpu: 500m}}\n    ports:"
)


@pytest.fixture
def ann(machine: Machine) -> Machine:
    """Give the machine with a user who lingers and has the image."""
    machine.sh(USER)
    machine.write("/home/ann/web.yaml", LIMITED)
    return machine


def test_pods_have_their_limits_and_outlive_the_session(ann: Machine) -> None:
    ann.sh(f"{AS_ANN} podpy kube play web.yaml")

    ann.until('test -z "$(loginctl list-sessions --no-legend | grep ann | grep -v manager)"')
    assert ann.sh(samples.SERVED) == "hello\n"
    limits = ann.sh(f"{AS_ANN} podpy exec web -- sh -c \"'cat /sys/fs/cgroup/*.max'\"")
    assert str(64 << 20) in limits
    assert "50000 100000" in limits
    assert "MISSING" not in ann.sh(f"{AS_ANN} podpy doctor")
    before = ann.sh("pgrep -x httpd")
    ann.sh("kill -9 $(pgrep -x httpd)")
    ann.until(f"pgrep -x httpd | grep -vx {before.strip()}")
    assert ann.sh(samples.SERVED) == "hello\n"

    ann.sh(f"{AS_ANN} systemctl --user stop podpy-pods")

    assert ann.run("pgrep", "-x", "conmon").status == 1
    ann.sh(f"{AS_ANN} podpy apply -f web.yaml")
    assert ann.sh(samples.SERVED) == "hello\n"


def test_a_users_agent_brings_pods_back_after_a_reboot(ann: Machine) -> None:
    ann.sh(
        f"{AS_ANN} 'mkdir -p .config/systemd/user; podpy agent --unit --user "
        ">.config/systemd/user/podpy-agent.service; systemctl --user daemon-reload; "
        "systemctl --user enable --now podpy-agent; podpy apply -f web.yaml'"
    )

    ann.reboot()

    assert ann.sh(samples.SERVED) == "hello\n"
    ann.sh("kill -9 $(cat /run/user/*/podpy-user/holder.pid)")
    ann.until(samples.SERVED)
