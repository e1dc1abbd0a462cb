"""Write who a container runs as, and what it may do: its securityContext, and its pod's."""

from __future__ import annotations

from manifests.container import ProcMount, SeccompType
from manifests.pod import GroupsPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container
    from manifests.problems import FieldPath
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Section

SECCOMP_ROOT = "/var/lib/kubelet/seccomp"
"""What localhostProfile is relative to, as for the kubelet and for podpy."""


def write(rendering: Rendering, where: FieldPath, container: Container, lines: Section) -> None:
    """Add the lines of both contexts; what the container's leaves open is the pod's to say."""
    there = (*where, "securityContext")
    _user(rendering, there, container, lines)
    _groups(rendering, lines)
    _rights(there, container, lines)
    _seccomp(rendering, there, container, lines)
    _apparmor(rendering, there, container, lines)
    _selinux(rendering, there, container, lines)


def _user(rendering: Rendering, there: FieldPath, container: Container, lines: Section) -> None:
    own, pods = container.security_context, rendering.spec.security_context
    user = pods.run_as_user if own.run_as_user is None else own.run_as_user
    group = pods.run_as_group if own.run_as_group is None else own.run_as_group
    if user is not None:
        # Without a group Podman takes the one of the image's passwd file, as the kubelet does.
        lines.plain("User", str(user))
        if group is not None:
            lines.plain("Group", str(group))
    elif group is not None:
        # Podman takes no group without a user: `--user=:GROUP` is root, whatever the image says.
        where = there if own.run_as_group is not None else ("securityContext",)
        rendering.lose((*where, "runAsGroup"), "is not kept: needs runAsUser here")
    wanted = pods.run_as_non_root if own.run_as_non_root is None else own.run_as_non_root
    if wanted and user is None:
        where = there if own.run_as_non_root is not None else ("securityContext",)
        rendering.lose((*where, "runAsNonRoot"), "is not kept: the image says who")


def _groups(rendering: Rendering, lines: Section) -> None:
    pods = rendering.spec.security_context
    for extra in pods.supplemental_groups:
        path = ("securityContext", "supplementalGroups")
        lines.either(path, "GroupAdd", "--group-add", str(extra))
    if pods.fs_group is not None and pods.fs_group not in pods.supplemental_groups:
        path = ("securityContext", "fsGroup")
        lines.either(path, "GroupAdd", "--group-add", str(pods.fs_group))
    if pods.supplemental_groups_policy is GroupsPolicy.STRICT:
        path = ("securityContext", "supplementalGroupsPolicy")
        rendering.lose(path, "is not kept: the image's groups count, too")


def _rights(there: FieldPath, container: Container, lines: Section) -> None:
    own = container.security_context
    if own.read_only_root_filesystem:
        lines.plain("ReadOnly", "true")
        lines.plain("ReadOnlyTmpfs", "false")
    if own.allow_privilege_escalation is False:
        lines.plain("NoNewPrivileges", "true")
    for capability in own.capabilities.drop:
        lines.word(there, "DropCapability", capability)
    for capability in own.capabilities.add:
        lines.word(there, "AddCapability", capability)
    if own.privileged:
        lines.plain("PodmanArgs", "--privileged")
    if own.proc_mount is ProcMount.UNMASKED:
        lines.plain("Unmask", "ALL")


def _seccomp(rendering: Rendering, there: FieldPath, container: Container, lines: Section) -> None:
    own, pods = container.security_context, rendering.spec.security_context
    profile = own.seccomp_profile or pods.seccomp_profile
    if profile is None or own.privileged:
        return
    where = (*(there if own.seccomp_profile else ("securityContext",)), "seccompProfile")
    if profile.type is SeccompType.UNCONFINED:
        lines.plain("SeccompProfile", "unconfined")
    elif profile.type is SeccompType.LOCALHOST:
        lines.text(where, "SeccompProfile", f"{SECCOMP_ROOT}/{profile.localhost_profile}")


def _apparmor(rendering: Rendering, there: FieldPath, container: Container, lines: Section) -> None:
    own, pods = container.security_context, rendering.spec.security_context
    profile = own.app_armor_profile or pods.app_armor_profile
    if profile is None or own.privileged or profile.type is SeccompType.RUNTIME_DEFAULT:
        return
    where = (*(there if own.app_armor_profile else ("securityContext",)), "appArmorProfile")
    unconfined = profile.type is SeccompType.UNCONFINED
    name = "unconfined" if unconfined else profile.localhost_profile
    if lines.knows("AppArmor"):
        lines.text(where, "AppArmor", name)
    else:
        lines.flag(where, f"--security-opt=apparmor={name}")


def _selinux(rendering: Rendering, there: FieldPath, container: Container, lines: Section) -> None:
    own, pods = container.security_context, rendering.spec.security_context
    options = own.se_linux_options or pods.se_linux_options
    if options is None:
        return
    where = (*(there if own.se_linux_options else ("securityContext",)), "seLinuxOptions")
    if options.type:
        lines.text(where, "SecurityLabelType", options.type)
    if options.level:
        lines.text(where, "SecurityLabelLevel", options.level)
    for name in ("user", "role"):
        value = getattr(options, name)
        if value:
            lines.flag(where, f"--security-opt=label={name}:{value}")
