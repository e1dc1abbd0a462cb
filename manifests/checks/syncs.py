"""Check podpy's Sync: the spans, times, globs, urls and files in it.

Where it comes from is manifests.checks.sync_sources.
"""

from __future__ import annotations

from manifests import durations
from manifests.checks import names, placement, sync_sources
from manifests.checks.sync_sources import check_absolute
from manifests.faults import Invalid
from manifests.sync import Provider

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.sync import Receiver, Sync, SyncSpec

SHORTEST_INTERVAL = 5.0
"""Seconds: forges lock out who asks more often."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_URL_PATH = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./~")


def check(sync: Sync, findings: Findings) -> None:
    spec = sync.spec
    sync_sources.check(spec.source, findings)
    _check_relative(spec.path, ("spec", "path"), findings)
    for field, globs in (("include", spec.include), ("exclude", spec.exclude)):
        for index, glob in enumerate(globs):
            if not glob:
                findings.add(("spec", field, index), "is empty")
    if spec.namespace:
        findings.unless(names.dns_label(spec.namespace), ("spec", "namespace"))
    placement.check_hosts(spec.hosts, ("spec", "hosts"), findings)
    if spec.host_selector is not None:
        placement.check_selector(spec.host_selector, ("spec", "hostSelector"), findings)
    _check_times(spec, findings)
    if spec.webhook is not None:
        check_absolute(spec.webhook.secret_file, ("spec", "webhook", "secretFile"), findings)
    if spec.decryption is not None:
        where = ("spec", "decryption", "ageKeyFile")
        check_absolute(spec.decryption.age_key_file, where, findings)
    _check_template(spec, findings)
    for index, receiver in enumerate(spec.notify):
        _check_receiver(spec, receiver, ("spec", "notify", index), findings)
    limit = spec.prune_limit
    if not 0 <= limit.percent <= 100:
        message = f"must be from 0 to 100; it is {limit.percent}"
        findings.add(("spec", "pruneLimit", "percent"), message)
    if limit.objects < 0:
        findings.add(("spec", "pruneLimit", "objects"), "must not be negative")
    for index, other in enumerate(spec.depends_on):
        path = ("spec", "dependsOn", index, "name")
        findings.unless(names.dns_label(other.name), path)
        if other.name == sync.metadata.name:
            findings.add(path, "is the Sync itself")


def _check_template(spec: SyncSpec, findings: Findings) -> None:
    template = spec.template
    if template is None:
        return
    where = ("spec", "template")
    if (template.jinja2 is None) == (template.kustomize is None):
        findings.add(where, "must be exactly one of jinja2 and kustomize")
    if template.jinja2 is not None:
        for index, path in enumerate(template.jinja2.values):
            _check_relative(path, (*where, "jinja2", "values", index), findings)
        for index, path in enumerate(template.jinja2.host_values):
            check_absolute(path, (*where, "jinja2", "hostValues", index), findings)
    if template.kustomize is not None and (spec.include or spec.exclude):
        findings.add(
            (*where, "kustomize"), "says itself what it is made of: no include, no exclude"
        )


def _check_receiver(spec: SyncSpec, receiver: Receiver, where: Path, findings: Findings) -> None:
    status, hook = receiver.commit_status, receiver.webhook
    if sum(one is not None for one in (status, hook, receiver.apprise)) != 1:
        findings.add(where, "must be exactly one of commitStatus, webhook and apprise")
    if receiver.apprise is not None:
        check_absolute(receiver.apprise.url_file, (*where, "apprise", "urlFile"), findings)
    if status is not None:
        here = (*where, "commitStatus")
        if spec.source.git is None:
            findings.add(here, "is for a git repository alone: nothing else has commits")
        owner, slash, name = status.repository.partition("/")
        if not (owner and slash and name) or not _URL_PATH.issuperset(status.repository):
            findings.add((*here, "repository"), f'"{status.repository}" must be OWNER/NAME')
        if status.url or status.provider in (Provider.GITEA, Provider.FORGEJO):
            _check_url(status.url, (*here, "url"), findings, secret=True)
        check_absolute(status.token_file, (*here, "tokenFile"), findings)
        if status.ca_file:
            check_absolute(status.ca_file, (*here, "caFile"), findings)
    if hook is not None:
        here = (*where, "webhook")
        _check_url(hook.url, (*here, "url"), findings, secret=False)
        check_absolute(hook.secret_file, (*here, "secretFile"), findings)
        if hook.ca_file:
            check_absolute(hook.ca_file, (*here, "caFile"), findings)


def _check_url(url: str, where: Path, findings: Findings, *, secret: bool) -> None:
    """A url that a token is sent to must be https://, unless it is this host's own."""
    scheme, separator, rest = url.partition("://")
    host = rest.partition("/")[0]
    if not separator or scheme not in ("http", "https") or not host or "@" in host or " " in url:
        findings.add(where, f'"{url}" must be https://HOST[:PORT][/PATH]')
    elif secret and scheme == "http" and host.partition(":")[0] not in _LOOPBACK:
        findings.add(where, "must be https://: a token is sent there")


def _check_relative(path: str, where: Path, findings: Findings) -> None:
    if path.startswith("/") or ".." in path.split("/"):
        findings.add(where, f'"{path}" must be a path below the source, without ".."')


def _check_times(spec: SyncSpec, findings: Findings) -> None:
    for field, text in (("interval", spec.interval), ("timeout", spec.timeout)):
        try:
            seconds = durations.duration(text)
        except Invalid:
            findings.add(("spec", field), f'"{text}" is no span of time: write it as 30s or 5m')
            continue
        if field == "interval" and seconds < SHORTEST_INTERVAL:
            findings.add(("spec", field), f"must be at least {SHORTEST_INTERVAL:g}s")
        if field == "timeout" and not seconds:
            findings.add(("spec", field), "must be more than nothing")
    if spec.suspend_until:
        try:
            durations.moment(spec.suspend_until)
        except Invalid:
            message = f'"{spec.suspend_until}" is no time: write it as 2026-01-31T08:00:00Z'
            findings.add(("spec", "suspendUntil"), message)
