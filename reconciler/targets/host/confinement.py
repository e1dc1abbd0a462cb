"""Decide under which AppArmor profile and which SELinux label a container runs. Pure.

What the container's securityContext does not say, the pod's does. What was asked for by name and
cannot be enforced is refused.
"""

from __future__ import annotations

from manifests.container import SeccompType
from manifests.value import Value
from reconciler.targets.host import blocked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import AppArmorProfile, SecurityContext, SELinuxOptions
    from manifests.pod import PodSecurityContext


class Armor(Value):
    """A host's AppArmor: the profile for those that name none, "" where it cannot be loaded, and
    the names of what is loaded, where wants_localhost says that they are asked for."""

    default: str
    loaded: frozenset[str] = frozenset()


def apparmor_profile(
    own: SecurityContext, pods: PodSecurityContext, armor: Armor | None, *, label: str
) -> str:
    """Return the AppArmor profile to run under, empty for none; `armor` is the host's, if any.

    Without one in the manifest it is RuntimeDefault, as under Kubernetes. Raises blocked.Blocked
    for a Localhost profile that the kernel does not have.
    """
    profile: AppArmorProfile | None = own.app_armor_profile or pods.app_armor_profile
    if own.privileged:
        return ""
    kind = SeccompType.RUNTIME_DEFAULT if profile is None else profile.type
    match kind:
        case SeccompType.RUNTIME_DEFAULT:
            return "" if armor is None else armor.default
        case SeccompType.UNCONFINED:
            return "" if armor is None else "unconfined"
        case SeccompType.LOCALHOST:
            name = profile.localhost_profile if profile else ""
            if armor is None or name not in armor.loaded:
                raise _unenforced(name, armor, label)
            return name


def wants_localhost(own: SecurityContext, pods: PodSecurityContext) -> bool:
    """Say whether apparmor_profile has to know the profiles that the kernel has."""
    profile = own.app_armor_profile or pods.app_armor_profile
    return profile is not None and profile.type is SeccompType.LOCALHOST


def _unenforced(name: str, armor: Armor | None, label: str) -> blocked.Blocked:
    message = f'{label}: AppArmor profile "{name}" cannot be enforced: '
    if armor is None:
        return blocked.Blocked(
            f"{message}this host has no AppArmor",
            reason=blocked.CONFIG,
            hint="run it on a host with AppArmor, or remove appArmorProfile",
        )
    return blocked.Blocked(
        f"{message}it is not loaded",
        reason=blocked.CONFIG,
        hint="load it: apparmor_parser --replace FILE; what is loaded: aa-status",
    )


def selinux_label(
    own: SecurityContext, pods: PodSecurityContext, *, enabled: bool, label: str
) -> str:
    """Return the SELinux label to run under, empty where none is asked for.

    Raises blocked.Blocked where one is asked for and the host has no SELinux.
    """
    options: SELinuxOptions | None = own.se_linux_options or pods.se_linux_options
    if options is None:
        return ""
    if not enabled:
        raise blocked.Blocked(
            f"{label}: seLinuxOptions cannot be enforced: this host has no SELinux",
            reason=blocked.CONFIG,
            hint="run it on a host with SELinux, or remove seLinuxOptions",
        )
    words = (
        options.user or "system_u",
        options.role or "system_r",
        options.type or "container_t",
        options.level or "s0",
    )
    return ":".join(words)
