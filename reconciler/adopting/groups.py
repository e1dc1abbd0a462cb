"""Put what Podman runs into groups that change over together: subjects in, groups out. Pure.

Who shares a volume, or a network that is not Podman's default, goes together: the data is in one
place, and a subnet on one bridge.
"""

from __future__ import annotations

from manifests.inspected import network, pod
from manifests.inspected.draft import Loss, Taken
from manifests.inspected.facts import Subject
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from manifests.inspected.draft import Draft


class Piece(Value):
    """One Pod to be, and the subject that it is made of."""

    subject: Subject
    pod: str
    claims: tuple[Taken, ...] = ()
    secrets: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


class Group(Value):
    """What changes over together, with the documents of all of it."""

    name: str
    pieces: tuple[Piece, ...]
    networks: tuple[str, ...]
    documents: tuple[Mapping[str, Any], ...]
    losses: tuple[Loss, ...]

    @property
    def claims(self) -> tuple[Taken, ...]:
        """The volumes of all its pods, each once."""
        return tuple(dict.fromkeys(one for piece in self.pieces for one in piece.claims))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets of Podman's that its pods have, each once. No document holds one."""
        return tuple(dict.fromkeys(one for piece in self.pieces for one in piece.secrets))

    @property
    def fatal(self) -> tuple[Loss, ...]:
        return tuple(one for one in self.losses if one.fatal)


def networks_of(subjects: Iterable[Subject]) -> tuple[str, ...]:
    """Return the networks that the Pods need made, each once."""
    return tuple(dict.fromkeys(name for one in subjects for name in _networks(one)))


def make(
    subjects: Iterable[Subject], networks: Mapping[str, dict[str, Any]], namespace: str
) -> tuple[Group, ...]:
    """Return the groups; `networks` is what Podman tells of those of `networks_of`."""
    listed = tuple(subjects)
    drafts = {id(one): pod.convert(one) for one in listed}
    found: list[tuple[set[str], list[Subject]]] = []
    for subject in listed:
        keys = _ties(subject, drafts[id(subject)])
        members = [subject]
        for other in [one for one in found if one[0] & keys]:
            found.remove(other)
            keys |= other[0]
            members = [*other[1], *members]
        found.append((keys, members))
    return tuple(_group(members, drafts, networks, namespace) for _, members in found)


def _ties(subject: Subject, draft: Draft) -> set[str]:
    volumes = {f"volume {one.volume}" for one in draft.taken}
    own = {f"subject {subject.name}"}
    return own | volumes | {f"network {name}" for name in _networks(subject)}


def _networks(subject: Subject) -> tuple[str, ...]:
    """The first network of a subject, unless it is Podman's default one."""
    mode = subject.face.text("HostConfig.NetworkMode").partition(":")[0]
    if mode in ("host", "none", "container", "ns", "slirp4netns", "pasta"):
        return ()
    return tuple(one for one in pod.joined(subject.face)[:1] if one not in pod.DEFAULT_NETWORKS)


def _group(
    members: list[Subject],
    drafts: Mapping[int, Draft],
    networks: Mapping[str, dict[str, Any]],
    namespace: str,
) -> Group:
    documents: list[Mapping[str, Any]] = []
    losses: list[Loss] = []
    names = networks_of(members)
    for name in names:
        document, lost = network.convert(networks[name])
        documents.append(document)
        losses += lost
    pieces = []
    for subject in members:
        draft = drafts[id(subject)]
        documents += [one for one in draft.documents(namespace) if one not in documents]
        losses += draft.losses
        pieces.append(
            Piece(
                subject=subject,
                pod=draft.name,
                claims=tuple(draft.taken),
                secrets=tuple(draft.secrets),
                told=tuple(draft.told),
            )
        )
    return Group(
        name=pieces[0].pod,
        pieces=tuple(pieces),
        networks=names,
        documents=tuple(documents),
        losses=tuple(losses),
    )
