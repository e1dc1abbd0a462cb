"""Pod and PodSpec, as far as podpy honours them."""

from __future__ import annotations

from collections.abc import Mapping

from manifests.affinity import Affinity
from manifests.container import AppArmorProfile, Container, SeccompProfile, SELinuxOptions
from manifests.meta import ObjectMeta, TemplateMeta
from manifests.strenum import StrEnum
from manifests.value import EMPTY, Value
from manifests.volumes import Volume


class RestartPolicy(StrEnum):
    ALWAYS = "Always"
    ON_FAILURE = "OnFailure"
    NEVER = "Never"


class DNSPolicy(StrEnum):
    CLUSTER_FIRST = "ClusterFirst"
    CLUSTER_FIRST_WITH_HOST_NET = "ClusterFirstWithHostNet"
    DEFAULT = "Default"
    NONE = "None"


class DNSOption(Value):
    name: str
    value: str | None = None


class DNSConfig(Value):
    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[DNSOption, ...] = ()


class HostAlias(Value):
    ip: str
    hostnames: tuple[str, ...] = ()


class Sysctl(Value):
    name: str
    value: str


class GroupsPolicy(StrEnum):
    """Whether the groups that the image gives its user count, beside those of the manifest."""

    MERGE = "Merge"
    STRICT = "Strict"


class PodSecurityContext(Value):
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    supplemental_groups: tuple[int, ...] = ()
    supplemental_groups_policy: GroupsPolicy = GroupsPolicy.MERGE
    fs_group: int | None = None
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: AppArmorProfile | None = None
    se_linux_options: SELinuxOptions | None = None
    sysctls: tuple[Sysctl, ...] = ()


class PodSpec(Value):
    containers: tuple[Container, ...]
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    restart_policy: RestartPolicy = RestartPolicy.ALWAYS
    termination_grace_period_seconds: int = 30
    active_deadline_seconds: int | None = None
    hostname: str = ""
    subdomain: str = ""
    set_hostname_as_fqdn: bool = False
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    host_aliases: tuple[HostAlias, ...] = ()
    dns_policy: DNSPolicy = DNSPolicy.CLUSTER_FIRST
    dns_config: DNSConfig = DNSConfig()
    security_context: PodSecurityContext = PodSecurityContext()
    node_selector: Mapping[str, str] = EMPTY
    affinity: Affinity | None = None


class Pod(Value):
    api_version: str = "v1"
    kind: str = "Pod"
    metadata: ObjectMeta
    spec: PodSpec


class PodTemplate(Value):
    metadata: TemplateMeta = TemplateMeta()
    spec: PodSpec
