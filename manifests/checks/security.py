"""Check security contexts: ids, capabilities, privileges, profiles and sysctls."""

from __future__ import annotations

from manifests import capabilities
from manifests.checks import names
from manifests.checks.findings import Once
from manifests.container import MountPropagation, SeccompType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.container import AppArmorProfile, Container, SeccompProfile, SecurityContext
    from manifests.pod import PodSecurityContext, PodSpec

_LARGEST_ID = 2**31 - 1
_CAPABILITIES = frozenset({"ALL", *capabilities.NAMES})
# What the kernel keeps for each IPC or network namespace; all else is the whole host's.
_OF_IPC = ("kernel.sem", "kernel.shm", "kernel.msg", "fs.mqueue.")
_OF_NETWORK = "net."


def check_pod(spec: PodSpec, path: Path, findings: Findings) -> None:
    """Check the pod's own security context."""
    context = spec.security_context
    here = (*path, "securityContext")
    ids = {
        "runAsUser": context.run_as_user,
        "runAsGroup": context.run_as_group,
        "fsGroup": context.fs_group,
    }
    for field, number in ids.items():
        findings.unless(_id_fault(number), (*here, field))
    for index, number in enumerate(context.supplemental_groups):
        findings.unless(_id_fault(number), (*here, "supplementalGroups", index))
    check_profile(context.seccomp_profile, (*here, "seccompProfile"), findings, relative=True)
    check_profile(context.app_armor_profile, (*here, "appArmorProfile"), findings)
    _check_sysctls(spec, here, findings)


def check_container(
    container: Container, pod: PodSecurityContext, path: Path, findings: Findings
) -> None:
    """Check a container's security context, together with the pod's that it falls back to."""
    context = container.security_context
    here = (*path, "securityContext")
    findings.unless(_id_fault(context.run_as_user), (*here, "runAsUser"))
    findings.unless(_id_fault(context.run_as_group), (*here, "runAsGroup"))
    _check_root(context, pod, here, findings)
    for field, listed in (("add", context.capabilities.add), ("drop", context.capabilities.drop)):
        for index, name in enumerate(listed):
            if _bare(name) not in _CAPABILITIES:
                message = f'"{name}" is not a capability of Linux'
                findings.add((*here, "capabilities", field, index), message)
    if context.allow_privilege_escalation is False:
        added = {_bare(name) for name in context.capabilities.add}
        if context.privileged:
            message = "cannot be false for a privileged container"
            findings.add((*here, "allowPrivilegeEscalation"), message)
        if "SYS_ADMIN" in added:
            message = "cannot be false for a container that adds SYS_ADMIN"
            findings.add((*here, "allowPrivilegeEscalation"), message)
    check_profile(context.seccomp_profile, (*here, "seccompProfile"), findings, relative=True)
    check_profile(context.app_armor_profile, (*here, "appArmorProfile"), findings)
    for index, mount in enumerate(container.volume_mounts):
        bidirectional = mount.mount_propagation is MountPropagation.BIDIRECTIONAL
        if bidirectional and not context.privileged:
            message = "Bidirectional is for privileged containers only"
            findings.add((*path, "volumeMounts", index, "mountPropagation"), message)


def check_profile(
    profile: SeccompProfile | AppArmorProfile | None,
    path: Path,
    findings: Findings,
    *,
    relative: bool = False,
) -> None:
    """Localhost names a profile, the other types none; seccomp's is a file below a directory."""
    if profile is None:
        return
    here = (*path, "localhostProfile")
    if profile.type is not SeccompType.LOCALHOST:
        if profile.localhost_profile:
            findings.add(here, "may be given with type Localhost only")
    elif not profile.localhost_profile.strip():
        findings.add(here, "is required with type Localhost")
    elif relative:
        findings.unless(names.relative_path(profile.localhost_profile), here)


def _check_root(
    context: SecurityContext, pod: PodSecurityContext, path: Path, findings: Findings
) -> None:
    """The kubelet refuses to start this container; here it is refused before anything changes."""
    own = context.run_as_non_root
    non_root = own if own is not None else pod.run_as_non_root
    user = context.run_as_user if context.run_as_user is not None else pod.run_as_user
    if non_root and user == 0:
        field = "runAsUser" if context.run_as_user is not None or own is None else "runAsNonRoot"
        findings.add((*path, field), "runAsNonRoot forbids user 0, which runAsUser asks for")


def _check_sysctls(spec: PodSpec, path: Path, findings: Findings) -> None:
    once = Once(findings, "sysctl")
    for index, sysctl in enumerate(spec.security_context.sysctls):
        here = (*path, "sysctls", index, "name")
        fault = names.sysctl(sysctl.name)
        if fault:
            findings.add(here, fault)
            continue
        name = sysctl.name.replace("/", ".")
        once.see(name, here, sysctl.name)
        if name.startswith(_OF_NETWORK):
            if spec.host_network:
                findings.add(here, f"{sysctl.name} would change the host, because of hostNetwork")
        elif name.startswith(_OF_IPC):
            if spec.host_ipc:
                findings.add(here, f"{sysctl.name} would change the host, because of hostIPC")
        else:
            message = f"{sysctl.name} is not a pod's own: it would change the whole host"
            findings.add(here, message)


def _id_fault(number: int | None) -> str:
    if number is None or 0 <= number <= _LARGEST_ID:
        return ""
    return f"must be from 0 to {_LARGEST_ID}; it is {number}"


def _bare(capability: str) -> str:
    return capability.upper().removeprefix("CAP_")
