"""List what there is of a kind: pods from the host itself, other objects as they were applied.

Pods are read without the database: that is what makes `get pods` fast.
"""

from __future__ import annotations

import os
import time
from functools import cached_property

from manifests import kinds
from manifests.config import ConfigMap, Namespace, Secret
from manifests.meta import DEFAULT_NAMESPACE, ObjectMeta
from manifests.ref import Ref
from manifests.value import Value
from podpy import status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from manifests.kinds import KindInfo, Object
    from manifests.observed import PodState
    from podpy.context import Context
    from reconciler.state.database import Database
    from reconciler.state.objects import Applied
    from reconciler.workloads.jobs import Progress
    from runtime.net.bridge import BridgeNetwork


class Item(Value):
    """An object that exists. `state` is set for pods, `applied` for what a manifest brought."""

    ref: Ref
    thing: Object
    created_at: float = 0.0
    state: PodState | None = None
    applied: Applied | None = None

    @property
    def labels(self) -> Mapping[str, str]:
        return self.thing.metadata.labels


class Inventory:
    """One command's view of what exists, each part read when it is first asked for."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.paths = context.paths
        self.now = time.time()

    @cached_property
    def pods(self) -> tuple[PodState, ...]:
        """Every pod on the host, and those that could not be made, by namespace and name."""
        from runtime.kernel import cgroups
        from runtime.observe import pods

        found = pods.read(self.paths, cgroups.view())
        if os.path.exists(self.paths.pending):
            from runtime.observe import pending

            found = (*found, *pending.beside(self.paths, found))
        return tuple(
            sorted(found, key=lambda one: (one.pod.metadata.namespace, one.pod.metadata.name))
        )

    @property
    def database(self) -> Database:
        return self._context.database

    @cached_property
    def remembered_jobs(self) -> Mapping[Ref, Progress]:
        from reconciler.state import results

        return results.read_jobs(self._context.database)

    @cached_property
    def networks(self) -> Mapping[str, BridgeNetwork]:
        """The bridges on the host, and what they were given."""
        from reconciler.targets.host import network_records

        return {network.name: network for network in network_records.every(self.paths)}

    def on_network(self, name: str) -> list[PodState]:
        """Return the pods that hold an address of a network: those that have ended hold none."""
        return [
            state
            for state in self.pods
            if state.record.network == name and not state.record.finished
        ]

    def items(self, info: KindInfo) -> list[Item]:
        """Return every object of that kind, by namespace and name."""
        if info.kind == "Pod":
            return [_pod(state) for state in self.pods]
        found = {item.ref: item for item in self._applied(info)}
        if info.kind == "Namespace":
            for name, since in self._namespaces().items():
                _add(found, Namespace(metadata=ObjectMeta(name=name)), created_at=since)
        if info.kind == "Network":
            from reconciler.targets.host import network_records

            for name, network in self.networks.items():
                made_at = network_records.made_at(self.paths, name)
                _add(found, _network(network), created_at=made_at)
        if info.kind == "PersistentVolumeClaim":
            self._add_claims(found)
        if info.kind == "Sync":
            self._add_syncs(found)
        return sorted(found.values(), key=lambda item: item.ref.key())

    def owned(self, ref: Ref) -> list[PodState]:
        """Return the pods that were made for a workload and do not leave."""
        from reconciler.workloads.ownership import owner_of

        return [
            state for state in self.pods if not state.record.deleting and owner_of(state) == ref
        ]

    def wire(self, item: Item, host: str) -> dict[str, Any]:
        """Return the object as `-o yaml` shows it: metadata and status as Kubernetes has them."""
        raw = _in_kubernetes(item.thing)
        metadata = dict(raw.get("metadata", {}))
        if item.applied is not None:
            metadata |= {
                "uid": item.applied.uid,
                "generation": item.applied.generation,
                "creationTimestamp": status.stamp(item.created_at),
            }
        elif item.state is None and item.created_at:
            metadata["creationTimestamp"] = status.stamp(item.created_at)
        raw["metadata"] = metadata
        if item.state is not None:
            spec = item.state.pod.spec
            raw["spec"] = {
                **raw["spec"],
                "restartPolicy": spec.restart_policy.value,
                "terminationGracePeriodSeconds": spec.termination_grace_period_seconds,
            }
            raw["status"] = status.wire(item.state, host, self.now)
        else:
            from podpy import counts

            told = counts.wire(self, item)
            if told:
                raw["status"] = told
        return raw

    def _applied(self, info: KindInfo) -> Iterable[Item]:
        from reconciler.state import objects

        for applied in objects.read(self._context.database, kind=info.kind):
            thing = applied.object()
            if isinstance(thing, Secret):
                thing = self._secret(thing)
            yield Item(ref=applied.ref, thing=thing, created_at=applied.created_at, applied=applied)

    def _secret(self, remembered: Secret) -> Secret:
        """The Secret with its content as the API server stores it: `stringData` is merged in."""
        from manifests.codec import SecretBytes
        from reconciler.state import secrets

        metadata = remembered.metadata
        held = secrets.read(self.paths, metadata.namespace, metadata.name)
        if held is None:
            return remembered
        content = {key: SecretBytes(value) for key, value in held.content().items()}
        return held.replace(data=content, string_data={})

    def has_lost(self, secret: Secret) -> bool:
        """Tell whether the host has booted since the Secret was applied: its content is gone."""
        from reconciler.state import secrets

        metadata = secret.metadata
        return secrets.read(self.paths, metadata.namespace, metadata.name) is None

    def _namespaces(self) -> dict[str, float]:
        """Return the namespaces that something is in, and since when; the default one always."""
        from reconciler.state import objects

        applied = objects.read(self._context.database)
        ages = [
            *((item.ref.namespace, item.created_at) for item in applied if item.ref.namespace),
            *((state.pod.metadata.namespace, state.record.created_at) for state in self.pods),
        ]
        oldest: dict[str, float] = {}
        for name, since in ages:
            oldest[name] = min(since, oldest.get(name, since))
        return {DEFAULT_NAMESPACE: 0.0, **oldest}

    def _add_syncs(self, found: dict[Ref, Item]) -> None:
        """Syncs that the administrator's files declare."""
        from reconciler.syncs import declared

        for one in declared.read(self.paths, self.database).syncs:
            _add(found, one.sync)

    def _add_claims(self, found: dict[Ref, Item]) -> None:
        """Claims whose manifests are gone: their data stays until someone removes it."""
        from manifests.config import PersistentVolumeClaim
        from runtime.volume import claims

        for claim in claims.every(self.paths):
            metadata = ObjectMeta(name=claim.name, namespace=claim.namespace)
            thing = PersistentVolumeClaim(metadata=metadata, spec=claim.record.spec)
            _add(found, thing, created_at=claim.record.created_at)


def keys(thing: ConfigMap | Secret) -> list[str]:
    """Return the keys that a ConfigMap or Secret holds."""
    return sorted(thing.content())


def _in_kubernetes(thing: Object) -> dict[str, Any]:
    """The object as it would be written, with Kubernetes' words in place of Podman's."""
    from manifests.container import PullPolicy

    raw = kinds.dump(thing)
    part = kinds.pod_part(thing)
    spec: Any = raw if part else {}
    for step in part[2] if part else ():
        spec = spec[step]
    for container in (*spec.get("initContainers", ()), *spec.get("containers", ())):
        policy = container.get("imagePullPolicy")
        if policy:
            container["imagePullPolicy"] = PullPolicy(policy).in_kubernetes.value
    return raw


def _pod(state: PodState) -> Item:
    return Item(
        ref=kinds.ref(state.pod),
        thing=state.pod,
        created_at=state.record.created_at,
        state=state,
    )


def _add(found: dict[Ref, Item], thing: Object, *, created_at: float = 0.0) -> None:
    ref = kinds.ref(thing)
    found.setdefault(ref, Item(ref=ref, thing=thing, created_at=created_at))


def _network(network: BridgeNetwork) -> Object:
    from manifests.config import Network, NetworkSpec

    return Network(
        metadata=ObjectMeta(name=network.name),
        spec=NetworkSpec(
            subnet=network.subnet,
            gateway=network.gateway,
            mtu=network.mtu,
            internal=network.internal,
        ),
    )
