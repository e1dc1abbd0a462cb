"""Show what `podpy adopt` would do: prospects in, text or JSON-shaped data out. Pure."""

from __future__ import annotations

from podpy import changes, tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from podpy.adopting import Prospect, Volume
    from reconciler.adopting.groups import Piece


def text(prospects: Sequence[Prospect]) -> str:
    """Return the plan: for each pod what is kept, what is lost and why it may not be done."""
    return "\n".join(line for one in prospects for line in _lines(one))


def _lines(prospect: Prospect) -> Iterator[str]:
    sizes = {one.moved.volume: one for one in prospect.volumes}
    for piece in prospect.group.pieces:
        yield f"pod/{piece.pod} from {_origin(piece)}"
        for label, told in _facts(piece, sizes):
            yield f"  {label.ljust(8)} {told}"
    for loss in prospect.group.losses:
        if not loss.fatal:
            yield f"  {'lost'.ljust(8)} {loss}"
    for why in prospect.refused:
        yield f"  {'refused'.ljust(8)} {why}"


def _origin(piece: Piece) -> str:
    subject = piece.subject
    names = [one.name for one in subject.containers]
    if subject.pod:
        return f"pod {subject.name} of Podman's: {', '.join(names)}"
    unit = subject.face.unit
    return f"container {names[0]}{f' of {unit.name}' if unit else ''}"


def _facts(piece: Piece, volumes: dict[str, Volume]) -> Iterator[tuple[str, str]]:
    for part in piece.subject.containers:
        yield "image", part.text("ImageName")
    for taken in piece.claims:
        one = volumes[taken.volume]
        how = "copied" if one.moved.copy else "renamed, not copied"
        yield "volume", f"{taken.volume} -> pvc/{taken.claim}: {tables.size(one.size)}, {how}"
    for name in piece.secrets:
        yield "secret", name
    for port in _ports(piece):
        yield "port", port
    for network, address in _addresses(piece):
        yield "network", f"{network}, address {address or 'by its choice'}"
    for told in piece.told:
        yield "changes", told


def _ports(piece: Piece) -> list[str]:
    from manifests.inspected import pod

    return [
        f"{one.get('hostIP', '')}{':' if 'hostIP' in one else ''}{one['hostPort']} -> "
        f"{one['containerPort']}/{one.get('protocol', 'TCP').lower()}"
        for one in pod.ports(piece.subject.face)
    ]


def _addresses(piece: Piece) -> list[tuple[str, str]]:
    from manifests.inspected import pod

    found = piece.subject.face.mapping("NetworkSettings.Networks")
    return [
        (name, str((given or {}).get("IPAddress", "")))
        for name, given in found.items()
        if name not in (*pod.DEFAULT_NETWORKS, "none")
    ]


def wire(prospects: Sequence[Prospect]) -> dict[str, Any]:
    """Return the plan for programs."""
    return {"groups": [_group(one) for one in prospects]}


def _group(prospect: Prospect) -> dict[str, Any]:
    return {
        "name": prospect.group.name,
        "pods": [
            {
                "name": piece.pod,
                "from": {
                    "kind": "pod" if piece.subject.pod else "container",
                    "name": piece.subject.name,
                    "containers": [one.name for one in piece.subject.containers],
                },
                "ports": _ports(piece),
                "addresses": dict(_addresses(piece)),
                "changes": list(piece.told),
            }
            for piece in prospect.group.pieces
        ],
        "volumes": [
            {
                "volume": one.moved.volume,
                "claim": one.moved.claim,
                "bytes": one.size,
                "copied": one.moved.copy,
            }
            for one in prospect.volumes
        ],
        "networks": list(prospect.group.networks),
        "secrets": list(prospect.group.secrets),
        "lost": [
            {"container": one.container, "field": one.field, "why": one.why}
            for one in prospect.group.losses
        ],
        "refused": list(prospect.refused),
    }


def summary(prospects: Sequence[Prospect]) -> str:
    """Say in a line what is restarted."""
    containers = sum(len(piece.subject.containers) for p in prospects for piece in p.group.pieces)
    pods = sum(len(one.group.pieces) for one in prospects)
    return (
        f"{changes.count(containers, 'container')} restarted once, as {changes.count(pods, 'pod')}"
    )


def left(prospect: Prospect) -> Iterator[str]:
    """Give what Podman still has of a group, and how the user removes it."""
    pods = [one.subject.name for one in prospect.group.pieces if one.subject.pod]
    alone = [
        one.subject.name
        for one in prospect.group.pieces
        if not one.subject.pod and not one.subject.face.goes_when_stopped
    ]
    if pods:
        yield f"podman pod rm {' '.join(pods)}"
    if alone:
        yield f"podman rm {' '.join(alone)}"
    if prospect.volumes:
        yield f"podman volume rm {' '.join(one.moved.volume for one in prospect.volumes)}"
    if prospect.group.networks:
        yield f"podman network rm {' '.join(prospect.group.networks)}"
    for one in prospect.journal.running:
        if one.quadlet:
            yield f"rm {one.file}.adopted"
