"""Check one object: `check(pod)` returns every flaw. The object has its defaults already."""

from __future__ import annotations

from manifests.checks import config, metadata, network, pods, syncs, volumes, workloads
from manifests.checks.findings import Findings
from manifests.config import ConfigMap, Namespace, Network, PersistentVolumeClaim, Secret
from manifests.pod import Pod
from manifests.sync import Sync

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.codec import Flaw
    from manifests.kinds import Object


def check(thing: Object) -> tuple[Flaw, ...]:
    """Return what the API server would refuse of an object, and what no host can do."""
    findings = Findings()
    metadata.check(thing, findings)
    match thing:
        case Pod():
            pods.check_pod(thing, findings)
        case ConfigMap():
            config.check_config_map(thing, findings)
        case Secret():
            config.check_secret(thing, findings)
        case PersistentVolumeClaim():
            volumes.check_claim(thing, findings)
        case Network():
            network.check(thing, findings)
        case Sync():
            syncs.check(thing, findings)
        case Namespace():
            pass
        case _:
            workloads.check(thing, findings)
    return tuple(findings.flaws)
