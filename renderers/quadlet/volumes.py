"""Say where a pod's volumes are, and write the .volume files that live as long as the pod."""

from __future__ import annotations

from manifests import codec, projection
from manifests.container import PullPolicy
from manifests.volumes import EmptyDir, Medium
from renderers import systemd_text
from renderers.quadlet import file_volumes, naming, shell, unit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.volumes import Volume
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import File, Lines


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


def claim(stem: str, origin: str, group: int | None, *, user: bool) -> File:
    """Return the .volume file of a claim; `group` is the fsGroup of the pods that have it."""
    lines = [("VolumeName", systemd_text.literal(stem))]
    service: Lines = []
    if group is not None:
        lines.extend(_owners(group))
        service.append(("ExecStartPost", _change(stem, "g+rwxs", user=user)))
    return unit.write(f"{stem}.volume", origin, {"Volume": lines, "Service": service})


def _scratch(rendering: Rendering, index: int, volume: Volume) -> None:
    """Add a volume that goes when nothing needs its unit any more.

    As an emptyDir everybody may write to it, and it has nothing of the image.
    """
    name = f"{rendering.source.stem}-{volume.name}"
    group = rendering.spec.security_context.fs_group
    mode = "0777" if group is None else "2777"
    lines = [("VolumeName", systemd_text.literal(name)), ("Copy", "false"), *_owners(group or 0)]
    service: Lines = []
    wanted = volume.empty_dir or EmptyDir()
    if is_memory(volume):
        size = f",size={wanted.size_limit.whole()}" if wanted.size_limit else ""
        lines.extend([("Type", "tmpfs"), ("Device", "tmpfs"), ("Options", f"mode={mode}{size}")])
    else:
        service.append(("ExecStartPost", _change(name, mode, user=rendering.user)))
        if wanted.size_limit:
            where = ("volumes", index, "emptyDir", "sizeLimit")
            rendering.lose(where, "is not enforced on a disk")
    service.append(("ExecStop", shell.run(shell.PODMAN, "volume", "rm", "--force", name)))
    rendering.write(
        f"{name}.volume",
        {"Unit": [("StopWhenUnneeded", "yes")], "Volume": lines, "Service": service},
    )


def _owners(group: int) -> Lines:
    """Return the lines that give a volume its owners: Podman then leaves them when it is mounted.

    Else the first container that has it would own it, or the image would say who does.
    """
    return [("User", "0"), ("Group", str(group))]


def _change(name: str, mode: str, *, user: bool) -> str:
    """Return the command that sets the mode of a volume's directory."""
    script = 'chmod -- "$2" "$(podman volume inspect --format "{{.Mountpoint}}" "$1")"'
    if user:
        # Its group is one that only Podman's user namespace has.
        return shell.run(shell.PODMAN, "unshare", "/bin/sh", "-c", script, "sh", name, mode)
    return shell.script(script, name, mode)
