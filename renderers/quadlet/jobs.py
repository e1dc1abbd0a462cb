"""Say how the units of a Job's pod run to their end, are tried again, and are run once. Pure.

A Job with one container is a unit of its own, without a pod: it can be tried again alone, and has
ended when the container has. A Job with several containers, or with sidecars, is a pod; systemd
would have to try all of them again together, which it cannot.

systemd counts what it starts (StartLimitBurst=): the retries of a Job for good, those of a CronJob
within the time until the next run. That a Job has succeeded is kept in a file, as systemd would
start it again at each boot.
"""

from __future__ import annotations

from manifests.value import Value
from renderers.quadlet import shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.pod import PodSpec
    from manifests.problems import FieldPath
    from manifests.workloads import JobSpec
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Lines


class Job(Value):
    """What there is to a Job beyond its pod.

    `done` names what has been done once that is done, and changes with the Job; a CronJob has none,
    but runs at least `gap` seconds apart.
    """

    spec: JobSpec
    done: str = ""
    gap: int = 0

    @property
    def mark(self) -> str:
        """The file that tells systemd so: %S is /var/lib, or the user's own."""
        return f"%S/podpy-rendered/{self.done}" if self.done else ""


def is_alone(spec: PodSpec) -> bool:
    """Tell whether the Job of these containers is a unit without a pod."""
    return len(spec.containers) == 1 and not any(
        one.restart_policy is not None for one in spec.init_containers
    )


def losses(job: Job) -> Iterator[tuple[FieldPath, str]]:
    """Yield what of the Job's own specification is lost, with paths below it."""
    spec, pod = job.spec, job.spec.template.spec
    if spec.parallelism != 1:
        yield ("parallelism",), "is not kept: one pod runs at a time"
    if (spec.completions or 0) > 1:
        yield ("completions",), "is not kept: the Job is done once it has succeeded"
    if is_alone(pod):
        return
    if spec.backoff_limit:
        yield ("backoffLimit",), "is not kept: a Job of several containers is not tried again"
    if len(pod.containers) > 1 and job.done:
        yield (), "a Job of several containers is run again at each boot"
    if len(pod.containers) > 1 and pod.init_containers:
        yield (), "the pod of a Job of several containers stays when they have ended"


def is_tried_again(job: Job) -> bool:
    return is_alone(job.spec.template.spec) and job.spec.backoff_limit > 0


def condition(job: Job) -> Lines:
    """Return the lines of [Unit] that keep what is done from being done again."""
    return [("ConditionPathExists", f"!{job.mark}")] if job.mark else []


def limit(job: Job) -> Lines:
    """Return the lines of [Unit] that say how often it is tried."""
    if not is_tried_again(job):
        return []
    span = str(max(job.gap - 1, 1)) if job.gap else "infinity"
    return [
        ("StartLimitIntervalSec", span),
        ("StartLimitBurst", str(job.spec.backoff_limit + 1)),
    ]


def service(rendering: Rendering, job: Job, name: str) -> Lines:
    """Return the lines of [Service] of a container of the Job; `name` is that of its unit."""
    alone = is_alone(rendering.spec)
    only = len(rendering.spec.containers) == 1
    lines: Lines = [
        ("Type", "oneshot"),
        ("Restart", "on-failure" if is_tried_again(job) else "no"),
        ("RestartSec", "10"),
        ("TimeoutStartSec", "infinity"),
    ]
    ends_pod = only and not alone  # its sidecars would go on
    if job.done and not ends_pod:
        lines.append(("RemainAfterExit", "yes"))
    if alone and job.spec.active_deadline_seconds is not None:
        lines.extend(shell.deadline(name, job.spec.active_deadline_seconds, user=rendering.user))
    if only and job.mark:
        lines.append(("ExecStartPost", f"/usr/bin/install -D -m 644 /dev/null {job.mark}"))
    if ends_pod:
        # systemd runs it when the unit has ended: one that remains would never do so.
        stop = shell.systemctl("stop", f"{rendering.source.stem}-pod.service", user=rendering.user)
        lines.append(("ExecStopPost", stop))
    return lines
