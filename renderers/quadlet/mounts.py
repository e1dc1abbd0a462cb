"""Write what a container mounts: Volume= where that has a form, Mount= or a flag where it has not.

Volume= is split at colons, and Quadlet has the unit wait for a path of the host by
RequiresMountsFor=, which is split at blanks and knows no `$$`.
"""

from __future__ import annotations

import posixpath

from manifests import projection
from manifests.container import MountPropagation
from manifests.value import Value
from renderers.quadlet import host_paths, images, shell, variables, volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.container import Container, VolumeMount
    from manifests.problems import FieldPath
    from manifests.volumes import Volume
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Lines, Section
    from renderers.quadlet.variables import Variable

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=./_-~")
_PROPAGATION = {
    MountPropagation.HOST_TO_CONTAINER: "rslave",
    MountPropagation.BIDIRECTIONAL: "rshared",
}
_SUB_PATHS = (5, 4)
"""The first release that mounts a part of a volume."""
_MAKE_SUB_PATH = 'mkdir -p -- "$(podman volume inspect --format "{{.Mountpoint}}" "$1")/$2"'


class _Mounted(Value):
    """A volumeMount with what it comes to; `sub_path` is "" for the whole volume."""

    path: FieldPath
    mount: VolumeMount
    volume: Volume
    sub_path: str

    @property
    def read_only(self) -> bool:
        return self.mount.read_only or volumes.is_read_only(self.volume)

    @property
    def propagation(self) -> str:
        return _PROPAGATION.get(self.mount.mount_propagation, "")


def write(
    rendering: Rendering,
    where: FieldPath,
    container: Container,
    declared: Mapping[str, Variable],
    lines: Section,
) -> Lines:
    """Add a line for each volumeMount; return what the service has to do before it starts."""
    held = {one.name: one for one in rendering.spec.volumes}
    before: dict[str, None] = {}
    for number, mount in enumerate(container.volume_mounts):
        there = (*where, "volumeMounts", number)
        sub_path = _sub_path(rendering, there, mount, declared)
        if sub_path is None:
            continue
        one = _Mounted(path=there, mount=mount, volume=held[mount.name], sub_path=sub_path)
        if one.volume.host_path is not None:
            before[host_paths.before(one.volume.host_path)] = None
        if one.volume.image is not None:
            _image(rendering, one, lines)
        elif one.sub_path and not _has_part(rendering, one):
            continue
        else:
            _put(one, volumes.source(rendering, one.volume), lines)
            if one.sub_path and volumes.source(rendering, one.volume).endswith(".volume"):
                name = volumes.source(rendering, one.volume).removesuffix(".volume")
                before[shell.script(_MAKE_SUB_PATH, name, one.sub_path)] = None
    return [("ExecStartPre", command) for command in before]


def _sub_path(
    rendering: Rendering, there: FieldPath, mount: VolumeMount, declared: Mapping[str, Variable]
) -> str | None:
    """Return the part of the volume that is mounted; None, told, where it is not known."""
    if not mount.sub_path_expr:
        return mount.sub_path
    before = len(rendering.losses)
    path = (*there, "subPathExpr")
    text = variables.expanded(rendering, path, mount.sub_path_expr, declared)
    return text if len(rendering.losses) == before else None


def _has_part(rendering: Rendering, one: _Mounted) -> bool:
    """Tell whether a part of the volume can be mounted, and say why where it cannot."""
    path = (*one.path, "subPath")
    if projection.shows_files(one.volume):
        shown = rendering.shown[one.volume.name]
        part = posixpath.normpath(one.sub_path)
        if not any(name == part or name.startswith(f"{part}/") for name in shown):
            rendering.lose(path, f'"{one.sub_path}" is not in the volume; left out')
            return False
    elif volumes.is_memory(one.volume):
        rendering.lose(path, "of a volume in memory has no form; left out")
        return False
    elif one.volume.host_path is None and rendering.target.version < _SUB_PATHS:
        rendering.lose(path, "of a volume is mounted by Podman 5.4 and later; left out")
        return False
    return True


def _image(rendering: Rendering, one: _Mounted, lines: Section) -> None:
    assert one.volume.image is not None  # noqa: S101 (asked by the caller)
    if one.sub_path:
        rendering.lose((*one.path, "subPath"), "of an image has no form here; left out")
        return
    wanted = one.volume.image
    use = images.used(rendering, wanted.reference, images.pull(wanted.pull_policy))
    source = use.unit if use else rendering.source.forms.whole(wanted.reference)
    fields = ["type=image", f"source={source}", f"destination={one.mount.mount_path}"]
    lines.word(one.path, "Mount", _csv(fields))


def _put(one: _Mounted, source: str, lines: Section) -> None:
    target = one.mount.mount_path
    named = source.endswith(".volume")
    if one.sub_path and not named:
        source = posixpath.join(source, one.sub_path)
    if (not one.sub_path or not named) and _PLAIN.issuperset(f"{source}{target}"):
        options = [*(["ro"] if one.read_only else []), *filter(None, [one.propagation])]
        parts = [source, target, *([",".join(options)] if options else [])]
        lines.text(one.path, "Volume", ":".join(parts))
        return
    fields = [
        f"type={'volume' if named else 'bind'}",
        f"source={source}",
        f"destination={target}",
        *([f"subpath={one.sub_path}"] if one.sub_path and named else []),
        *(["ro=true"] if one.read_only else []),
        *([f"bind-propagation={one.propagation}"] if one.propagation and not named else []),
    ]
    if named or _PLAIN.issuperset(source):
        lines.word(one.path, "Mount", _csv(fields))
    else:
        lines.flag(one.path, f"--mount={_csv(fields)}")


def _csv(fields: list[str]) -> str:
    """Return fields as Podman reads a mount: comma separated values."""
    return ",".join(
        '"{}"'.format(field.replace('"', '""')) if set(field) & set('",\n\r') else field
        for field in fields
    )
