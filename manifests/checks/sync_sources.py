"""Check where a Sync comes from: a git repository, a directory or an artifact of a registry."""

from __future__ import annotations

from manifests import digests

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.sync import GitRef, GitSource, OciCredentials, OciRef, OciSource, SyncSource

SCHEME = "oci://"

_SOURCE = ("spec", "source")
_GIT = (*_SOURCE, "git")
_OCI = (*_SOURCE, "oci")
_HEX = frozenset("0123456789abcdef")
_COMMIT_LENGTHS = (40, 64)  # of SHA-1 and of SHA-256
_DIGEST_LENGTH = 64
_LONGEST_TAG = 128
_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_LETTERS = _LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def check(source: SyncSource, findings: Findings) -> None:
    given = [one for one in (source.git, source.directory, source.oci) if one is not None]
    if len(given) != 1:
        findings.add(_SOURCE, "must be exactly one of git, directory and oci")
    if source.directory is not None:
        check_absolute(source.directory.path, (*_SOURCE, "directory", "path"), findings)
    if source.git is not None:
        _check_git(source.git, findings)
        _check_ref(source.git.ref, findings)
    if source.oci is not None:
        _check_oci(source.oci, findings)
        _check_oci_ref(source.oci.ref, findings)
        _check_oci_credentials(source.oci, source.oci.credentials, findings)


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
        check_absolute(value, (*where, field), findings)
    verify = git.verify
    if verify is None:
        return
    signers, keys = verify.allowed_signers_file, verify.gpg_keys_file
    for field, value in (("allowedSignersFile", signers), ("gpgKeysFile", keys)):
        if value:
            check_absolute(value, (*_GIT, "verify", field), findings)
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
    _check_range(ref.semver, (*where, "semver"), findings)


def _check_range(text: str, where: Path, findings: Findings) -> None:
    if not text:
        return
    from semantic_version import NpmSpec

    try:
        NpmSpec(text)
    except ValueError:
        findings.add(where, f'"{text}" is no range of versions, as ^1.2 or ">=1.0.0 <2.0.0"')


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


def _check_oci(oci: OciSource, findings: Findings) -> None:
    where = (*_OCI, "url")
    registry, slash, repository = oci.url.removeprefix(SCHEME).partition("/")
    if not oci.url.startswith(SCHEME) or not slash or not _registry(registry):
        message = f'"{oci.url}" must be oci://REGISTRY[:PORT]/REPOSITORY'
        findings.add(where, message)
    elif "." not in registry and ":" not in registry and registry != "localhost":
        # Where images are named, such a word is part of a repository of Docker Hub's.
        findings.add(where, f'"{registry}" must have a dot or a port, as {registry}:443')
    elif "@" in repository or ":" in repository:
        findings.add(where, "must have no tag and no digest: they are in spec.source.oci.ref")
    elif not all(map(_component, repository.split("/"))):
        findings.add(where, f'"{repository}" is no name of a repository, which is in lower case')


def _registry(name: str) -> bool:
    host, _, port = name.partition("]") if name.startswith("[") else name.partition(":")
    port = port.removeprefix(":")
    allowed = frozenset("[:") | _LETTERS if host.startswith("[") else frozenset(".-") | _LETTERS
    return bool(host) and allowed.issuperset(host) and (not port or port.isdecimal())


def _component(name: str) -> bool:
    return (
        bool(name)
        and (_LOWER | frozenset("._-")).issuperset(name)
        and {name[0], name[-1]} <= _LOWER
    )


def _check_oci_ref(ref: OciRef, findings: Findings) -> None:
    where = (*_OCI, "ref")
    fields = (("tag", ref.tag), ("semver", ref.semver), ("digest", ref.digest))
    given = [field for field, value in fields if value]
    if len(given) > 1:
        findings.add(where, f"must not have both {given[0]} and {given[1]}")
    if ref.tag and not _tag(ref.tag):
        findings.add((*where, "tag"), f'"{ref.tag}" is no name of a tag')
    if ref.digest and not is_digest(ref.digest):
        findings.add((*where, "digest"), f'"{ref.digest}" must be sha256: and 64 digits')
    _check_range(ref.semver, (*where, "semver"), findings)


def _tag(text: str) -> bool:
    allowed = _LETTERS | frozenset("_.-")
    return len(text) <= _LONGEST_TAG and allowed.issuperset(text) and text[0] not in ".-"


def is_digest(text: str) -> bool:
    """Whether a text is the whole digest of an artifact's manifest."""
    digits = digests.bare(text)
    return digits != text and len(digits) == _DIGEST_LENGTH and _HEX.issuperset(digits)


def _check_oci_credentials(oci: OciSource, given: OciCredentials, findings: Findings) -> None:
    where = (*_OCI, "credentials")
    files = (
        ("passwordFile", given.password_file),
        ("authFile", given.auth_file),
        ("caFile", given.ca_file),
    )
    for field, value in files:
        if value:
            check_absolute(value, (*where, field), findings)
    if bool(given.username) != bool(given.password_file):
        findings.add(where, "must have username and passwordFile together")
    if given.auth_file and given.password_file:
        findings.add(where, "must not have both authFile and passwordFile")
    if ":" in given.username:
        findings.add((*where, "username"), "must have no colon")
    if oci.verify is not None:
        check_absolute(oci.verify.cosign_key_file, (*_OCI, "verify", "cosignKeyFile"), findings)
    if oci.insecure and given.ca_file:
        findings.add(
            (*where, "caFile"), "says nothing beside insecure, which takes any certificate"
        )


def check_absolute(path: str, where: Path, findings: Findings) -> None:
    """Report a path that depends on a working directory."""
    if not path.startswith("/"):
        findings.add(where, f'"{path}" must be an absolute path')
