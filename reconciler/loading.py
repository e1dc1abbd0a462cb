"""Turn what was loaded into what is wished: each object with the digest that it is known again by.

Called by the commands that apply, and for each revision of a Sync.
"""

from __future__ import annotations

from manifests import kinds
from reconciler.plan.wish import Wished

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.load import Loaded, Located
    from runtime.paths import Paths


def wished(paths: Paths, loaded: Loaded) -> tuple[Wished, ...]:
    """Return the loaded objects as a wish."""
    return tuple(
        Wished(
            ref=kinds.ref(item.object),
            object=item.object,
            digest=_digest(paths, item),
            file=item.file,
            line=item.line,
            index=item.index,
            text=loaded.texts.get(item.file),
        )
        for item in loaded.objects
    )


def _digest(paths: Paths, item: Located) -> str:
    """What the database keeps of an object to know it again; it must not tell a Secret."""
    if item.object.kind != "Secret":
        return item.digest
    from reconciler.state import secrets

    return secrets.digest(paths, item.digest)
