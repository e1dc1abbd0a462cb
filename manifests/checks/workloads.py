"""Check Deployment, ReplicaSet, DaemonSet and Job: numbers, selectors, restart policies."""

from __future__ import annotations

from manifests.checks import placement, pods, ports
from manifests.pod import Pod, RestartPolicy
from manifests.workloads import DaemonSet, Deployment, Job, ReplicaSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.kinds import Object, Workload
    from manifests.meta import LabelSelector
    from manifests.pod import PodTemplate

_TEMPLATE: Path = ("spec", "template")


def check(workload: Workload, findings: Findings) -> None:
    """Check a workload and its template."""
    pods.check_template(workload.spec.template, _TEMPLATE, findings)
    if isinstance(workload, Job):
        _check_job(workload, findings)
    else:
        _check_lasting(workload, findings)
    _check_host_ports(workload, findings)


def at_once(thing: Object) -> int:
    """How many pods of an object are to run at the same time on this host."""
    match thing:
        case Deployment() | ReplicaSet():
            return thing.spec.replicas
        case DaemonSet() | Pod():
            return 1
        case Job():
            most = thing.spec.completions
            return thing.spec.parallelism if most is None else min(thing.spec.parallelism, most)
        case _:
            return 0


def _check_lasting(workload: Deployment | ReplicaSet | DaemonSet, findings: Findings) -> None:
    spec = workload.spec
    check_selector(spec.selector, spec.template, findings)
    if not isinstance(workload, DaemonSet):
        _check_count(workload.spec.replicas, "replicas", findings)
    _check_count(workload.spec.min_ready_seconds, "minReadySeconds", findings)
    if not isinstance(workload, ReplicaSet):
        from manifests.checks import rollouts

        rollouts.check(workload, findings)
    if spec.template.spec.restart_policy is not RestartPolicy.ALWAYS:
        here = (*_TEMPLATE, "spec", "restartPolicy")
        findings.add(here, f"must be Always in a {workload.kind}")
    if spec.template.spec.active_deadline_seconds is not None:
        here = (*_TEMPLATE, "spec", "activeDeadlineSeconds")
        findings.add(here, f"must not be given in a {workload.kind}, whose pods run on and on")


def _check_job(job: Job, findings: Findings) -> None:
    spec = job.spec
    for count, field in (
        (spec.backoff_limit, "backoffLimit"),
        (spec.completions or 0, "completions"),
        (spec.parallelism, "parallelism"),
        (spec.active_deadline_seconds or 0, "activeDeadlineSeconds"),
    ):
        _check_count(count, field, findings)
    if spec.template.spec.restart_policy is RestartPolicy.ALWAYS:
        message = "is required in a Job: Never or OnFailure (left out, it is Always)"
        findings.add((*_TEMPLATE, "spec", "restartPolicy"), message)
    if len(job.metadata.name) > 63:
        # Every pod of a Job carries the Job's name as a label.
        message = f"must be no more than 63 characters in a Job; it has {len(job.metadata.name)}"
        findings.add(("metadata", "name"), message)


def check_selector(selector: LabelSelector, template: PodTemplate, findings: Findings) -> None:
    """A selector must be well formed, select something, and select the template's pods."""
    path: Path = ("spec", "selector")
    before = len(findings.flaws)
    if not selector.match_labels and not selector.match_expressions:
        findings.add(path, "must not be empty")
    placement.check_selector(selector, path, findings)
    if len(findings.flaws) == before and not selector.matches(template.metadata.labels):
        findings.add(path, "does not match the labels of the template, .spec.template.metadata")


def _check_host_ports(workload: Workload, findings: Findings) -> None:
    """A port of the host can be had once; in a cluster the other pods would go to other nodes."""
    count = at_once(workload)
    if count < 2:
        return
    for path, port in ports.lasting(workload.spec.template.spec, (*_TEMPLATE, "spec")):
        message = (
            f"{count} pods cannot all have {ports.shown(port)} of this one host; "
            "run one pod, or leave hostPort out"
        )
        findings.add((*path, "hostPort"), message)


def _check_count(count: int, field: str, findings: Findings) -> None:
    if count < 0:
        findings.add(("spec", field), f"must not be negative; it is {count}")
