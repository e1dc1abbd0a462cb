"""A pod with volumes to test with: its volumes and mounts in, a record out; objects to show."""

from __future__ import annotations

from typing import Any

from manifests import codec
from manifests.codec import SecretBytes
from manifests.config import ConfigMap, Secret
from manifests.meta import ObjectMeta
from manifests.observed import PodRecord
from manifests.pod import Pod
from reconciler.targets.host.environment import HostFacts, Sources
from runtime.paths import Paths

PATHS = Paths(state_dir="/lib", run_dir="/run", log_dir="/log")
FACTS = HostFacts(node="here", addresses=(), cpus=1, memory=1 << 30)
SOURCES = Sources(
    configmaps={
        "cm": ConfigMap(
            metadata=ObjectMeta(name="cm"), data={"a": "1", "b": "2"}, binary_data={"c": b"\xff"}
        )
    },
    secrets={"s": Secret(metadata=ObjectMeta(name="s"), data={"key": SecretBytes(b"hush")})},
)


def record(spec_volumes: list[Any], *mounts: Any, **container: Any) -> PodRecord:
    app = {"name": "app", "volumeMounts": list(mounts), **container}
    pod = codec.restore(
        Pod,
        {
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"volumes": spec_volumes, "containers": [app]},
        },
    )
    return PodRecord(uid="u-1", pod=pod, spec_hash="x")
