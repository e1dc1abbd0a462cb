"""Write configMap, secret, downwardAPI and projected volumes as directories beside the units.

    STEM-VOLUME.files/PATH           what everybody on the host may read
    STEM-VOLUME.secret/files/PATH    with a Secret: STEM-VOLUME.secret is for its owner alone, and
                                     the files have the modes that the container is to see

Quadlet looks for units in directories below its own, too, so that a key with the name of a unit
file cannot be shown. Which volume is made of what is manifests.projection's to say.
"""

from __future__ import annotations

from manifests import projection
from renderers.quadlet import variables
from renderers.quadlet.unit import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.problems import FieldPath
    from manifests.volumes import DownwardFile, Volume
    from renderers.quadlet.rendering import Rendering

    Shown = tuple[str, bytes, int]

_READ_BY_ALL = 0o004
_UNITS = ("artifact", "build", "container", "image", "kube", "network", "pod", "quadlets", "volume")


def directory(rendering: Rendering, volume: Volume) -> str:
    """Return where the volume's files are, relative to the units."""
    front = f"{rendering.source.stem}-{volume.name}"
    return f"{front}.secret/files" if projection.holds_secrets(volume) else f"{front}.files"


def write(rendering: Rendering, index: int, volume: Volume) -> tuple[str, ...]:
    """Add the files of the volume; return their paths in it."""
    where = ("volumes", index)
    private = projection.holds_secrets(volume)
    shown: dict[str, File] = {}
    front = directory(rendering, volume)
    for path, content, mode in _files(rendering, where, volume):
        if any(_is_units(part) for part in path.split("/")):
            rendering.lose(where, f'"{path}" would be taken for a unit of Quadlet and is left out')
            continue
        name = f"{front}/{path}"
        shown[path] = File(name=name, content=bytes(content), mode=mode, private=private)
    for path in _in_the_way(shown):
        rendering.lose(where, f'"{path}" is a file and a directory, too; the file is left out')
        del shown[path]
    group = rendering.spec.security_context.fs_group
    if group is not None and any(not file.mode & _READ_BY_ALL for file in shown.values()):
        message = "fsGroup does not reach these files: they are root's, and their modes hold"
        rendering.lose(where, message)
    rendering.files.append(File(name=f"{front}/", mode=0o755, private=private))
    rendering.files.extend(shown.values())
    return tuple(shown)


def _in_the_way(shown: dict[str, File]) -> list[str]:
    return [path for path in shown if any(other.startswith(f"{path}/") for other in shown)]


def _is_units(part: str) -> bool:
    """Tell whether Quadlet would read a file of this name, or a directory as drop-ins."""
    stem = part.removesuffix(".d")
    kind = stem.rpartition(".")[2]
    return kind in _UNITS and ("." in stem or stem != part)


def _files(rendering: Rendering, where: FieldPath, volume: Volume) -> Iterator[Shown]:
    given = rendering.source
    for part in projection.parts(volume, given.configmaps, given.secrets):
        if isinstance(part, projection.Content):
            missing = part.missing()
            if missing:
                rendering.lose(where, missing)
            yield from part.files()
            continue
        for item in part.items:
            text = _described(rendering, where, item)
            if text is not None:
                yield item.path, text.encode(), part.mode if item.mode is None else item.mode


def _described(rendering: Rendering, where: FieldPath, item: DownwardFile) -> str | None:
    if item.field_ref is not None:
        return variables.field(rendering, where, item.field_ref)
    if item.resource_field_ref is not None:
        return variables.resource(rendering, where, item.resource_field_ref, None)
    return ""
