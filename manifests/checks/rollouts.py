"""Check how a changed Deployment or DaemonSet is replaced: maxSurge, maxUnavailable, deadlines."""

from __future__ import annotations

from manifests.workloads import DaemonSet, Deployment, StrategyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.workloads import DaemonSetRollingUpdate, RollingUpdate


def check(workload: Deployment | DaemonSet, findings: Findings) -> None:
    """Check the strategy and the numbers that go with it."""
    if workload.spec.revision_history_limit < 0:
        findings.add(("spec", "revisionHistoryLimit"), "must not be negative")
    if isinstance(workload, Deployment):
        _check_deployment(workload, findings)
        return
    strategy = workload.spec.update_strategy
    path: Path = ("spec", "updateStrategy", "rollingUpdate")
    if strategy is not None and strategy.rolling_update is not None:
        rolling = strategy.rolling_update
        _check_amounts(rolling, path, findings)
        if _number(rolling.max_surge) and _number(rolling.max_unavailable):
            message = (
                "must be 0 beside maxSurge: the old pod goes first, or the new one comes first"
            )
            findings.add((*path, "maxUnavailable"), message)


def _check_deployment(workload: Deployment, findings: Findings) -> None:
    spec, strategy = workload.spec, workload.spec.strategy
    if spec.progress_deadline_seconds <= spec.min_ready_seconds:
        findings.add(
            ("spec", "progressDeadlineSeconds"),
            f"must be greater than minReadySeconds, {spec.min_ready_seconds}; "
            f"it is {spec.progress_deadline_seconds}",
        )
    if strategy is None or strategy.rolling_update is None:
        return
    path: Path = ("spec", "strategy", "rollingUpdate")
    if strategy.type is StrategyType.RECREATE:
        findings.add(path, "must not be given with the type Recreate")
    else:
        _check_amounts(strategy.rolling_update, path, findings)


def _check_amounts(
    rolling: RollingUpdate | DaemonSetRollingUpdate, path: Path, findings: Findings
) -> None:
    before = len(findings.flaws)
    for value, field in (
        (rolling.max_surge, "maxSurge"),
        (rolling.max_unavailable, "maxUnavailable"),
    ):
        number = _number(value)
        if number is None:
            findings.add((*path, field), "must be a number from 0, or a percentage such as 25%")
        elif isinstance(value, str) and number > 100 and field == "maxUnavailable":
            findings.add((*path, field), "must be no more than 100%")
    if len(findings.flaws) > before:
        return
    if not _number(rolling.max_surge) and not _number(rolling.max_unavailable):
        message = "must not be 0 with a maxSurge of 0: no pod could ever be replaced"
        findings.add((*path, "maxUnavailable"), message)


def _number(value: int | str) -> int | None:
    """Return the number, or that before the %; None for what is neither."""
    if isinstance(value, int):
        return value if value >= 0 else None
    digits = value.removesuffix("%")
    return int(digits) if digits != value and digits.isascii() and digits.isdigit() else None
