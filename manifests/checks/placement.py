"""Check what says where pods and Syncs belong: selectors of labels, node affinity, hosts' names."""

from __future__ import annotations

from manifests import settings
from manifests.affinity import NodeOperator
from manifests.checks import names
from manifests.meta import Operator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.affinity import NodeRequirement
    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.meta import LabelSelector, Requirement
    from manifests.pod import PodSpec

_TERMS = (
    *("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"),
    "nodeSelectorTerms",
)
_WITH_VALUES = (Operator.IN, Operator.NOT_IN, NodeOperator.IN, NodeOperator.NOT_IN)
_COMPARING = (NodeOperator.GT, NodeOperator.LT)


def check_hosts(patterns: Iterable[str], path: Path, findings: Findings) -> None:
    for index, pattern in enumerate(patterns):
        findings.unless(settings.host_fault(pattern), (*path, index))


def check_selector(selector: LabelSelector, path: Path, findings: Findings) -> None:
    """A selector must be well formed; what it selects is its user's to judge."""
    for key, value in selector.match_labels.items():
        findings.unless(names.qualified(key), (*path, "matchLabels", key))
        findings.unless(names.label_value(value), (*path, "matchLabels", key))
    for index, requirement in enumerate(selector.match_expressions):
        _check_requirement(requirement, (*path, "matchExpressions", index), findings)


def check_pod(spec: PodSpec, path: Path, findings: Findings) -> None:
    """Check which nodes a pod wants."""
    for key, value in spec.node_selector.items():
        findings.unless(names.qualified(key), (*path, "nodeSelector", key))
        findings.unless(names.label_value(value), (*path, "nodeSelector", key))
    affinity = spec.affinity.node_affinity if spec.affinity else None
    wanted = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    if wanted is None:
        return
    if not wanted.node_selector_terms:
        findings.add((*path, *_TERMS), "is required")
    for index, term in enumerate(wanted.node_selector_terms):
        for number, requirement in enumerate(term.match_expressions):
            here = (*path, *_TERMS, index, "matchExpressions", number)
            _check_requirement(requirement, here, findings)


def _check_requirement(
    requirement: Requirement | NodeRequirement, path: Path, findings: Findings
) -> None:
    findings.unless(names.qualified(requirement.key), (*path, "key"))
    operator, values = requirement.operator, requirement.values
    if operator in _COMPARING:
        if len(values) != 1 or not values[0].removeprefix("-").isdecimal():
            findings.add((*path, "values"), f"must be one whole number with {operator}")
        return
    listed = operator in _WITH_VALUES
    if listed and not values:
        findings.add((*path, "values"), f"is required with {operator}")
    if not listed and values:
        findings.add((*path, "values"), f"must not be given with {operator}")
    for number, value in enumerate(values):
        findings.unless(names.label_value(value), (*path, "values", number))
