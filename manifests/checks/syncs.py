"""Check podpy's Sync: where it comes from, and the spans, times and globs in it."""

from __future__ import annotations

from manifests import durations
from manifests.checks import names, placement
from manifests.faults import Invalid
from manifests.sync import Provider

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.sync import GitRef, GitSource, Receiver, Sync, SyncSpec

SHORTEST_INTERVAL = 5.0
"""Seconds: forges lock out who asks more often."""

_SOURCE = ("spec", "source")
_GIT = (*_SOURCE, "git")
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_URL_PATH = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./~")
_HEX = frozenset("0123456789abcdef")
_COMMIT_LENGTHS = (40, 64)  # of SHA-1 and of SHA-256


def check(sync: Sync, findings: Findings) -> None:
    spec = sync.spec
    _check_source(spec, findings)
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
        _check_absolute(spec.webhook.secret_file, ("spec", "webhook", "secretFile"), findings)
    if spec.decryption is not None:
        where = ("spec", "decryption", "ageKeyFile")
        _check_absolute(spec.decryption.age_key_file, where, findings)
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
            _check_absolute(path, (*where, "jinja2", "hostValues", index), findings)
    if template.kustomize is not None and (spec.include or spec.exclude):
        findings.add(
            (*where, "kustomize"), "says itself what it is made of: no include, no exclude"
        )


def _check_receiver(spec: SyncSpec, receiver: Receiver, where: Path, findings: Findings) -> None:
    status, hook = receiver.commit_status, receiver.webhook
    if (status is None) == (hook is None):
        findings.add(where, "must be exactly one of commitStatus and webhook")
    if status is not None:
        here = (*where, "commitStatus")
        if spec.source.git is None:
            findings.add(here, "is for a git repository alone: a directory has no commits")
        owner, slash, name = status.repository.partition("/")
        if not (owner and slash and name) or not _URL_PATH.issuperset(status.repository):
            findings.add((*here, "repository"), f'"{status.repository}" must be OWNER/NAME')
        if status.url or status.provider in (Provider.GITEA, Provider.FORGEJO):
            _check_url(status.url, (*here, "url"), findings, secret=True)
        _check_absolute(status.token_file, (*here, "tokenFile"), findings)
        if status.ca_file:
            _check_absolute(status.ca_file, (*here, "caFile"), findings)
    if hook is not None:
        here = (*where, "webhook")
        _check_url(hook.url, (*here, "url"), findings, secret=False)
        _check_absolute(hook.secret_file, (*here, "secretFile"), findings)
        if hook.ca_file:
            _check_absolute(hook.ca_file, (*here, "caFile"), findings)


def _check_url(url: str, where: Path, findings: Findings, *, secret: bool) -> None:
    """A url that a token is sent to must be https://, unless it is this host's own."""
    scheme, separator, rest = url.partition("://")
    host = rest.partition("/")[0]
    if not separator or scheme not in ("http", "https") or not host or "@" in host or " " in url:
        findings.add(where, f'"{url}" must be https://HOST[:PORT][/PATH]')
    elif secret and scheme == "http" and host.partition(":")[0] not in _LOOPBACK:
        findings.add(where, "must be https://: a token is sent there")


def _check_source(spec: SyncSpec, findings: Findings) -> None:
    git, directory = spec.source.git, spec.source.directory
    if (git is None) == (directory is None):
        findings.add(_SOURCE, "must be exactly one of git and directory")
    if directory is not None:
        _check_absolute(directory.path, (*_SOURCE, "directory", "path"), findings)
    if git is not None:
        _check_git(git, findings)
        _check_ref(git.ref, findings)


def _check_git(git: GitSource, findings: Findings) -> None:
    url = (*_GIT, "url")
    transport = transport_of(git.url)
    if not transport:
        findings.add(url, f'"{git.url}" must be https://, ssh://, USER@HOST:PATH or a path')
    scheme, separator, rest = git.url.partition("://")
    user = rest.partition("/")[0].rpartition("@")[0] if separator else ""
    if ":" in user or (user and scheme in ("http", "https")):
        findings.add(url, "must hold no password: put it into a file, and name that in tokenFile")
    given = git.credentials
    where = (*_GIT, "credentials")
    files = (
        ("tokenFile", given.token_file, ("https",)),
        ("caFile", given.ca_file, ("https",)),
        ("sshKeyFile", given.ssh_key_file, ("ssh",)),
        ("knownHostsFile", given.known_hosts_file, ("ssh",)),
    )
    for field, value, transports in files:
        if not value:
            continue
        if transport and transport not in transports:
            findings.add((*where, field), f"is for {transports[0]}, and the url is {transport}")
        _check_absolute(value, (*where, field), findings)
    verify = git.verify
    if verify is None:
        return
    signers, keys = verify.allowed_signers_file, verify.gpg_keys_file
    for field, value in (("allowedSignersFile", signers), ("gpgKeysFile", keys)):
        if value:
            _check_absolute(value, (*_GIT, "verify", field), findings)
    if bool(signers) == bool(keys):
        message = "must have exactly one of allowedSignersFile and gpgKeysFile"
        findings.add((*_GIT, "verify"), message)


def transport_of(url: str) -> str:
    """Return how git gets at a url: https, http, ssh, file; "" where podpy does not let it.

    git takes HOST:PATH for ssh, unless a slash comes before the colon (git-fetch(1), GIT URLS).
    """
    if url.startswith("-"):
        return ""
    scheme, separator, rest = url.partition("://")
    if separator:
        return scheme if rest and scheme in ("https", "http", "ssh", "file") else ""
    if url.startswith("/"):
        return "file"
    host, colon, path = url.partition(":")
    return "ssh" if colon and host and path and "/" not in host and ":" not in path[:1] else ""


def _check_ref(ref: GitRef, findings: Findings) -> None:
    where = (*_GIT, "ref")
    given = [
        field
        for field, value in (("tag", ref.tag), ("semver", ref.semver), ("commit", ref.commit))
        if value
    ]
    if len(given) > 1:
        findings.add(where, f"must not have both {given[0]} and {given[1]}")
    elif ref.branch and given and given != ["commit"]:
        findings.add(where, f"must not have both branch and {given[0]}")
    for field, name in (("branch", ref.branch), ("tag", ref.tag)):
        if name and not _ref_name(name):
            findings.add((*where, field), f'"{name}" is no name of a {field}')
    if ref.commit and not is_commit(ref.commit):
        message = f'"{ref.commit}" must be the whole id of a commit, in lower case'
        findings.add((*where, "commit"), message)
    if ref.semver:
        from semantic_version import NpmSpec

        try:
            NpmSpec(ref.semver)
        except ValueError:
            message = f'"{ref.semver}" is no range of versions, as ^1.2 or ">=1.0.0 <2.0.0"'
            findings.add((*where, "semver"), message)


def is_commit(text: str) -> bool:
    """Whether a text is the whole id of a commit, as git writes it."""
    return len(text) in _COMMIT_LENGTHS and _HEX.issuperset(text)


def _ref_name(name: str) -> bool:
    """Whether git takes it: the rules of git-check-ref-format(1)."""
    parts = name.split("/")
    return (
        not name.startswith("-")
        and name != "@"
        and not any(sign <= " " or sign in "\x7f~^:?*[\\" for sign in name)
        and ".." not in name
        and "@{" not in name
        and not name.endswith(".")
        and all(part and part[0] != "." and not part.endswith(".lock") for part in parts)
    )


def _check_absolute(path: str, where: Path, findings: Findings) -> None:
    if not path.startswith("/"):
        findings.add(where, f'"{path}" must be an absolute path')


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
