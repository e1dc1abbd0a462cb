"""Turn capabilities (or a user's profile) into the seccomp part of an OCI configuration. Pure.

    render(capabilities, machine)         podpy's default profile, kept as data in seccomp.json
    translate(text, capabilities, machine)  a profile file in Docker's or the OCI's own form

Called by renderers.oci_config. Which profile a container gets is decided by its securityContext.
"""

from __future__ import annotations

import errno
import json
import os

from manifests.faults import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

ALLOW = "SCMP_ACT_ALLOW"
REFUSE = "SCMP_ACT_ERRNO"
ADMIN = "CAP_SYS_ADMIN"

# CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET} of sched.h. NEWTIME cannot be given to clone(2).
NAMESPACE_FLAGS = (
    0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
)  # fmt: skip
VSOCK = 40  # AF_VSOCK would reach the hypervisor's host past every network namespace
# PER_LINUX, PER_LINUX32, UNAME26 with either, and "only ask": those that weaken no protection.
PERSONALITIES = (0x0, 0x8, 0x2_0000, 0x2_0008, 0xFFFF_FFFF)

# The names that Docker's profiles use for a machine, which are Go's.
GO_ARCHITECTURES = {
    "x86_64": ("amd64", "x86", "x32"),
    "i686": ("386", "x86"),
    "aarch64": ("arm64", "arm"),
    "armv7l": ("arm",),
    "ppc64le": ("ppc64le",),
    "s390x": ("s390x", "s390"),
    "riscv64": ("riscv64",),
}


def render(capabilities: Collection[str], machine: str = "x86_64") -> dict[str, Any]:
    """Return linux.seccomp of the default profile, for a process with `capabilities`.

    `machine` is uname -m. A machine that the data does not name gets the common list alone, and
    the runtime filters its native calls only.
    """
    data = _data()
    of_machine = data["machines"].get(machine, {"architectures": [], "allow": []})
    granted: set[str] = set()
    gated: set[str] = set()
    for capability, names in data["capabilities"].items():
        (granted if capability in capabilities else gated).update(_words(names))
    rules = [
        _rule(ALLOW, [*_words(data["allow"]), *_words(of_machine["allow"]), *sorted(granted)]),
        _rule(
            REFUSE,
            [*_words(data["deny"]), *sorted(gated - granted - {"clone", "clone3"})],
            errno.EPERM,
        ),
        *_socket_rules(),
        *(_rule(ALLOW, ["personality"], args=[_equals(0, which)]) for which in PERSONALITIES),
    ]
    if ADMIN not in capabilities:
        rules += _clone_rules(machine)
    return {
        "defaultAction": REFUSE,
        "defaultErrnoRet": errno.ENOSYS,
        "architectures": of_machine["architectures"],
        "syscalls": rules,
    }


def translate(
    text: str, capabilities: Collection[str], machine: str = "x86_64", *, name: str = "profile"
) -> dict[str, Any]:
    """Return linux.seccomp of a profile file: Docker's form (archMap, includes) or the OCI's.

    Raises Invalid, naming `name`, when `text` is no such profile. A rule's `minKernel` is taken as
    met: the newest that published profiles ask for is 4.8, older than any host podpy runs on.
    """
    try:
        profile = json.loads(text)
        default_action = profile["defaultAction"]
        rules = [
            _translated(rule)
            for rule in profile.get("syscalls") or []
            if _applies(rule, set(capabilities), GO_ARCHITECTURES.get(machine, (machine,)))
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid(
            f"seccomp {name}: is no seccomp profile: {type(error).__name__} {error}",
            hint="it must be JSON with defaultAction and syscalls, as Docker's profiles are",
        ) from error
    result = {
        "defaultAction": default_action,
        "architectures": _architectures(profile, machine),
        "syscalls": rules,
    }
    for optional in ("defaultErrnoRet", "flags"):
        if profile.get(optional) is not None:
            result[optional] = profile[optional]
    return result


def _clone_rules(machine: str) -> list[dict[str, Any]]:
    """Let clone make processes and threads but no namespaces; send clone3's callers to clone.

    clone3 takes its flags in memory, where a filter cannot look.
    """
    argument = 1 if machine == "s390x" else 0  # s390 swaps the first two arguments
    mask = sum(NAMESPACE_FLAGS)
    return [
        _rule(ALLOW, ["clone"], args=[_masked(argument, mask, 0)]),
        *(
            _rule(REFUSE, ["clone"], errno.EPERM, [_masked(argument, flag, flag)])
            for flag in NAMESPACE_FLAGS
        ),
        _rule(REFUSE, ["clone3"], errno.ENOSYS),
    ]


def _socket_rules() -> list[dict[str, Any]]:
    other = {"index": 0, "value": VSOCK, "op": "SCMP_CMP_NE"}
    return [
        _rule(ALLOW, ["socket"], args=[other]),
        _rule(REFUSE, ["socket"], errno.EPERM, [_equals(0, VSOCK)]),
    ]


def _rule(
    action: str,
    names: Sequence[str],
    error: int | None = None,
    args: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    rule: dict[str, Any] = {"names": list(names), "action": action}
    if error is not None:
        rule["errnoRet"] = error
    if args:
        rule["args"] = list(args)
    return rule


def _equals(index: int, value: int) -> dict[str, Any]:
    return {"index": index, "value": value, "op": "SCMP_CMP_EQ"}


def _masked(index: int, mask: int, value: int) -> dict[str, Any]:
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}


def _translated(rule: dict[str, Any]) -> dict[str, Any]:
    names = rule.get("names") or [rule["name"]]
    return _rule(rule["action"], names, rule.get("errnoRet"), rule.get("args") or ())


def _applies(rule: dict[str, Any], capabilities: set[str], machine: Sequence[str]) -> bool:
    includes = rule.get("includes") or {}
    excludes = rule.get("excludes") or {}
    if not set(includes.get("caps") or ()) <= capabilities:
        return False
    if includes.get("arches") and not set(includes["arches"]) & set(machine):
        return False
    if set(excludes.get("caps") or ()) & capabilities or excludes.get("minKernel"):
        return False
    return not set(excludes.get("arches") or ()) & set(machine[:1])


def _architectures(profile: dict[str, Any], machine: str) -> list[str]:
    native = _data()["machines"].get(machine, {"architectures": []})["architectures"]
    for entry in profile.get("archMap") or ():
        if native and entry["architecture"] == native[0]:
            return [entry["architecture"], *(entry.get("subArchitectures") or ())]
    return list(profile.get("architectures") or native)


def _words(lines: Sequence[str]) -> list[str]:
    return " ".join(lines).split()


_loaded: dict[str, Any] = {}


def _data() -> dict[str, Any]:
    if not _loaded:
        with open(f"{os.path.dirname(__file__)}/seccomp.json", encoding="utf-8") as file:
            _loaded.update(json.load(file))
    return _loaded
