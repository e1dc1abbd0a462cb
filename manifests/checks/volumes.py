"""Check volumes, the mounts of containers, and PersistentVolumeClaims."""

from __future__ import annotations

from manifests import settings
from manifests.checks import containers, env, names
from manifests.checks.findings import Once
from manifests.container import MountPropagation, RecursiveReadOnly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.config import PersistentVolumeClaim
    from manifests.container import Container, VolumeMount
    from manifests.pod import PodSpec
    from manifests.volumes import ClaimSpec, DownwardFile, HostPath, KeyToPath, Volume

_ACCESS_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
_VOLUME_MODES = ("Filesystem", "Block")
_LARGEST_MODE = 0o777


def check(spec: PodSpec, path: Path, findings: Findings) -> None:
    """Check the volumes of a pod, and the mounts of its containers."""
    once = Once(findings, "volume name")
    containers_of = {one.name for one in (*spec.init_containers, *spec.containers)}
    for index, volume in enumerate(spec.volumes):
        here = (*path, "volumes", index)
        findings.unless(names.dns_label(volume.name), (*here, "name"))
        if volume.name:
            once.see(volume.name, (*here, "name"))
        _check_source(volume, here, findings)
        _check_file_sources(volume, here, findings, containers_of)
        if volume.ephemeral:
            where = (*here, "ephemeral", "volumeClaimTemplate", "spec")
            check_claim_spec(volume.ephemeral.volume_claim_template.spec, where, findings)
    known = {volume.name for volume in spec.volumes}
    for here, container in containers.each(spec, path):
        _check_mounts(container, here, findings, known)


def _check_source(volume: Volume, path: Path, findings: Findings) -> None:
    sources = {
        "emptyDir": volume.empty_dir,
        "hostPath": volume.host_path,
        "configMap": volume.config_map,
        "secret": volume.secret,
        "persistentVolumeClaim": volume.persistent_volume_claim,
        "downwardAPI": volume.downward_api,
        "projected": volume.projected,
        "ephemeral": volume.ephemeral,
        "image": volume.image,
    }
    given = [name for name, source in sources.items() if source is not None]
    if len(given) > 1:
        findings.add(path, f"must be one kind of volume only; it is {' and '.join(given)}")
    if volume.empty_dir and volume.empty_dir.size_limit:
        fault = containers.amount_fault(volume.empty_dir.size_limit)
        findings.unless(fault, (*path, "emptyDir", "sizeLimit"))
    if volume.image:
        containers.check_image(volume.image.reference, (*path, "image", "reference"), findings)
    if volume.host_path:
        _check_host_path(volume.host_path, (*path, "hostPath", "path"), findings)
    if volume.config_map:
        source = volume.config_map
        here = (*path, "configMap")
        findings.unless(names.dns_subdomain(source.name), (*here, "name"))
        _check_items(source.items, source.default_mode, here, findings)
    if volume.secret:
        here = (*path, "secret")
        findings.unless(names.dns_subdomain(volume.secret.secret_name), (*here, "secretName"))
        _check_items(volume.secret.items, volume.secret.default_mode, here, findings)
    if volume.persistent_volume_claim:
        fault = names.dns_subdomain(volume.persistent_volume_claim.claim_name)
        findings.unless(fault, (*path, "persistentVolumeClaim", "claimName"))


def _check_file_sources(
    volume: Volume, path: Path, findings: Findings, names_of: Collection[str]
) -> None:
    """Check downwardAPI and projected volumes; `names_of` are the pod's containers."""
    if volume.downward_api:
        here = (*path, "downwardAPI")
        findings.unless(_mode_fault(volume.downward_api.default_mode), (*here, "defaultMode"))
        _check_downward(volume.downward_api.items, here, findings, names_of)
    if volume.projected:
        here = (*path, "projected")
        findings.unless(_mode_fault(volume.projected.default_mode), (*here, "defaultMode"))
        for index, source in enumerate(volume.projected.sources):
            where = (*here, "sources", index)
            for field, ref in (("configMap", source.config_map), ("secret", source.secret)):
                if ref:
                    findings.unless(names.dns_subdomain(ref.name), (*where, field, "name"))
                    _check_items(ref.items, 0, (*where, field), findings)
            if source.downward_api:
                inner = (*where, "downwardAPI")
                _check_downward(source.downward_api.items, inner, findings, names_of)


def _check_downward(
    items: Sequence[DownwardFile], path: Path, findings: Findings, names_of: Collection[str]
) -> None:
    once = Once(findings, "path")
    for index, item in enumerate(items):
        here = (*path, "items", index)
        _check_file(item.path, item.mode, here, findings)
        once.see(item.path, (*here, "path"))
        if (item.field_ref is None) == (item.resource_field_ref is None):
            findings.add(here, "must have exactly one of fieldRef and resourceFieldRef")
        if item.field_ref:
            where = (*here, "fieldRef", "fieldPath")
            findings.unless(env.metadata_field(item.field_ref.field_path), where)
        if item.resource_field_ref:
            where = (*here, "resourceFieldRef")
            env.check_resource(item.resource_field_ref, where, findings, names_of)
            if not item.resource_field_ref.container_name:
                findings.add((*where, "containerName"), "is required in a volume")


def _check_host_path(source: HostPath, path: Path, findings: Findings) -> None:
    if not source.path:
        findings.add(path, "is required")
    elif not source.path.startswith("/"):
        findings.add(path, f'"{source.path}" must be an absolute path of this host')
    else:
        findings.unless(names.no_steps_back(source.path), path)


def _check_items(items: Sequence[KeyToPath], mode: int, path: Path, findings: Findings) -> None:
    findings.unless(_mode_fault(mode), (*path, "defaultMode"))
    once = Once(findings, "path")
    for index, item in enumerate(items):
        here = (*path, "items", index)
        findings.unless(names.config_key(item.key), (*here, "key"))
        _check_file(item.path, item.mode, here, findings)
        if item.path:
            once.see(item.path, (*here, "path"))


def _check_file(text: str, mode: int | None, path: Path, findings: Findings) -> None:
    """Check where in a volume a file goes, and its mode."""
    if not text:
        findings.add((*path, "path"), "is required")
    elif text.startswith(".."):
        findings.add((*path, "path"), f'"{text}" must not start with ".."')
    else:
        findings.unless(names.relative_path(text), (*path, "path"))
    if mode is not None:
        findings.unless(_mode_fault(mode), (*path, "mode"))


def _mode_fault(mode: int) -> str:
    if 0 <= mode <= _LARGEST_MODE:
        return ""
    return f"must be from 0 to 0777 (octal; 511 in decimal); it is {mode}"


def _check_mounts(
    container: Container, path: Path, findings: Findings, known: Collection[str]
) -> None:
    once = Once(findings, "mountPath")
    for index, mount in enumerate(container.volume_mounts):
        here = (*path, "volumeMounts", index)
        if not mount.name:
            findings.add((*here, "name"), "is required")
        elif mount.name not in known:
            findings.add((*here, "name"), f'the pod has no volume "{mount.name}"')
        if mount.mount_path:
            once.see(mount.mount_path.rstrip("/"), (*here, "mountPath"), mount.mount_path)
        _check_mount_path(mount.mount_path, (*here, "mountPath"), findings)
        _check_sub_path(mount, here, findings)
        _check_recursion(mount, (*here, "recursiveReadOnly"), findings)


def _check_mount_path(text: str, path: Path, findings: Findings) -> None:
    if not text:
        findings.add(path, "is required")
    elif ":" in text:
        findings.add(path, f'"{text}" must not contain ":"')
    elif not text.startswith("/"):
        findings.add(path, f'"{text}" must be an absolute path in the container')


def _check_sub_path(mount: VolumeMount, path: Path, findings: Findings) -> None:
    if mount.sub_path and mount.sub_path_expr:
        findings.add((*path, "subPathExpr"), "subPath and subPathExpr cannot both be given")
    findings.unless(names.relative_path(mount.sub_path), (*path, "subPath"))
    findings.unless(names.relative_path(mount.sub_path_expr), (*path, "subPathExpr"))


def _check_recursion(mount: VolumeMount, path: Path, findings: Findings) -> None:
    if mount.recursive_read_only is RecursiveReadOnly.DISABLED:
        return
    if not mount.read_only:
        findings.add(path, "needs readOnly: true beside it")
    if mount.mount_propagation is not MountPropagation.NONE:
        findings.add(path, "cannot stand beside a mountPropagation other than None")


def check_claim(claim: PersistentVolumeClaim, findings: Findings) -> None:
    """Check a PersistentVolumeClaim: how it is mounted, and how much it asks for."""
    for key, message in settings.faults(claim.metadata.annotations):
        findings.add(("metadata", "annotations", key), message)
    check_claim_spec(claim.spec, ("spec",), findings)


def check_claim_spec(spec: ClaimSpec, path: Path, findings: Findings) -> None:
    if not spec.access_modes:
        findings.add((*path, "accessModes"), "is required, as [ReadWriteOnce]")
    for index, mode in enumerate(spec.access_modes):
        if mode not in _ACCESS_MODES:
            message = f'"{mode}" must be one of {", ".join(_ACCESS_MODES)}'
            findings.add((*path, "accessModes", index), message)
    if "ReadWriteOncePod" in spec.access_modes and len(spec.access_modes) > 1:
        findings.add((*path, "accessModes"), "ReadWriteOncePod cannot stand beside other modes")
    where = (*path, "resources", "requests")
    if "storage" not in spec.resources.requests:
        findings.add((*where, "storage"), "is required: how much the claim asks for, as 1Gi")
    containers.check_amounts(spec.resources.requests, where, findings)
    size = spec.resources.requests.get("storage")
    if size is not None and size.valid() and size.fraction()[0] == 0:
        findings.add((*where, "storage"), "must be more than zero")
    if spec.volume_mode not in _VOLUME_MODES:
        findings.add((*path, "volumeMode"), f"must be {' or '.join(_VOLUME_MODES)}")
    if spec.storage_class_name:
        fault = names.dns_subdomain(spec.storage_class_name)
        findings.unless(fault, (*path, "storageClassName"))
