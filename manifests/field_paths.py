"""Read fieldPaths: the one form that has a key, `metadata.labels['app']`, and what they name. Pure.

The manifest's check and what a variable is made of both ask here.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.meta import ObjectMeta


def keyed(text: str) -> tuple[str, str] | None:
    """Return (`labels` or `annotations`, the key); None for any other path."""
    front, _, rest = text.partition("['")
    key = rest.removesuffix("']")
    if front not in ("metadata.labels", "metadata.annotations") or key == rest or "'" in key:
        return None
    return front.removeprefix("metadata."), key


def of_metadata(path: str, metadata: ObjectMeta) -> str | None:
    """Return what `path` says of a pod's metadata; None for a path to something else."""
    found = keyed(path)
    if found is not None:
        of, key = found
        return (metadata.labels if of == "labels" else metadata.annotations).get(key, "")
    return {"metadata.name": metadata.name, "metadata.namespace": metadata.namespace}.get(path)


def whole(path: str, metadata: ObjectMeta) -> str | None:
    """Return all labels or annotations as a file shows them; None for another path."""
    import json

    held = {"metadata.labels": metadata.labels, "metadata.annotations": metadata.annotations}
    if path not in held:
        return None
    return "\n".join(
        f"{key}={json.dumps(value, ensure_ascii=False)}"
        for key, value in sorted(held[path].items())
    )
