"""Write who a container runs as, and what it may do: its securityContext, and its pod's."""

from __future__ import annotations

from manifests.container import SeccompType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container
    from manifests.problems import FieldPath
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Section


def write(rendering: Rendering, where: FieldPath, container: Container, lines: Section) -> None:
    """Add the lines of both contexts; what the container's leaves open is the pod's to say."""
    there = (*where, "securityContext")
    _user(rendering, there, container, lines)
    _rights(there, container, lines)
    profile = (
        container.security_context.seccomp_profile
        or rendering.spec.security_context.seccomp_profile
    )
    if profile is not None and profile.type is SeccompType.UNCONFINED:
        lines.plain("SeccompProfile", "unconfined")
    if profile is not None and profile.type is SeccompType.LOCALHOST:
        where = (*there, "seccompProfile")
        rendering.lose(where, "a file of podpy's: name it by SeccompProfile=")


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
        rendering.lose((*there, "runAsGroup"), "needs runAsUser here")
    for extra in pods.supplemental_groups:
        path = ("securityContext", "supplementalGroups")
        lines.either(path, "GroupAdd", "--group-add", str(extra))


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
