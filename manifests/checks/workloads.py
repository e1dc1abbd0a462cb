"""Check Deployment, ReplicaSet, DaemonSet, Job, CronJob: numbers, selectors, restart policies."""

from __future__ import annotations

from manifests.checks import placement, pods, ports
from manifests.pod import Pod, RestartPolicy
from manifests.workloads import CronJob, DaemonSet, Deployment, Job, ReplicaSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.kinds import Object, Workload
    from manifests.meta import LabelSelector
    from manifests.pod import PodTemplate
    from manifests.workloads import JobSpec

_TEMPLATE: Path = ("spec", "template")
_LONGEST = 63


def check(workload: Workload | CronJob, findings: Findings) -> None:
    """Check a workload and its template."""
    if isinstance(workload, CronJob):
        _check_cron_job(workload, findings)
        return
    pods.check_template(workload.spec.template, _TEMPLATE, findings)
    if isinstance(workload, Job):
        _check_job_spec(workload.spec, ("spec",), findings)
        _check_job_name(workload.metadata.name, "Job", _LONGEST, findings)
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


def _check_cron_job(job: CronJob, findings: Findings) -> None:
    from manifests import cron

    spec = job.spec
    path: Path = ("spec", "jobTemplate", "spec")
    pods.check_template(spec.job_template.spec.template, (*path, "template"), findings)
    _check_job_spec(spec.job_template.spec, path, findings)
    # The controller adds eleven characters to the name for each Job.
    _check_job_name(job.metadata.name, "CronJob", _LONGEST - 11, findings)
    for count, field in (
        (spec.starting_deadline_seconds or 0, "startingDeadlineSeconds"),
        (spec.successful_jobs_history_limit, "successfulJobsHistoryLimit"),
        (spec.failed_jobs_history_limit, "failedJobsHistoryLimit"),
    ):
        _check_count(count, field, findings)
    try:
        cron.read(spec.schedule)
    except ValueError as error:
        findings.add(("spec", "schedule"), str(error))
    if not all(sign.isascii() and (sign.isalnum() or sign in "/_+-") for sign in spec.time_zone):
        findings.add(("spec", "timeZone"), f'"{spec.time_zone}" is no time zone, as Europe/Paris')


def _check_job_spec(spec: JobSpec, path: Path, findings: Findings) -> None:
    for count, field in (
        (spec.backoff_limit, "backoffLimit"),
        (spec.completions or 0, "completions"),
        (spec.parallelism, "parallelism"),
        (spec.active_deadline_seconds or 0, "activeDeadlineSeconds"),
    ):
        _check_count(count, field, findings, path)
    if spec.template.spec.restart_policy is RestartPolicy.ALWAYS:
        message = "is required in a Job: Never or OnFailure (left out, it is Always)"
        findings.add((*path, "template", "spec", "restartPolicy"), message)


def _check_job_name(name: str, kind: str, longest: int, findings: Findings) -> None:
    if len(name) > longest:
        # Every pod of a Job carries the Job's name as a label.
        message = f"must be no more than {longest} characters in a {kind}; it has {len(name)}"
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


def _check_count(count: int, field: str, findings: Findings, path: Path = ("spec",)) -> None:
    if count < 0:
        findings.add((*path, field), f"must not be negative; it is {count}")
