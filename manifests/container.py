"""Container and what hangs below it, as far as podpy honours it.

The fields of these classes are the list of honoured fields: what Kubernetes knows and is not here
is reported as unsupported (manifests.support).
"""

from __future__ import annotations

from collections.abc import Mapping

from manifests.probes import ExecAction, HTTPGetAction, Probe, TCPSocketAction
from manifests.quantity import Quantity
from manifests.strenum import StrEnum
from manifests.value import EMPTY, Value


class PullPolicy(StrEnum):
    """Kubernetes' three, and Podman's two (`missing` is IfNotPresent by another name)."""

    ALWAYS = "Always"
    NEVER = "Never"
    IF_NOT_PRESENT = "IfNotPresent"
    MISSING = "Missing"
    NEWER = "Newer"

    @property
    def in_kubernetes(self) -> PullPolicy:
        """What Kubernetes calls it, or what comes nearest: it, too, asks each time for `latest`."""
        match self:
            case PullPolicy.NEWER:
                return PullPolicy.ALWAYS
            case PullPolicy.MISSING:
                return PullPolicy.IF_NOT_PRESENT
            case PullPolicy.ALWAYS | PullPolicy.NEVER | PullPolicy.IF_NOT_PRESENT:
                return self


class Protocol(StrEnum):
    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


class ContainerPort(Value):
    container_port: int
    host_port: int = 0
    host_ip: str = ""
    protocol: Protocol = Protocol.TCP
    name: str = ""


class KeyRef(Value):
    """A key of a ConfigMap or Secret."""

    name: str
    key: str
    optional: bool = False


class FieldRef(Value):
    field_path: str
    api_version: str = "v1"


class ResourceFieldRef(Value):
    resource: str
    container_name: str = ""
    divisor: Quantity = Quantity("0")


class EnvVarSource(Value):
    """Exactly one of these is set."""

    config_map_key_ref: KeyRef | None = None
    secret_key_ref: KeyRef | None = None
    field_ref: FieldRef | None = None
    resource_field_ref: ResourceFieldRef | None = None


class EnvVar(Value):
    name: str
    value: str = ""
    value_from: EnvVarSource | None = None


class SourceRef(Value):
    """A whole ConfigMap or Secret."""

    name: str
    optional: bool = False


class EnvFromSource(Value):
    """Exactly one of the two references is set; `prefix` goes before every key."""

    prefix: str = ""
    config_map_ref: SourceRef | None = None
    secret_ref: SourceRef | None = None


class Resources(Value):
    """Amounts by resource name; podpy enforces `cpu` and `memory`."""

    limits: Mapping[str, Quantity] = EMPTY
    requests: Mapping[str, Quantity] = EMPTY


class MountPropagation(StrEnum):
    NONE = "None"
    HOST_TO_CONTAINER = "HostToContainer"
    BIDIRECTIONAL = "Bidirectional"


class RecursiveReadOnly(StrEnum):
    """Whether read-only holds for what is mounted below the volume too; Linux can since 5.12."""

    DISABLED = "Disabled"
    IF_POSSIBLE = "IfPossible"
    ENABLED = "Enabled"


class VolumeMount(Value):
    name: str
    mount_path: str
    read_only: bool = False
    sub_path: str = ""
    sub_path_expr: str = ""
    mount_propagation: MountPropagation = MountPropagation.NONE
    recursive_read_only: RecursiveReadOnly = RecursiveReadOnly.DISABLED


class Capabilities(Value):
    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


class SeccompType(StrEnum):
    RUNTIME_DEFAULT = "RuntimeDefault"
    UNCONFINED = "Unconfined"
    LOCALHOST = "Localhost"


class SeccompProfile(Value):
    type: SeccompType
    localhost_profile: str = ""


class AppArmorProfile(Value):
    type: SeccompType
    localhost_profile: str = ""


class SELinuxOptions(Value):
    user: str = ""
    role: str = ""
    type: str = ""
    level: str = ""


class ProcMount(StrEnum):
    DEFAULT = "Default"
    UNMASKED = "Unmasked"


class SecurityContext(Value):
    """A container's own; what is None here falls back to the pod's."""

    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    privileged: bool = False
    allow_privilege_escalation: bool | None = None
    read_only_root_filesystem: bool = False
    capabilities: Capabilities = Capabilities()
    proc_mount: ProcMount = ProcMount.DEFAULT
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: AppArmorProfile | None = None
    se_linux_options: SELinuxOptions | None = None


class ContainerRestart(StrEnum):
    """The one value that an init container may have: it makes it a sidecar."""

    ALWAYS = "Always"


class MessagePolicy(StrEnum):
    """Where the message about a container's end is read."""

    FILE = "File"
    FALLBACK_TO_LOGS_ON_ERROR = "FallbackToLogsOnError"


class SleepAction(Value):
    seconds: int


class Handler(Value):
    """What is done at a point of a container's life: exactly one of the four is set."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(Value):
    stop_signal: str = ""
    post_start: Handler | None = None
    pre_stop: Handler | None = None


class Container(Value):
    name: str
    image: str = ""
    image_pull_policy: PullPolicy | None = None
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFromSource, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    resources: Resources = Resources()
    volume_mounts: tuple[VolumeMount, ...] = ()
    security_context: SecurityContext = SecurityContext()
    lifecycle: Lifecycle = Lifecycle()
    startup_probe: Probe | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    termination_message_path: str = "/dev/termination-log"
    termination_message_policy: MessagePolicy = MessagePolicy.FILE
    restart_policy: ContainerRestart | None = None
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
