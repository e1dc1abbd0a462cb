"""Check pod specifications as a whole: grace, host name, aliases and name resolution."""

from __future__ import annotations

from manifests import references, settings
from manifests.checks import containers, metadata, names, placement, ports, security, volumes
from manifests.pod import DNSPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.meta import ObjectMeta, TemplateMeta
    from manifests.pod import Pod, PodSpec, PodTemplate

_NAMESERVERS = 3
_SEARCHES = 32
_SEARCH_LENGTH = 2048


def check_pod(pod: Pod, findings: Findings) -> None:
    check_spec(pod.spec, ("spec",), findings)
    _check_settings(pod.metadata, pod.spec, ("metadata",), findings)


def check_template(template: PodTemplate, path: Path, findings: Findings) -> None:
    """Check the template of a workload's pods."""
    here = (*path, "metadata")
    metadata.check_labels(template.metadata.labels, (*here, "labels"), findings)
    metadata.check_annotations(template.metadata.annotations, (*here, "annotations"), findings)
    check_spec(template.spec, (*path, "spec"), findings)
    _check_settings(template.metadata, template.spec, here, findings)


def check_spec(spec: PodSpec, path: Path, findings: Findings) -> None:
    """Check a pod's specification, wherever it stands."""
    containers.check(spec, path, findings)
    volumes.check(spec, path, findings)
    ports.check_conflicts(spec, path, findings)
    security.check_pod(spec, path, findings)
    placement.check_pod(spec, path, findings)
    if spec.termination_grace_period_seconds < 0:
        findings.add((*path, "terminationGracePeriodSeconds"), "must not be negative")
    if spec.active_deadline_seconds is not None and spec.active_deadline_seconds < 1:
        findings.add((*path, "activeDeadlineSeconds"), "must be at least 1")
    if spec.hostname:
        findings.unless(names.dns_label(spec.hostname), (*path, "hostname"))
    if spec.subdomain:
        findings.unless(names.dns_label(spec.subdomain), (*path, "subdomain"))
    for index, alias in enumerate(spec.host_aliases):
        here = (*path, "hostAliases", index)
        findings.unless(names.address(alias.ip), (*here, "ip"))
        for number, hostname in enumerate(alias.hostnames):
            findings.unless(names.dns_subdomain(hostname), (*here, "hostnames", number))
    _check_dns(spec, path, findings)


def _check_dns(spec: PodSpec, path: Path, findings: Findings) -> None:
    config = spec.dns_config
    here = (*path, "dnsConfig")
    if spec.dns_policy is DNSPolicy.NONE and not config.nameservers:
        findings.add((*here, "nameservers"), "is required with dnsPolicy None")
    if len(config.nameservers) > _NAMESERVERS:
        findings.add((*here, "nameservers"), f"must be no more than {_NAMESERVERS}")
    for index, server in enumerate(config.nameservers):
        findings.unless(names.address(server), (*here, "nameservers", index))
    if len(config.searches) > _SEARCHES:
        findings.add((*here, "searches"), f"must be no more than {_SEARCHES}")
    if len(" ".join(config.searches)) > _SEARCH_LENGTH:
        message = f"must be no more than {_SEARCH_LENGTH} characters in all"
        findings.add((*here, "searches"), message)
    for index, domain in enumerate(config.searches):
        findings.unless(names.search_domain(domain), (*here, "searches", index))
    for index, option in enumerate(config.options):
        if not option.name:
            findings.add((*here, "options", index, "name"), "is required")


def _check_settings(
    meta: ObjectMeta | TemplateMeta, spec: PodSpec, path: Path, findings: Findings
) -> None:
    for key, message in settings.faults(meta.annotations):
        findings.add((*path, "annotations", key), message)
    network = meta.annotations.get(references.NETWORK_ANNOTATION)
    if network is None:
        return
    here = (*path, "annotations", references.NETWORK_ANNOTATION)
    findings.unless(names.dns_label(network), here)
    if spec.host_network:
        findings.add(here, "cannot be given with hostNetwork: the pod has the host's network")
