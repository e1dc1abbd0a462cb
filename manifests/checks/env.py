"""Check environment variables, and where their values come from."""

from __future__ import annotations

from manifests import field_paths
from manifests.checks import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.container import Container, EnvVarSource, KeyRef, ResourceFieldRef, SourceRef

_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_RESOURCES = ("cpu", "memory", "ephemeral-storage")
_CPU_DIVISORS = frozenset({"0", "1m", "1"})
_UNITS = ("k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_SIZE_DIVISORS = frozenset({"0", "1", *(f"1{unit}" for unit in _UNITS)})


def check(
    container: Container, path: Path, findings: Findings, *, containers: Collection[str]
) -> None:
    """Check `env` and `envFrom` of one container; `containers` are the names of the pod's."""
    for index, variable in enumerate(container.env):
        here = (*path, "env", index)
        findings.unless(names.env_name(variable.name), (*here, "name"))
        if variable.value_from is None:
            continue
        if variable.value:
            findings.add((*here, "valueFrom"), "value and valueFrom cannot both be given")
        _check_source(variable.value_from, (*here, "valueFrom"), findings, containers)
    for index, source in enumerate(container.env_from):
        here = (*path, "envFrom", index)
        if source.prefix:
            findings.unless(names.env_name(source.prefix), (*here, "prefix"))
        given = [ref for ref in (source.config_map_ref, source.secret_ref) if ref is not None]
        if len(given) != 1:
            findings.add(here, "must have exactly one of configMapRef and secretRef")
        _check_name(source.config_map_ref, (*here, "configMapRef"), findings)
        _check_name(source.secret_ref, (*here, "secretRef"), findings)


def _check_source(
    source: EnvVarSource, path: Path, findings: Findings, containers: Collection[str]
) -> None:
    given = (
        source.config_map_key_ref,
        source.secret_key_ref,
        source.field_ref,
        source.resource_field_ref,
    )
    if sum(one is not None for one in given) != 1:
        wanted = "configMapKeyRef, secretKeyRef, fieldRef and resourceFieldRef"
        findings.add(path, f"must have exactly one of {wanted}")
    _check_key(source.config_map_key_ref, (*path, "configMapKeyRef"), findings)
    _check_key(source.secret_key_ref, (*path, "secretKeyRef"), findings)
    if source.field_ref:
        here = (*path, "fieldRef")
        findings.unless(field(source.field_ref.field_path), (*here, "fieldPath"))
        if source.field_ref.api_version not in ("", "v1"):
            findings.add((*here, "apiVersion"), "must be v1")
    if source.resource_field_ref:
        here = (*path, "resourceFieldRef")
        check_resource(source.resource_field_ref, here, findings, containers)


def field(text: str) -> str:
    """Say what is wrong with the path of a pod's field that a variable takes its value from."""
    if not text:
        return "is required"
    if text in _FIELDS:
        return ""
    keyed = field_paths.keyed(text)
    if keyed:
        of, key = keyed
        return names.qualified(key.lower() if of == "annotations" else key)
    known = ", ".join((*_FIELDS, "metadata.labels['KEY']", "metadata.annotations['KEY']"))
    return f'"{text}" is not a field that a variable can show; there are {known}'


def metadata_field(text: str) -> str:
    """Say what is wrong with the path of a field that a file of a volume shows."""
    known = (*_FIELDS[:3], "metadata.labels", "metadata.annotations")
    if text in known or field_paths.keyed(text):
        return ""
    return f'"{text}" is not a field that a file can show; there are {", ".join(known)}'


def check_resource(
    source: ResourceFieldRef, path: Path, findings: Findings, containers: Collection[str]
) -> None:
    """Check which amount of which container is shown."""
    amount, _, resource = source.resource.partition(".")
    known = resource in _RESOURCES or resource.removeprefix("hugepages-") not in ("", resource)
    if amount not in ("limits", "requests") or not known:
        message = f'"{source.resource}" must be limits.cpu, limits.memory, requests.cpu or the like'
        findings.add((*path, "resource"), message)
    if source.container_name and source.container_name not in containers:
        message = f'the pod has no container "{source.container_name}"'
        findings.add((*path, "containerName"), message)
    cpu = source.resource.endswith(".cpu")
    if source.divisor not in (_CPU_DIVISORS if cpu else _SIZE_DIVISORS):
        allowed = "1m or 1" if cpu else "1, 1k, 1M, 1Ki, 1Mi or the like"
        findings.add((*path, "divisor"), f'"{source.divisor}" must be {allowed}')


def _check_key(ref: KeyRef | None, path: Path, findings: Findings) -> None:
    if ref:
        findings.unless(names.dns_subdomain(ref.name), (*path, "name"))
        findings.unless(names.config_key(ref.key), (*path, "key"))


def _check_name(ref: SourceRef | None, path: Path, findings: Findings) -> None:
    if ref:
        findings.unless(names.dns_subdomain(ref.name), (*path, "name"))
