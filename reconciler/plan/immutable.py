"""Refuse a wish that changes what Kubernetes lets nobody change. Pure."""

from __future__ import annotations

from manifests.faults import Invalid
from manifests.problems import path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reconciler.plan.wish import Wish


def refuse_changes(wish: Wish) -> None:
    """Raise Invalid where a remembered object would change in a way that Kubernetes forbids.

    Making everything anew (`--replace`) is the way around it, as deleting the object first is.
    """
    if wish.recreate:
        return
    found = []
    for item in wish.objects:
        before = wish.remembered.get(item.ref)
        if before is None or before.digest == item.digest:
            continue
        from manifests.checks import changes

        content = True if item.ref.kind == "Secret" else None
        for flaw in changes.immutable_changes(before.object, item.object, content_changed=content):
            where = item.where_of(flaw.path)
            found.append(f"{where}: {item.ref} {path_text(flaw.path)}: {flaw.message}")
    if found:
        raise Invalid("\n".join(found), hint="delete the object first, or kube play --replace")
