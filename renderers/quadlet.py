"""Pods in, Quadlet files and what they cannot express out. Pure.

    render(pods, claims, networks..., target) -> files by name, and losses with their field paths

A field is honoured when its place is in HONOURED; every other one that is set is a loss, so that
what is added to manifests/ is told of until it is written here. Keys that the target does not read
go through PodmanArgs=. Files are podman-systemd.unit(5)'s; `podpy render quadlet` writes them.
"""

from __future__ import annotations

import json

from manifests import codec, settings
from manifests.container import PullPolicy, SeccompType
from manifests.pod import RestartPolicy
from manifests.value import EMPTY, Value
from manifests.volumes import HostPathType, Medium
from renderers import environment, systemd_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from manifests.container import Container, EnvVar
    from manifests.pod import Pod, PodSpec
    from manifests.problems import FieldPath
    from manifests.volumes import Volume
    from renderers.quadlet_keys import Target

    Lines = list[tuple[str, str]]

NETWORK = "podpy"
"""The network of pods that name none: Podman's own default has no names of pods."""

_SECURITY = "containers[].securityContext"
HONOURED = frozenset(
    {
        *("hostNetwork", "hostname", "restartPolicy", "terminationGracePeriodSeconds"),
        *("activeDeadlineSeconds", "hostAliases", "dnsConfig.nameservers", "dnsConfig.searches"),
        *("securityContext.runAsUser", "securityContext.runAsGroup", "securityContext.sysctls"),
        *("securityContext.supplementalGroups", "securityContext.seccompProfile.type"),
        *("volumes[].name", "volumes[].emptyDir", "volumes[].hostPath.path"),
        *("volumes[].hostPath.type", "volumes[].persistentVolumeClaim"),
        *("containers[].name", "containers[].image", "containers[].imagePullPolicy"),
        *("containers[].command", "containers[].args", "containers[].workingDir"),
        *("containers[].env[].name", "containers[].env[].value"),
        *("containers[].env[].valueFrom.configMapKeyRef", "containers[].ports"),
        "containers[].env[].valueFrom.secretKeyRef",
        *("containers[].resources.limits", "containers[].resources.requests"),
        *("containers[].volumeMounts[].name", "containers[].volumeMounts[].mountPath"),
        *("containers[].volumeMounts[].readOnly", "containers[].lifecycle.stopSignal"),
        *(f"{_SECURITY}.runAsUser", f"{_SECURITY}.runAsGroup", f"{_SECURITY}.privileged"),
        *(f"{_SECURITY}.allowPrivilegeEscalation", f"{_SECURITY}.readOnlyRootFilesystem"),
        *(f"{_SECURITY}.capabilities", f"{_SECURITY}.seccompProfile.type"),
        *("containers[].terminationMessagePath", "containers[].terminationMessagePolicy"),
    }
)
"""Places below a pod's specification; what is below one is honoured with it."""

_PULLS = {
    PullPolicy.ALWAYS: "always",
    PullPolicy.NEVER: "never",
    PullPolicy.IF_NOT_PRESENT: "missing",
    PullPolicy.MISSING: "missing",
    PullPolicy.NEWER: "newer",
}
_RESTARTS = {
    RestartPolicy.ALWAYS: "always",
    RestartPolicy.ON_FAILURE: "on-failure",
    RestartPolicy.NEVER: "no",
}


class Loss(Value):
    """What a Quadlet file cannot express; `path` is below the pod's specification."""

    path: FieldPath
    message: str


class File(Value):
    """`content` is bytes of a unit, or of an environment file with Secrets: no repr shows them."""

    name: str
    content: bytes
    mode: int = 0o644

    def __repr__(self) -> str:
        return f"File(name={self.name!r})"


class Source(Value):
    """A pod to render. `stem` names its files; `origin` is the comment on their first line.

    `configmaps` and `secrets` are the contents of its namespace's, by name and key.
    """

    pod: Pod
    stem: str
    origin: str
    aliases: tuple[str, ...] = ()
    configmaps: Mapping[str, Mapping[str, bytes]] = EMPTY
    secrets: Mapping[str, Mapping[str, bytes]] = EMPTY
    image: Callable[[str], str] = str


class Rendered(Value):
    files: tuple[File, ...]
    losses: tuple[Loss, ...]


def render(source: Source, target: Target, *, user: bool) -> Rendered:
    """Return the files of one pod; `user` is for systemd's user instance."""
    return _Pod(source, target, user).rendered()


def volume(stem: str, origin: str, options: Lines | None = None) -> File:
    """Return the file of a volume that keeps what is in it."""
    return _unit(f"{stem}.volume", origin, {"Volume": [("VolumeName", stem), *(options or [])]})


def network(origin: str) -> File:
    """Return the file of the network that pods are in which name none."""
    return _unit(f"{NETWORK}.network", origin, {"Network": [("NetworkName", NETWORK)]})


def _unit(name: str, origin: str, sections: Mapping[str, Lines]) -> File:
    given = [(section, lines) for section, lines in sections.items() if lines]
    text = environment.packaged("unit.j2", origin=origin, sections=given)
    return File(name=name, content=text.encode())


class _Pod:
    """One pod's files as they come together."""

    def __init__(self, source: Source, target: Target, user: bool) -> None:
        self._source = source
        self._target = target
        self._wanted_by = "default.target" if user else "multi-user.target"
        self._spec: PodSpec = source.pod.spec
        self._files: list[File] = []
        self._losses: list[Loss] = []

    def rendered(self) -> Rendered:
        for path in _unhonoured(codec.encode(self._spec)):
            self._lose(path, "has no counterpart in the files that podpy renders")
        self._pod()
        for index, container in enumerate(self._spec.containers):
            self._container(index, container)
        for index, one in enumerate(self._spec.volumes):
            if one.empty_dir is not None or _is_bare(one):
                self._scratch(index, one)
        return Rendered(files=tuple(self._files), losses=tuple(self._losses))

    def _lose(self, path: FieldPath, message: str) -> None:
        self._losses.append(Loss(path=path, message=message))

    def _put(self, lines: Lines, path: FieldPath, key: str, value: str, *, word: bool) -> None:
        """Add a key with a value as systemd reads it; a value without a form is a loss."""
        try:
            lines.append((key, (systemd_text.word if word else systemd_text.literal)(value)))
        except systemd_text.UnwritableError as error:
            self._lose(path, str(error))

    def _add(
        self, section: str, lines: Lines, path: FieldPath, key: str, flag: str, value: str
    ) -> None:
        """Add `key`, or where the target does not read it, the flag of Podman's that does it."""
        if self._target.knows(section, key):
            self._put(lines, path, key, value, word=False)
        else:
            self._put(lines, path, "PodmanArgs", f"{flag}={value}", word=True)

    def _pod(self) -> None:
        source, spec = self._source, self._spec
        lines: Lines = [("PodName", systemd_text.literal(source.stem))]
        add = self._add
        if spec.host_network:
            lines.append(("Network", "host"))
        else:
            self._network(lines)
            add("Pod", lines, ("hostname",), "HostName", "--hostname", self._hostname())
            for index, container in enumerate(spec.containers):
                self._publish(index, container, lines)
        if spec.restart_policy is not RestartPolicy.NEVER:
            # Else the pod would stop while its one container waits for its restart.
            add("Pod", lines, ("restartPolicy",), "ExitPolicy", "--exit-policy", "continue")
        for number, alias in enumerate(spec.host_aliases):
            for name in alias.hostnames:
                where = ("hostAliases", number)
                add("Pod", lines, where, "AddHost", "--add-host", f"{name}:{alias.ip}")
        for server in spec.dns_config.nameservers:
            add("Pod", lines, ("dnsConfig", "nameservers"), "DNS", "--dns", server)
        for domain in spec.dns_config.searches:
            add("Pod", lines, ("dnsConfig", "searches"), "DNSSearch", "--dns-search", domain)
        for key, value in sorted(source.pod.metadata.labels.items()):
            if self._target.knows("Pod", "Label"):
                self._put(lines, (), "Label", f"{key}={value}", word=True)
            else:
                self._put(lines, (), "PodmanArgs", f"--label={key}={value}", word=True)
        for sysctl in spec.security_context.sysctls:
            text = f"--sysctl={sysctl.name}={sysctl.value}"
            self._put(lines, ("securityContext", "sysctls"), "PodmanArgs", text, word=True)
        self._file(
            f"{source.stem}.pod",
            {
                "Unit": [("Description", systemd_text.line(f"Pod {source.stem}"))],
                "Pod": lines,
                "Install": [("WantedBy", self._wanted_by)],
            },
        )

    def _hostname(self) -> str:
        return (self._spec.hostname or self._source.pod.metadata.name)[:63].rstrip("-.")

    def _network(self, lines: Lines) -> None:
        named = self._source.pod.metadata.annotations.get(settings.NETWORK)
        if named is not None:
            self._lose((), f"{settings.NETWORK}: the pod is in the network {NETWORK}")
        lines.append(("Network", f"{NETWORK}.network"))
        for alias in dict.fromkeys((self._source.pod.metadata.name, *self._source.aliases)):
            self._add("Pod", lines, (), "NetworkAlias", "--network-alias", alias)

    def _publish(self, index: int, container: Container, lines: Lines) -> None:
        for number, port in enumerate(container.ports):
            if port.host_port:
                host = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
                front = f"{host}:" if host else ""
                text = f"{front}{port.host_port}:{port.container_port}/{port.protocol.lower()}"
                where = ("containers", index, "ports", number)
                self._put(lines, where, "PublishPort", text, word=False)

    def _container(self, index: int, container: Container) -> None:
        source, spec = self._source, self._spec
        name = f"{source.stem}-{container.name}"
        where: FieldPath = ("containers", index)
        lines: Lines = [
            ("ContainerName", systemd_text.literal(name)),
            ("Pod", f"{source.stem}.pod"),
        ]
        image = source.image(container.image)
        self._put(lines, (*where, "image"), "Image", image, word=False)
        lines.append(("Pull", _PULLS[container.image_pull_policy or PullPolicy.IF_NOT_PRESENT]))
        self._command(where, container, lines)
        if container.working_dir:
            there = (*where, "workingDir")
            self._add("Container", lines, there, "WorkingDir", "--workdir", container.working_dir)
        self._environment(where, container, name, lines)
        for number, mount in enumerate(container.volume_mounts):
            origin = self._origin_of(mount.name)
            if origin:
                text = f"{origin}:{mount.mount_path}{':ro' if mount.read_only else ''}"
                there = (*where, "volumeMounts", number)
                if ":" in mount.mount_path or origin.count(":"):
                    self._lose(there, "has a colon, for which there is no form")
                else:
                    self._put(lines, there, "Volume", text, word=False)
        self._resources(where, container, lines)
        self._security(where, container, lines)
        if container.lifecycle.stop_signal:
            there = (*where, "lifecycle", "stopSignal")
            signal = container.lifecycle.stop_signal
            self._add("Container", lines, there, "StopSignal", "--stop-signal", signal)
        grace = spec.termination_grace_period_seconds
        lines.append(("StopTimeout", str(grace)))
        service: Lines = [
            ("Restart", _RESTARTS[spec.restart_policy]),
            ("RestartSec", "10"),
            ("TimeoutStartSec", "900"),  # the image is pulled within
            ("TimeoutStopSec", str(grace + 20)),
        ]
        if spec.active_deadline_seconds is not None:
            service.append(("RuntimeMaxSec", str(spec.active_deadline_seconds)))
        unit: Lines = [
            ("Description", systemd_text.line(f"Container {container.name} of {source.stem}")),
            ("StartLimitIntervalSec", "0"),
        ]
        self._file(f"{name}.container", {"Unit": unit, "Container": lines, "Service": service})

    def _file(self, name: str, sections: Mapping[str, Lines]) -> None:
        self._files.append(_unit(name, self._source.origin, sections))

    def _command(self, where: FieldPath, container: Container, lines: Lines) -> None:
        for field in ("command", "args"):
            for number, text in enumerate(getattr(container, field)):
                if "$(" in text or "$$" in text:
                    self._lose((*where, field, number), "$(NAME) and $$ stay as they are written")
        if container.command:
            text = json.dumps(list(container.command), ensure_ascii=False)
            self._put(lines, (*where, "command"), "Entrypoint", text, word=False)
        if container.args:
            lines.append(("Exec", systemd_text.words(container.args)))

    def _environment(self, where: FieldPath, container: Container, name: str, lines: Lines) -> None:
        """Add plain values to the unit; those of Secrets go into a file for its owner alone."""
        secret: list[bytes] = []
        for number, variable in enumerate(container.env):
            there = (*where, "env", number)
            value = self._value(there, variable)
            if value is None:
                continue
            if variable.value_from is None or variable.value_from.secret_key_ref is None:
                text = value.decode(errors="replace")
                self._put(lines, there, "Environment", f"{variable.name}={text}", word=True)
            elif b"\n" in value or b"\r" in value:
                self._lose(there, "a line end in a Secret has no form in an environment file")
            else:
                secret.append(f"{variable.name}=".encode() + value + b"\n")
        if secret:
            file = f"{name}.secret.env"
            self._files.append(File(name=file, content=b"".join(secret), mode=0o600))
            lines.append(("EnvironmentFile", systemd_text.literal(f"./{file}")))

    def _value(self, where: FieldPath, variable: EnvVar) -> bytes | None:
        source = variable.value_from
        if source is None:
            if "$(" in variable.value or "$$" in variable.value:
                self._lose((*where, "value"), "$(NAME) and $$ stay as they are written")
            return variable.value.encode()
        held = source.config_map_key_ref or source.secret_key_ref
        if held is None:
            return None  # another source: told of as not honoured
        contents = self._source.configmaps if source.config_map_key_ref else self._source.secrets
        value = contents.get(held.name, {}).get(held.key)
        if value is None and not held.optional:
            self._lose((*where, "valueFrom"), f'key "{held.key}" of "{held.name}" is not given')
        return value

    def _origin_of(self, name: str) -> str:
        """Return what Volume= mounts for a volume; "" for one that is told of as not honoured."""
        index, one = next((i, v) for i, v in enumerate(self._spec.volumes) if v.name == name)
        if one.host_path is not None:
            if one.host_path.type not in (HostPathType.UNCHECKED, HostPathType.DIRECTORY):
                where = ("volumes", index, "hostPath", "type")
                loss = Loss(path=where, message="is not looked at: the path must be there")
                if loss not in self._losses:
                    self._losses.append(loss)
            return one.host_path.path
        if one.persistent_volume_claim is not None:
            return f"{claim_stem(self._source.pod, one.persistent_volume_claim.claim_name)}.volume"
        if one.empty_dir is not None or _is_bare(one):
            return f"{self._source.stem}-{name}.volume"
        return ""

    def _scratch(self, index: int, one: Volume) -> None:
        """Add the volume of an emptyDir: it goes when nothing needs its unit any more."""
        name = f"{self._source.stem}-{one.name}"
        lines: Lines = [("VolumeName", name)]
        wanted = one.empty_dir
        if wanted is not None and wanted.medium is Medium.MEMORY:
            lines.extend([("Type", "tmpfs"), ("Device", "tmpfs")])
            if wanted.size_limit:
                lines.append(("Options", f"size={wanted.size_limit.whole()}"))
        elif wanted is not None and wanted.size_limit:
            self._lose(("volumes", index, "emptyDir", "sizeLimit"), "is not enforced on a disk")
        remove = f"/usr/bin/podman volume rm --force {name}"
        self._file(
            f"{name}.volume",
            {
                "Unit": [("StopWhenUnneeded", "yes")],
                "Volume": lines,
                "Service": [("ExecStop", remove)],
            },
        )

    def _resources(self, where: FieldPath, container: Container, lines: Lines) -> None:
        limits, requests = container.resources.limits, container.resources.requests
        there = (*where, "resources")
        if "memory" in limits:
            memory = str(limits["memory"].whole())
            self._add("Container", lines, there, "Memory", "--memory", memory)
        if "cpu" in limits:
            quota = max(limits["cpu"].milli() * 100, 1000)
            lines.append(("PodmanArgs", f"--cpu-period=100000 --cpu-quota={quota}"))
        if "cpu" in requests:
            shares = max(requests["cpu"].milli() * 1024 // 1000, 2)
            lines.append(("PodmanArgs", f"--cpu-shares={shares}"))

    def _security(self, where: FieldPath, container: Container, lines: Lines) -> None:
        own, pods = container.security_context, self._spec.security_context
        there = (*where, "securityContext")
        user = pods.run_as_user if own.run_as_user is None else own.run_as_user
        group = pods.run_as_group if own.run_as_group is None else own.run_as_group
        if user is not None:
            # Without a group Podman takes the one of the image's passwd file, as the kubelet does.
            lines.append(("User", str(user)))
            if group is not None:
                lines.append(("Group", str(group)))
        elif group is not None:
            self._lose((*there, "runAsGroup"), "needs runAsUser here")
        for extra in pods.supplemental_groups:
            path = ("securityContext", "supplementalGroups")
            self._add("Container", lines, path, "GroupAdd", "--group-add", str(extra))
        if own.read_only_root_filesystem:
            lines.extend([("ReadOnly", "true"), ("ReadOnlyTmpfs", "false")])
        if own.allow_privilege_escalation is False:
            lines.append(("NoNewPrivileges", "true"))
        for capability in own.capabilities.drop:
            self._put(lines, there, "DropCapability", capability, word=True)
        for capability in own.capabilities.add:
            self._put(lines, there, "AddCapability", capability, word=True)
        if own.privileged:
            lines.append(("PodmanArgs", "--privileged"))
        profile = own.seccomp_profile or pods.seccomp_profile
        if profile is not None and profile.type is SeccompType.UNCONFINED:
            lines.append(("SeccompProfile", "unconfined"))
        if profile is not None and profile.type is SeccompType.LOCALHOST:
            self._lose((*there, "seccompProfile"), "a file of podpy's: name it by SeccompProfile=")


def claim_stem(pod: Pod, claim: str) -> str:
    """Return what names the volume of a claim of the pod's namespace."""
    return stem(pod.metadata.namespace, claim)


def stem(namespace: str, name: str) -> str:
    """Return what names an object's files: with its namespace, unless that is the default one."""
    return name if namespace in ("", "default") else f"{namespace}-{name}"


def _is_bare(one: Volume) -> bool:
    """Tell whether it has no source at all, which Kubernetes takes for an emptyDir."""
    return set(codec.encode(one)) == {"name"}


def _unhonoured(raw: object, path: FieldPath = (), place: str = "") -> Iterator[FieldPath]:
    """Yield the paths of fields that no place in HONOURED covers, as near the top as can be."""
    if place in HONOURED:
        return
    if isinstance(raw, list) and raw and any(p.startswith(f"{place}[]") for p in HONOURED):
        for index, item in enumerate(raw):
            yield from _unhonoured(item, (*path, index), f"{place}[]")
    elif isinstance(raw, dict) and (not place or any(p.startswith(f"{place}.") for p in HONOURED)):
        for key, item in raw.items():
            yield from _unhonoured(item, (*path, key), f"{place}.{key}".lstrip("."))
    else:
        yield path
