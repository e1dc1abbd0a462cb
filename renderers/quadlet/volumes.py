"""Say where a pod's volumes are, and write the .volume files that live as long as the pod."""

from __future__ import annotations

from manifests import codec, projection
from manifests.container import PullPolicy
from manifests.volumes import EmptyDir, Medium
from renderers import systemd_text
from renderers.quadlet import file_volumes, naming, shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.volumes import Volume
    from renderers.quadlet.rendering import Rendering


def write(rendering: Rendering) -> None:
    """Add the files of all volumes that need some."""
    for index, volume in enumerate(rendering.spec.volumes):
        if projection.shows_files(volume):
            rendering.shown[volume.name] = file_volumes.write(rendering, index, volume)
        elif is_scratch(volume):
            _scratch(rendering, index, volume)
        elif volume.image is not None and volume.image.pull_policy in (
            PullPolicy.ALWAYS,
            PullPolicy.NEVER,
        ):
            where = ("volumes", index, "image", "pullPolicy")
            rendering.lose(where, "is not kept: the image is pulled where it is missing")


def source(rendering: Rendering, volume: Volume) -> str:
    """Return what is mounted for a volume that is no image's: a path, or the name of a unit."""
    if volume.host_path is not None:
        return volume.host_path.path
    if volume.persistent_volume_claim is not None:
        claim = volume.persistent_volume_claim.claim_name
        return f"{naming.claim(rendering.source.pod, claim)}.volume"
    if projection.shows_files(volume):
        return f"./{file_volumes.directory(rendering, volume)}"
    return f"{rendering.source.stem}-{volume.name}.volume"


def is_read_only(volume: Volume) -> bool:
    """Tell whether no mount of it may be written to: what is beside the units is not to change."""
    claim = volume.persistent_volume_claim
    return projection.shows_files(volume) or (claim is not None and claim.read_only)


def is_memory(volume: Volume) -> bool:
    return volume.empty_dir is not None and volume.empty_dir.medium is Medium.MEMORY


def is_scratch(volume: Volume) -> bool:
    """Tell whether it lives as long as its pod, as one without any source does, too."""
    return (
        volume.empty_dir is not None
        or volume.ephemeral is not None
        or set(codec.encode(volume)) == {"name"}
    )


def _scratch(rendering: Rendering, index: int, volume: Volume) -> None:
    """Add a volume that goes when nothing needs its unit any more."""
    name = f"{rendering.source.stem}-{volume.name}"
    lines = [("VolumeName", systemd_text.literal(name))]
    wanted = volume.empty_dir or EmptyDir()
    if is_memory(volume):
        lines.extend([("Type", "tmpfs"), ("Device", "tmpfs")])
        if wanted.size_limit:
            lines.append(("Options", f"size={wanted.size_limit.whole()}"))
    elif wanted.size_limit:
        rendering.lose(("volumes", index, "emptyDir", "sizeLimit"), "is not enforced on a disk")
    rendering.write(
        f"{name}.volume",
        {
            "Unit": [("StopWhenUnneeded", "yes")],
            "Volume": lines,
            "Service": [("ExecStop", shell.run(shell.PODMAN, "volume", "rm", "--force", name))],
        },
    )
