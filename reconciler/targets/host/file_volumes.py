"""Say which files a configMap, secret, downwardAPI or projected volume shows.

Pure. Called by targets.host.volumes; what the volume is made of is manifests.projection's to say.
"""

from __future__ import annotations

from manifests import field_paths, projection
from reconciler.targets.host import blocked, environment
from runtime.volume import projected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.observed import PodRecord
    from manifests.volumes import Volume
    from reconciler.targets.host.environment import Sources

_HINT = "add the key, correct items, or make the volume optional"
_HINT_OBJECT = "apply the {kind}, correct its name, or make the volume optional"


def files(
    volume: Volume, record: PodRecord, sources: Sources, owner: str
) -> tuple[projected.File, ...]:
    """Return the volume's files; none where its object is optional and missing.

    Raises blocked.Blocked, naming `owner`, for an object or a key that is missing, and for a Secret
    whose content is lost, though it be optional.
    """
    found: list[projected.File] = []
    for part in projection.parts(volume, sources.configmaps, sources.secrets):
        if isinstance(part, projection.Downward):
            found.extend(_described(part, record, sources, owner))
            continue
        if part.kind == projection.SECRET and part.name in sources.lost:
            raise blocked.lost(owner, part.name, reason=blocked.MOUNT, hint=sources.lost[part.name])
        missing = part.missing()
        if missing:
            raise blocked.Blocked(
                f"{owner}: {missing}",
                reason=blocked.MOUNT,
                hint=_HINT if part.content is not None else _HINT_OBJECT.format(kind=part.kind),
            )
        found.extend(
            projected.File(path=path, content=content, mode=mode)
            for path, content, mode in part.files()
        )
    return projected.checked(found, owner=owner)


def _described(
    part: projection.Downward, record: PodRecord, sources: Sources, owner: str
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
    found = field_paths.whole(path, record.pod.metadata)
    if found is None:
        found = environment.metadata_field(record, path)
    if found is None:
        raise blocked.Blocked(
            f'{owner}: fieldPath "{path}" is none that a file can show', reason=blocked.CONFIG
        )
    return found
