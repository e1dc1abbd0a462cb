"""AppArmor and seccomp: the profiles are in force, podpy's own and the administrator's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vmhost import samples

if TYPE_CHECKING:
    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

# CAP_SYS_ADMIN opens seccomp for mount(2): what still refuses it is AppArmor.
MOUNTER = "{capabilities: {add: [SYS_ADMIN]}}"
UNCONFINED = "{capabilities: {add: [SYS_ADMIN]}, appArmorProfile: {type: Unconfined}}"
NAMED = "{appArmorProfile: {type: Localhost, localhostProfile: no-notes}}"
NO_NOTES = """\
profile no-notes flags=(attach_disconnected,mediate_deleted) {
  file, network, capability, signal, unix, ptrace,
  deny /notes w,
}
"""
NO_MKDIR = (
    '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls":'
    ' [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}'
)


def play(machine: Machine, security: str) -> None:
    machine.write("/root/pod.yaml", samples.sleeper("one", security))
    machine.sh("podpy kube play /root/pod.yaml")


def inside(machine: Machine, command: str) -> str:
    """Run a shell command in the pod; return all that it printed, whatever its status."""
    return machine.sh(f"podpy exec one -- sh -c '({command}) 2>&1' || true")


def test_the_default_profile_confines_who_names_none(machine: Machine) -> None:
    play(machine, MOUNTER)

    for process in ("1", "self"):
        told = inside(machine, f"cat /proc/{process}/attr/current")
        assert told == "podpy-default-1 (enforce)\n"
    assert "denied" in inside(machine, "mount -t tmpfs none /mnt || mount -t tmpfs none /tmp")


def test_who_asks_for_it_is_unconfined(machine: Machine) -> None:
    play(machine, UNCONFINED)

    assert inside(machine, "cat /proc/1/attr/current") == "unconfined\n"
    assert inside(machine, "mkdir /new && mount -t tmpfs none /new && echo yes") == "yes\n"


def test_a_profile_of_the_administrator_is_in_force(machine: Machine) -> None:
    machine.write("/root/no-notes", NO_NOTES)
    machine.sh("apparmor_parser --replace /root/no-notes")
    play(machine, NAMED)

    assert inside(machine, "cat /proc/1/attr/current") == "no-notes (enforce)\n"
    assert "denied" in inside(machine, "echo >/notes")
    assert inside(machine, "echo >/others && echo yes") == "yes\n"


def test_a_profile_that_is_not_loaded_is_refused_with_what_to_do(machine: Machine) -> None:
    machine.write("/root/pod.yaml", samples.sleeper("one", NAMED))

    done = machine.run("podpy", "kube", "play", "/root/pod.yaml")

    assert done.status == 125
    assert 'AppArmor profile "no-notes" cannot be enforced: it is not loaded' in done.stderr
    assert "apparmor_parser --replace" in done.stderr
    assert machine.run("pgrep", "conmon").status == 1


def test_the_default_seccomp_profile_filters_who_names_none(machine: Machine) -> None:
    play(machine, "{}")

    assert inside(machine, "grep ^Seccomp: /proc/1/status").split() == ["Seccomp:", "2"]
    assert inside(machine, "grep ^Seccomp: /proc/self/status").split() == ["Seccomp:", "2"]
    assert "not permitted" in inside(machine, "unshare -U true")


def test_without_seccomp_the_same_call_is_allowed(machine: Machine) -> None:
    play(machine, "{seccompProfile: {type: Unconfined}}")

    assert inside(machine, "grep ^Seccomp: /proc/1/status").split() == ["Seccomp:", "0"]
    assert inside(machine, "unshare -U true && echo yes") == "yes\n"


def test_a_seccomp_file_of_the_administrator_is_in_force(machine: Machine) -> None:
    machine.write("/var/lib/kubelet/seccomp/no-mkdir.json", NO_MKDIR)
    play(machine, "{seccompProfile: {type: Localhost, localhostProfile: no-mkdir.json}}")

    assert "not permitted" in inside(machine, "mkdir /new")
    assert inside(machine, "touch /file && echo yes") == "yes\n"
