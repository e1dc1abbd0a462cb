"""The default seccomp profile, and profiles of the user's own, in OCI form."""

from __future__ import annotations

import errno
import json
from typing import Any

import pytest

from manifests.faults import Invalid
from renderers import capabilities, seccomp

DEFAULT = tuple(capabilities.DEFAULT)


def verdict(profile: dict[str, Any], name: str, *arguments: int) -> str | int:
    """What the profile says to a call: "allow" or an errno, as libseccomp would find it."""
    for rule in profile["syscalls"]:
        if name in rule["names"] and all(_meets(arg, arguments) for arg in rule.get("args", ())):
            return "allow" if rule["action"] == "SCMP_ACT_ALLOW" else rule["errnoRet"]
    refusal: int = profile["defaultErrnoRet"]
    return refusal


def _meets(condition: dict[str, Any], arguments: tuple[int, ...]) -> bool:
    value = arguments[condition["index"]]
    match condition["op"]:
        case "SCMP_CMP_EQ":
            return bool(value == condition["value"])
        case "SCMP_CMP_NE":
            return bool(value != condition["value"])
        case "SCMP_CMP_MASKED_EQ":
            return bool(value & condition["value"] == condition["valueTwo"])
    raise AssertionError(condition)


@pytest.mark.parametrize("name", ["read", "openat2", "futex_waitv", "arch_prctl", "chroot"])
def test_ordinary_calls_are_allowed(name: str) -> None:
    assert verdict(seccomp.render(DEFAULT), name) == "allow"


@pytest.mark.parametrize(
    "name", ["mount", "unshare", "setns", "keyctl", "bpf", "io_uring_setup", "kexec_load", "reboot"]
)
def test_dangerous_calls_are_refused(name: str) -> None:
    assert verdict(seccomp.render(DEFAULT), name) == errno.EPERM


def test_a_call_that_nobody_knows_yet_does_not_exist() -> None:
    assert verdict(seccomp.render(DEFAULT), "invented_2031") == errno.ENOSYS


@pytest.mark.parametrize(
    ("capability", "name"),
    [
        ("CAP_SYS_ADMIN", "mount"),
        ("CAP_SYS_TIME", "clock_settime"),
        ("CAP_SYS_BOOT", "reboot"),
        ("CAP_BPF", "bpf"),
        ("CAP_SYSLOG", "syslog"),
    ],
)
def test_a_capability_brings_its_calls(capability: str, name: str) -> None:
    assert verdict(seccomp.render(DEFAULT), name) == errno.EPERM
    assert verdict(seccomp.render((*DEFAULT, capability)), name) == "allow"


@pytest.mark.parametrize("flag", seccomp.NAMESPACE_FLAGS)
def test_clone_makes_threads_but_no_namespaces(flag: int) -> None:
    ordinary = 0x003D_0F00  # what pthread_create asks for

    profile = seccomp.render(DEFAULT)

    assert verdict(profile, "clone", ordinary) == "allow"
    assert verdict(profile, "clone", ordinary | flag) == errno.EPERM
    assert verdict(profile, "clone3", 0) == errno.ENOSYS
    assert verdict(seccomp.render(("CAP_SYS_ADMIN",)), "clone", flag) == "allow"


def test_s390_has_clones_flags_in_its_second_argument() -> None:
    profile = seccomp.render(DEFAULT, "s390x")

    assert verdict(profile, "clone", 0, 0x1000_0000) == errno.EPERM


def test_sockets_reach_no_hypervisor() -> None:
    assert verdict(seccomp.render(DEFAULT), "socket", 40) == errno.EPERM
    assert verdict(seccomp.render(DEFAULT), "socket", 2) == "allow"


def test_no_call_is_both_allowed_and_refused() -> None:
    for held in (DEFAULT, (), capabilities.KNOWN):
        rules = [rule for rule in seccomp.render(held)["syscalls"] if "args" not in rule]
        allowed = [n for r in rules if r["action"] == "SCMP_ACT_ALLOW" for n in r["names"]]
        refused = [n for r in rules if r["action"] != "SCMP_ACT_ALLOW" for n in r["names"]]

        assert not set(allowed) & set(refused)


def test_every_machine_names_its_architectures() -> None:
    assert seccomp.render(DEFAULT, "x86_64")["architectures"] == [
        "SCMP_ARCH_X86_64",
        "SCMP_ARCH_X86",
        "SCMP_ARCH_X32",
    ]
    assert seccomp.render(DEFAULT, "m68k")["architectures"] == []


DOCKER = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 1,
    "archMap": [
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": None},
    ],
    "syscalls": [
        {"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {}, "excludes": {}},
        {"name": "write", "action": "SCMP_ACT_ALLOW"},
        {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
        {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38,
         "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}},
        {"names": ["breakpoint"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm64"]}},
    ],
}  # fmt: skip


def test_dockers_conditions_are_decided() -> None:
    profile = seccomp.translate(json.dumps(DOCKER), DEFAULT)

    names = [name for rule in profile["syscalls"] for name in rule["names"]]
    assert names == ["read", "write", "ptrace", "clone3", "arch_prctl"]
    assert profile["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    assert profile["defaultErrnoRet"] == 1
    assert not any("includes" in rule for rule in profile["syscalls"])


def test_dockers_conditions_look_at_capability_and_machine() -> None:
    profile = seccomp.translate(json.dumps(DOCKER), ("CAP_SYS_ADMIN",), "aarch64")

    names = [name for rule in profile["syscalls"] for name in rule["names"]]
    assert names == ["read", "write", "ptrace", "mount", "breakpoint"]
    assert profile["architectures"] == ["SCMP_ARCH_AARCH64"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"defaultAction": 1, "syscalls": [{}]}'])
def test_what_is_no_profile_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid, match=r"profiles/web\.json"):
        seccomp.translate(text, DEFAULT, name="profiles/web.json")
