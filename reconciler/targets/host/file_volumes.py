"""Say which files a configMap, secret, downwardAPI or projected volume shows.

Pure. Called by targets.host.volumes. Where two sources of a projected volume have one path the
later wins, as for the kubelet.
"""

from __future__ import annotations

import json

from manifests.value import Value
from reconciler.targets.host import blocked, environment
from runtime.volume import projected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from manifests.config import ConfigMap, Secret
    from manifests.observed import PodRecord
    from manifests.volumes import DownwardFile, KeyToPath, Volume
    from reconciler.targets.host.environment import Sources


CONFIG_MAP, SECRET = "configmap", "secret"


class _Content(Value):
    """An object whose keys become files; `content` is None where the object is missing."""

    kind: str
    name: str
    content: Mapping[str, bytes] | None
    items: tuple[KeyToPath, ...]
    optional: bool
    mode: int


class _Downward(Value):
    items: tuple[DownwardFile, ...]
    mode: int


def shows_files(volume: Volume) -> bool:
    return any(
        source is not None
        for source in (volume.config_map, volume.secret, volume.downward_api, volume.projected)
    )


def holds_secrets(volume: Volume) -> bool:
    """Tell whether the volume must never reach a disk."""
    if volume.projected is not None:
        return any(source.secret is not None for source in volume.projected.sources)
    return volume.secret is not None


def files(
    volume: Volume, record: PodRecord, sources: Sources, owner: str
) -> tuple[projected.File, ...]:
    """Return the volume's files; none where its object is optional and missing.

    Raises blocked.Blocked, naming `owner`, for an object or a key that is missing.
    """
    found: list[projected.File] = []
    for part in _parts(volume, sources):
        if isinstance(part, _Downward):
            found.extend(_described(part, record, sources, owner))
        else:
            found.extend(_of_keys(part, owner))
    return projected.checked(found, owner=owner)


def _parts(volume: Volume, sources: Sources) -> Iterator[_Content | _Downward]:
    how: dict[str, Any]
    if volume.config_map is not None:
        one = volume.config_map
        how = {"items": one.items, "mode": one.default_mode, "optional": one.optional}
        yield _object(CONFIG_MAP, one.name, sources, **how)
    elif volume.secret is not None:
        two = volume.secret
        how = {"items": two.items, "mode": two.default_mode, "optional": two.optional}
        yield _object(SECRET, two.secret_name, sources, **how)
    elif volume.downward_api is not None:
        yield _Downward(items=volume.downward_api.items, mode=volume.downward_api.default_mode)
    elif volume.projected is not None:
        mode = volume.projected.default_mode
        for source in volume.projected.sources:
            for kind, ref in ((CONFIG_MAP, source.config_map), (SECRET, source.secret)):
                if ref is not None:
                    how = {"items": ref.items, "mode": mode, "optional": ref.optional}
                    yield _object(kind, ref.name, sources, **how)
            if source.downward_api is not None:
                yield _Downward(items=source.downward_api.items, mode=mode)


def _object(
    kind: str,
    name: str,
    sources: Sources,
    *,
    items: tuple[KeyToPath, ...],
    mode: int,
    optional: bool,
) -> _Content:
    found: ConfigMap | Secret | None
    found = sources.secrets.get(name) if kind == SECRET else sources.configmaps.get(name)
    content = found.content() if found else None
    return _Content(
        kind=kind, name=name, content=content, items=items, optional=optional, mode=mode
    )


def _of_keys(part: _Content, owner: str) -> Iterator[projected.File]:
    content = part.content
    if content is None:
        if part.optional:
            return
        raise blocked.Blocked(
            f'{owner}: {part.kind} "{part.name}" not found',
            reason=blocked.MOUNT,
            hint=f"apply the {part.kind}, correct its name, or make the volume optional",
        )
    if not part.items:
        for key, value in sorted(content.items()):
            yield projected.File(path=key, content=value, mode=part.mode)
    for item in part.items:
        if item.key in content:
            mode = part.mode if item.mode is None else item.mode
            yield projected.File(path=item.path, content=content[item.key], mode=mode)
        elif not part.optional:
            raise blocked.Blocked(
                f'{owner}: {part.kind} "{part.name}" has no key "{item.key}"',
                reason=blocked.MOUNT,
                hint="add the key, correct items, or make the volume optional",
            )


def _described(
    part: _Downward, record: PodRecord, sources: Sources, owner: str
) -> Iterator[projected.File]:
    """What the pod's own fields and its containers' resources come to, as files."""
    for item in part.items:
        text = ""
        if item.field_ref is not None:
            text = _field(item.field_ref.field_path, record, owner)
        elif item.resource_field_ref is not None and sources.facts is not None:
            subject = environment.Subject(
                record=record,
                container=record.pod.spec.containers[0],
                sources=sources,
                facts=sources.facts,
            )
            text = environment.resource(subject, item.resource_field_ref)
        mode = part.mode if item.mode is None else item.mode
        yield projected.File(path=item.path, content=text.encode(), mode=mode)


def _field(path: str, record: PodRecord, owner: str) -> str:
    metadata = record.pod.metadata
    whole = {"metadata.labels": metadata.labels, "metadata.annotations": metadata.annotations}
    if path in whole:
        return "\n".join(
            f"{key}={json.dumps(value, ensure_ascii=False)}"
            for key, value in sorted(whole[path].items())
        )
    found = environment.metadata_field(record, path)
    if found is None:
        raise blocked.Blocked(
            f'{owner}: fieldPath "{path}" is none that a file can show', reason=blocked.CONFIG
        )
    return found
