"""Turn a container's env, envFrom and its image's ENV into its environment. Pure.

Order and precedence are the kubelet's and containerd's, the weaker first: a default PATH, the
image's ENV, TERM and HOSTNAME, envFrom from first to last, env from first to last. `declared` gives
what the manifest says: it is also what `$(NAME)` in command, args and subPathExpr may name.
Values of Secrets appear in no message and no repr.
"""

from __future__ import annotations

from manifests import expansion, field_paths, kinds, resource_fields
from manifests.checks import names
from manifests.container import Container
from manifests.observed import PodRecord
from manifests.quantity import Quantity
from manifests.value import EMPTY, Value
from reconciler.targets.host import blocked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from manifests.config import ConfigMap, Secret
    from manifests.container import EnvFromSource, EnvVar, EnvVarSource, KeyRef, ResourceFieldRef

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_SERVICE_ACCOUNT = "default"


class HostFacts(Value):
    """What a pod may ask about its host. `memory` and `storage` in bytes."""

    node: str
    addresses: tuple[str, ...]
    cpus: int
    memory: int
    storage: int = 0


class Sources(Value):
    """The ConfigMaps and Secrets of the pod's namespace, by name.

    `lost` are Secrets that were applied before the host booted, which did not keep their content;
    with how each comes back. `facts` are there for a pod with volumes that may show them
    (downwardAPI).
    """

    configmaps: Mapping[str, ConfigMap] = EMPTY
    secrets: Mapping[str, Secret] = EMPTY
    lost: Mapping[str, str] = EMPTY
    facts: HostFacts | None = None


class Subject(Value):
    """Whose environment it is, and all that it may be made of."""

    record: PodRecord
    container: Container
    sources: Sources
    facts: HostFacts

    @property
    def label(self) -> str:
        return f'{kinds.ref(self.record.pod)} container "{self.container.name}"'


class Declared(Value):
    """What env and envFrom come to. `warnings` are names that had to be left out."""

    variables: Mapping[str, str] = EMPTY
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Declared(names={list(self.variables)}, warnings={self.warnings!r})"


class Lines(tuple[str, ...]):
    """NAME=value lines, of which a repr shows the names."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Lines({', '.join(line.partition('=')[0] for line in self)})"


def declared(subject: Subject) -> Declared:
    """Return the variables that the container's manifest declares, in order.

    Raises blocked.Blocked for a missing reference that is not optional.
    """
    variables: dict[str, str] = {}
    skipped: list[str] = []
    for source in subject.container.env_from:
        for name, content in _whole(subject, source).items():
            if names.env_name(name):
                skipped.append(name)
            else:
                variables[name] = _text(subject, name, content)
    for variable in subject.container.env:
        value = _value(subject, variable, variables)
        if value is not None:
            variables[variable.name] = value
    warnings = (
        f"{subject.label}: envFrom: {name!r} cannot name a variable and is left out"
        for name in sorted(skipped)
    )
    return Declared(variables=variables, warnings=tuple(warnings))


def complete(
    variables: Mapping[str, str], *, image: Iterable[str], hostname: str, terminal: bool
) -> Lines:
    """Return the whole environment of the container's process as NAME=value lines.

    `image` is the image's ENV. HOME is the runtime's: it reads the container's own passwd file.
    """
    lines = [DEFAULT_PATH, *image, *(["TERM=xterm"] if terminal else []), f"HOSTNAME={hostname}"]
    merged = {name: value for name, _, value in (line.partition("=") for line in lines)}
    merged.update(variables)
    return Lines(f"{name}={value}" for name, value in merged.items())


def _value(subject: Subject, variable: EnvVar, earlier: Mapping[str, str]) -> str | None:
    """The value of one entry of env; None where an optional reference leads nowhere."""
    if variable.value:
        return _text(subject, variable.name, expansion.expand(variable.value, earlier))
    if variable.value_from is None:
        return ""
    found = _referenced(subject, variable.name, variable.value_from)
    return None if found is None else _text(subject, variable.name, found)


def _referenced(subject: Subject, name: str, source: EnvVarSource) -> str | bytes | None:
    if source.field_ref is not None:
        return _field(subject, name, source.field_ref.field_path)
    if source.resource_field_ref is not None:
        return resource(subject, source.resource_field_ref)
    if source.config_map_key_ref is not None:
        wanted = source.config_map_key_ref
        configmap = subject.sources.configmaps.get(wanted.name)
        return _key(subject, "ConfigMap", wanted, configmap.data if configmap else None)
    if source.secret_key_ref is not None:
        wanted = source.secret_key_ref
        _refuse_lost(subject, wanted.name)
        secret = subject.sources.secrets.get(wanted.name)
        return _key(subject, "Secret", wanted, secret.content() if secret else None)
    return ""


def _whole(subject: Subject, source: EnvFromSource) -> dict[str, str | bytes]:
    """Every key that one entry of envFrom gives, under its prefix; as bytes from a Secret."""
    content: Mapping[str, str | bytes] | None = None
    if source.config_map_ref is not None:
        kind, wanted = "ConfigMap", source.config_map_ref
        configmap = subject.sources.configmaps.get(wanted.name)
        # binaryData is not for variables: the kubelet leaves it out as well.
        content = configmap.data if configmap else None
    elif source.secret_ref is not None:
        kind, wanted = "Secret", source.secret_ref
        _refuse_lost(subject, wanted.name)
        secret = subject.sources.secrets.get(wanted.name)
        content = secret.content() if secret else None
    else:
        return {}
    if content is None:
        if wanted.optional:
            return {}
        raise _missing(subject, kind, wanted.name)
    return {f"{source.prefix}{key}": value for key, value in content.items()}


def _key(
    subject: Subject, kind: str, wanted: KeyRef, content: Mapping[str, str | bytes] | None
) -> str | bytes | None:
    if content is not None and wanted.key in content:
        return content[wanted.key]
    if wanted.optional:
        return None
    if content is None:
        raise _missing(subject, kind, wanted.name)
    raise blocked.Blocked(
        f'{subject.label}: {kind} "{wanted.name}" has no key "{wanted.key}"',
        reason=blocked.CONFIG,
        hint="add the key, correct its name, or make the reference optional",
    )


def _missing(subject: Subject, kind: str, name: str) -> blocked.Blocked:
    namespace = subject.record.pod.metadata.namespace
    return blocked.Blocked(
        f'{subject.label}: {kind.lower()} "{name}" not found in namespace {namespace}',
        reason=blocked.CONFIG,
        hint=f"apply the {kind}, correct its name, or make the reference optional",
    )


def _refuse_lost(subject: Subject, secret: str) -> None:
    """Raise where the Secret's content is lost: a reference to it that is optional waits, too."""
    if secret in subject.sources.lost:
        hint = subject.sources.lost[secret]
        raise blocked.lost(subject.label, secret, reason=blocked.CONFIG, hint=hint)


def _text(subject: Subject, name: str, value: str | bytes) -> str:
    """`value` as a variable can hold it: UTF-8 without NUL. It may be secret: it is never shown."""
    try:
        text = value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        # Raised here and not in the handler: the decoder's own error carries the bytes.
        raise blocked.Blocked(
            f"{subject.label}: the value for the variable {name} is not text",
            reason=blocked.CONFIG,
            hint="mount it as a volume: a variable cannot hold binary data",
        )
    return text


def _field(subject: Subject, name: str, path: str) -> str:
    pod = subject.record.pod
    found = metadata_field(subject.record, path)
    if found is not None:
        return found
    pods: tuple[str, ...] = (subject.record.address,) if subject.record.address else ()
    if pod.spec.host_network:
        pods = subject.facts.addresses
    known = {
        "metadata.name": pod.metadata.name,
        "metadata.namespace": pod.metadata.namespace,
        "metadata.uid": subject.record.uid,
        "spec.nodeName": subject.facts.node,
        "spec.serviceAccountName": DEFAULT_SERVICE_ACCOUNT,
        "status.hostIP": "".join(subject.facts.addresses[:1]),
        "status.hostIPs": ",".join(subject.facts.addresses),
        "status.podIP": "".join(pods[:1]),
        "status.podIPs": ",".join(pods),
    }
    if path not in known:
        raise blocked.Blocked(
            f'{subject.label}: env {name}: fieldPath "{path}" is none that a variable can hold',
            reason=blocked.CONFIG,
            hint=f"one of {', '.join(known)}, metadata.labels['KEY'], metadata.annotations['KEY']",
        )
    return known[path]


def metadata_field(record: PodRecord, path: str) -> str | None:
    """Return what `path` says of the pod's metadata; None for a path to something else."""
    if path == "metadata.uid":
        return record.uid
    return field_paths.of_metadata(path, record.pod.metadata)


def resource(subject: Subject, wanted: ResourceFieldRef) -> str:
    """Return what manifests.resource_fields says; a limit that is not set is the host's."""
    amount = resource_fields.asked(_named(subject, wanted.container_name), wanted.resource)
    if amount is None:
        capacity = {
            "cpu": subject.facts.cpus,
            "memory": subject.facts.memory,
            "ephemeral-storage": subject.facts.storage,
        }
        amount = Quantity(capacity.get(wanted.resource.partition(".")[2], 0))
    return resource_fields.divided(wanted, amount)


def _named(subject: Subject, name: str) -> Container:
    if name in ("", subject.container.name):
        return subject.container
    spec = subject.record.pod.spec
    for container in (*spec.init_containers, *spec.containers):
        if container.name == name:
            return container
    raise blocked.Blocked(
        f'{subject.label}: resourceFieldRef names container "{name}", which the pod does not have',
        reason=blocked.CONFIG,
    )
