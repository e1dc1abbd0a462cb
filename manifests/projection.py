"""Say what a configMap, secret, downwardAPI or projected volume is made of. Pure.

Where two parts have one path the later wins, as for the kubelet. Who shows the files, and what a
missing object means, is for the callers to say.
"""

from __future__ import annotations

from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from manifests.config import ConfigMap, Secret
    from manifests.volumes import DownwardFile, KeyToPath, Volume

CONFIG_MAP, SECRET = "configmap", "secret"


class Content(Value):
    """An object whose keys become files; `content` is None where the object is missing."""

    kind: str
    name: str
    content: Mapping[str, bytes] | None
    items: tuple[KeyToPath, ...]
    optional: bool
    mode: int

    def files(self) -> Iterator[tuple[str, bytes, int]]:
        """Yield path, bytes and mode of each file that there is content for."""
        content = self.content or {}
        if not self.items:
            for key, value in sorted(content.items()):
                yield key, value, self.mode
        for item in self.items:
            if item.key in content:
                mode = self.mode if item.mode is None else item.mode
                yield item.path, content[item.key], mode

    def missing(self) -> str:
        """Say what is missing though it is not optional; "" for nothing."""
        if self.optional:
            return ""
        if self.content is None:
            return f'{self.kind} "{self.name}" not found'
        key = next((item.key for item in self.items if item.key not in self.content), None)
        return "" if key is None else f'{self.kind} "{self.name}" has no key "{key}"'


class Downward(Value):
    """Fields of the pod and amounts of its containers, as files."""

    items: tuple[DownwardFile, ...]
    mode: int


def shows_files(volume: Volume) -> bool:
    """Tell whether the volume is one of those that this module knows."""
    return any(
        source is not None
        for source in (volume.config_map, volume.secret, volume.downward_api, volume.projected)
    )


def holds_secrets(volume: Volume) -> bool:
    """Tell whether the volume must never reach a disk that others can read."""
    if volume.projected is not None:
        return any(source.secret is not None for source in volume.projected.sources)
    return volume.secret is not None


def parts(
    volume: Volume, configmaps: Mapping[str, ConfigMap], secrets: Mapping[str, Secret]
) -> Iterator[Content | Downward]:
    """Yield what the volume shows, in its order; the objects are those of the pod's namespace."""
    how: dict[str, Any]
    if volume.config_map is not None:
        one = volume.config_map
        how = {"items": one.items, "mode": one.default_mode, "optional": one.optional}
        yield _content(CONFIG_MAP, one.name, configmaps, **how)
    elif volume.secret is not None:
        two = volume.secret
        how = {"items": two.items, "mode": two.default_mode, "optional": two.optional}
        yield _content(SECRET, two.secret_name, secrets, **how)
    elif volume.downward_api is not None:
        yield Downward(items=volume.downward_api.items, mode=volume.downward_api.default_mode)
    elif volume.projected is not None:
        mode = volume.projected.default_mode
        for source in volume.projected.sources:
            if source.config_map is not None:
                ref = source.config_map
                how = {"items": ref.items, "mode": mode, "optional": ref.optional}
                yield _content(CONFIG_MAP, ref.name, configmaps, **how)
            if source.secret is not None:
                ref = source.secret
                how = {"items": ref.items, "mode": mode, "optional": ref.optional}
                yield _content(SECRET, ref.name, secrets, **how)
            if source.downward_api is not None:
                yield Downward(items=source.downward_api.items, mode=mode)


def _content(kind: str, name: str, held: Mapping[str, ConfigMap | Secret], **how: Any) -> Content:
    found = held.get(name)
    return Content(kind=kind, name=name, content=found.content() if found else None, **how)
