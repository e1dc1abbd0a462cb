"""Read the one form of a fieldPath that has a key: `metadata.labels['app']`.

The manifest's check and what a variable is made of both ask here.
"""

from __future__ import annotations


def keyed(text: str) -> tuple[str, str] | None:
    """Return (`labels` or `annotations`, the key); None for any other path."""
    front, _, rest = text.partition("['")
    key = rest.removesuffix("']")
    if front not in ("metadata.labels", "metadata.annotations") or key == rest or "'" in key:
        return None
    return front.removeprefix("metadata."), key
