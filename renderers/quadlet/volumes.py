"""Write what a container mounts, and the .volume files that live as long as their pod."""

from __future__ import annotations

from manifests import codec
from manifests.volumes import HostPathType, Medium
from renderers.quadlet import naming

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container
    from manifests.problems import FieldPath
    from manifests.volumes import Volume
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Section


def mount(rendering: Rendering, where: FieldPath, container: Container, lines: Section) -> None:
    """Add a Volume= for each volumeMount."""
    for number, one in enumerate(container.volume_mounts):
        origin = _origin(rendering, one.name)
        if not origin:
            continue
        there = (*where, "volumeMounts", number)
        if ":" in one.mount_path or ":" in origin:
            rendering.lose(there, "has a colon, for which there is no form")
        else:
            text = f"{origin}:{one.mount_path}{':ro' if one.read_only else ''}"
            lines.text(there, "Volume", text)


def _origin(rendering: Rendering, name: str) -> str:
    """Return what Volume= mounts for a volume; "" for one that is told of as not honoured."""
    volumes = rendering.spec.volumes
    index, one = next((i, volume) for i, volume in enumerate(volumes) if volume.name == name)
    if one.host_path is not None:
        if one.host_path.type not in (HostPathType.UNCHECKED, HostPathType.DIRECTORY):
            where = ("volumes", index, "hostPath", "type")
            rendering.lose(where, "is not looked at: the path must be there")
        return one.host_path.path
    if one.persistent_volume_claim is not None:
        claim = one.persistent_volume_claim.claim_name
        return f"{naming.claim(rendering.source.pod, claim)}.volume"
    return f"{rendering.source.stem}-{name}.volume" if is_scratch(one) else ""


def is_scratch(one: Volume) -> bool:
    """Tell whether it is an emptyDir: Kubernetes takes one without any source for that, too."""
    return one.empty_dir is not None or set(codec.encode(one)) == {"name"}


def scratch(rendering: Rendering, index: int, one: Volume) -> None:
    """Add the volume of an emptyDir: it goes when nothing needs its unit any more."""
    name = f"{rendering.source.stem}-{one.name}"
    lines = [("VolumeName", name)]
    wanted = one.empty_dir
    if wanted is not None and wanted.medium is Medium.MEMORY:
        lines.extend([("Type", "tmpfs"), ("Device", "tmpfs")])
        if wanted.size_limit:
            lines.append(("Options", f"size={wanted.size_limit.whole()}"))
    elif wanted is not None and wanted.size_limit:
        rendering.lose(("volumes", index, "emptyDir", "sizeLimit"), "is not enforced on a disk")
    rendering.write(
        f"{name}.volume",
        {
            "Unit": [("StopWhenUnneeded", "yes")],
            "Volume": lines,
            "Service": [("ExecStop", f"/usr/bin/podman volume rm --force {name}")],
        },
    )
