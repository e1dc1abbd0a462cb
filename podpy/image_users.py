"""Tell which images are used: by a pod on this host, or by an object that was applied.

An applied object is recorded before its images are pulled and its pods are made, so an image on its
way to a pod counts, too.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from podpy.context import Context


def in_use(context: Context) -> frozenset[str]:
    """Return the ids of the images."""
    from manifests import kinds, references
    from reconciler.state import objects
    from runtime.observe import records

    used = {
        image_id
        for record in records.read_pods(context.paths)
        for image_id in record.images.values()
    }
    for applied in objects.read(context.database):
        part = kinds.pod_part(applied.object())
        if part is not None:
            for _key, name, _policy in references.images(part[1]):
                image = context.base.store.find(name)
                if image is not None:
                    used.add(image.id)
    return frozenset(used)
