"""Turn one container of a pod into a ContainerSpec. Pure: everything is looked up before.

The caller resolves the user in the image, reads a Localhost seccomp profile and knows the host;
`process`, `environment` and `volume_mounts` decide the parts, and this is where they come together.
renderers.oci_config makes the text of it.
"""

from __future__ import annotations

from manifests import kinds, podman_limits, settings
from manifests.container import SeccompType
from manifests.value import EMPTY, Value
from reconciler.targets.host import blocked, confinement, environment, process, volume_mounts
from renderers import capabilities, names, oci_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.container import SecurityContext
    from manifests.observed import PodRecord
    from reconciler.targets.host.confinement import Armor
    from reconciler.targets.host.environment import Declared, HostFacts, Subject
    from reconciler.targets.host.process import Identity
    from reconciler.targets.host.volume_mounts import Binding
    from reconciler.targets.host.volumes import Plan
    from runtime.paths import Paths

HOSTNAME_BYTES = 63
"""What the kubelet lets a pod's own name have."""
FQDN_BYTES = 64
"""What the kernel lets a host name have."""


class Image(Value):
    """What an image's configuration says about how to run it."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    volumes: tuple[str, ...] = ()


class Engine(Value):
    """What this host can do for containers. `capabilities` are those that podpy may give.

    No container's oom_score_adj can be lower than `lowest_oom_score_adj`. `device_rules` of cgroups
    are root's to make.

    `devices` are all of the host's: a privileged container gets them.
    """

    cgroup_v2: bool
    machine: str
    capabilities: tuple[str, ...] = capabilities.KNOWN
    lowest_oom_score_adj: int = -1000
    swap_limits: bool = False
    device_rules: bool = True
    apparmor: Armor | None = None
    selinux: bool = False
    devices: tuple[oci_config.Device, ...] = ()


class Context(Value):
    """All that a container's spec is made of.

    `user` is what the image's files say about process.user_to_resolve; `seccomp_profile` is the
    text of the file that `localhost_profile` names, if it names one.
    """

    subject: Subject
    image: Image
    declared: Declared
    bindings: tuple[Binding, ...]
    user: Identity
    engine: Engine
    paths: Paths
    cgroup: str
    seccomp_profile: str = ""
    annotations: Mapping[str, str] = EMPTY


def prepare(
    subject: Subject, image: Image, planned: Plan, paths: Paths
) -> tuple[Declared, tuple[Binding, ...]]:
    """Return the declared environment and the mounts of a container, which a Context wants."""
    declared = environment.declared(subject)
    bindings = volume_mounts.bindings(planned, subject, declared.variables, image.volumes, paths)
    return declared, bindings


def container_spec(context: Context) -> oci_config.ContainerSpec:
    """Return the container, ready to be rendered.

    Raises blocked.Blocked where references or security settings do not work out, Invalid for a
    capability that does not exist or that podpy cannot give.
    """
    subject, image, engine = context.subject, context.image, context.engine
    record, container = subject.record, subject.container
    own, pods = container.security_context, record.pod.spec.security_context
    variables = context.declared.variables
    extra = podman_limits.of_container(record.pod.metadata.annotations, container.name)
    who = process.identity(record.pod.spec, container, context.user, label=subject.label)
    return oci_config.ContainerSpec(
        argv=process.argv(container, image.entrypoint, image.cmd, variables, label=subject.label),
        env=environment.complete(
            variables,
            image=image.env,
            hostname=hostname(record, subject.facts),
            terminal=container.tty,
        ),
        cwd=process.working_dir(container, image.working_dir),
        uid=who.uid,
        gid=who.gid,
        additional_gids=who.groups,
        terminal=container.tty,
        readonly_rootfs=own.read_only_root_filesystem,
        mounts=_mounts(context),
        privileged=own.privileged,
        capabilities=_capabilities(own, engine),
        no_new_privileges=process.no_new_privileges(own),
        proc_mount=oci_config.ProcMount(own.proc_mount.value),
        seccomp=oci_config.SeccompType(process.seccomp_profile(own, pods).type.value),
        seccomp_profile=context.seccomp_profile,
        apparmor=confinement.apparmor_profile(own, pods, engine.apparmor, label=subject.label),
        selinux_label=confinement.selinux_label(
            own, pods, enabled=engine.selinux, label=subject.label
        ),
        rlimits=process.rlimits(extra),
        resources=process.limits(container.resources, extra, swap_limits=engine.swap_limits),
        devices=engine.devices if own.privileged else (),
        device_rules=engine.device_rules,
        oom_score_adj=_oom_score_adj(context),
        host_pid=record.pod.spec.host_pid,
        cgroup=context.cgroup,
        cgroup_v2=engine.cgroup_v2,
        machine=engine.machine,
        annotations={**_annotations(subject), **context.annotations},
    )


def _mounts(context: Context) -> tuple[oci_config.Mount, ...]:
    record, paths = context.subject.record, context.paths
    container = context.subject.container
    last_words = volume_mounts.Binding(
        destination=volume_mounts.absolute(container.termination_message_path),
        source=paths.message(record.uid, container.name),
    )
    return volume_mounts.mounts(
        (last_words, *context.bindings),  # A mount of the manifest's own at that path wins.
        paths.pod_etc(record.uid),
        volume_mounts.HOST_SHM if record.pod.spec.host_ipc else f"{paths.pod(record.uid)}/shm",
        read_only_root=container.security_context.read_only_root_filesystem,
        keep=_images_files(record),
    )


def _capabilities(own: SecurityContext, engine: Engine) -> tuple[str, ...]:
    return capabilities.resolve(
        own.capabilities.add,
        own.capabilities.drop,
        privileged=own.privileged,
        available=engine.capabilities,
    )


def _oom_score_adj(context: Context) -> int:
    subject = context.subject
    wanted = process.oom_score_adj(subject.record.pod.spec, subject.container, subject.facts.memory)
    return max(wanted, context.engine.lowest_oom_score_adj)


def localhost_profile(subject: Subject, root: str) -> str | None:
    """Return the path of the seccomp profile file to read, None when none is asked for.

    `root` is the directory that localhostProfile is relative to: the kubelet's is
    /var/lib/kubelet/seccomp, and Podman's --seccomp-profile-root names another.
    """
    profile = process.seccomp_profile(
        subject.container.security_context, subject.record.pod.spec.security_context
    )
    if profile.type is not SeccompType.LOCALHOST:
        return None
    return f"{root}/{profile.localhost_profile}"


def hostname(record: PodRecord, facts: HostFacts) -> str:
    """Return the pod's host name: its own, cut as the kubelet cuts it, or the host's."""
    spec = record.pod.spec
    if spec.host_network:
        return facts.node
    name = (spec.hostname or record.pod.metadata.name)[:HOSTNAME_BYTES].rstrip("-.")
    full = names.fqdn(record.pod, name) if spec.set_hostname_as_fqdn else ""
    if len(full) > FQDN_BYTES:
        raise blocked.Blocked(
            f"{kinds.ref(record.pod)}: its host name {full} is longer than {FQDN_BYTES} bytes",
            reason=blocked.CONFIG,
            hint="shorten hostname, subdomain or namespace, or leave setHostnameAsFQDN out",
        )
    return full or name


def _images_files(record: PodRecord) -> tuple[str, ...]:
    """The files of /etc that are the image's, as --no-hosts and --no-hostname ask."""
    given = record.pod.metadata.annotations
    files = {settings.HOSTS_FILE: "/etc/hosts", settings.HOSTNAME_FILE: "/etc/hostname"}
    return tuple(path for key, path in files.items() if given.get(key) == settings.IMAGES)


def _annotations(subject: Subject) -> dict[str, str]:
    """Whose container it is, under the names that container tools know from the kubelet."""
    metadata = subject.record.pod.metadata
    return {
        "io.kubernetes.container.name": subject.container.name,
        "io.kubernetes.pod.name": metadata.name,
        "io.kubernetes.pod.namespace": metadata.namespace,
        "io.kubernetes.pod.uid": subject.record.uid,
    }
