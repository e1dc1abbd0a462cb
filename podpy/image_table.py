"""Show the images in the store: each name a line, as text or JSON."""

from __future__ import annotations

import datetime
import json
import time

from podpy import sizes, tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.image.store import Image, Store

SHORT_ID = 12
HEADS = ("NAME", "IMAGE ID", "DIGEST", "AGE", "SIZE")


def ids(store: Store) -> str:
    """Return the ids alone, a line each."""
    return "\n".join(image.id for image in store.images())


def text(store: Store, *, headers: bool = True) -> str:
    """Return the table; an image that has lost its name to another one is "<none>"."""
    names, now = _names(store), time.time()
    rows = [
        (name, image.id[:SHORT_ID], _short(image.digest), _age(image, now), sizes.text(image.size))
        for image in store.images()
        for name in names.get(image.id) or [tables.NONE]
    ]
    return tables.lines(HEADS, sorted(rows), headers=headers)


def as_json(store: Store) -> str:
    names = _names(store)
    return json.dumps(
        [
            {
                "id": image.id,
                "names": names.get(image.id, []),
                "digest": image.digest,
                "size": image.size,
                "created": image.created,
                "architecture": image.architecture,
                "layers": list(image.layers),
            }
            for image in store.images()
        ],
        indent=2,
    )


def _names(store: Store) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, owner in sorted(store.names().items()):
        found.setdefault(owner, []).append(name)
    return found


def _short(digest: str) -> str:
    kind, _, number = digest.partition(":")
    return f"{kind}:{number[:SHORT_ID]}"


def _age(image: Image, now: float) -> str:
    """How long ago the image was built, as far as its configuration says."""
    try:
        made = datetime.datetime.fromisoformat(image.created)
    except ValueError:
        return tables.UNKNOWN
    if made.tzinfo is None:
        made = made.replace(tzinfo=datetime.UTC)
    # Reproducible builders write the year 1 or 1970: nobody has noted when it was.
    return tables.since(max(0.0, made.timestamp()), now)
