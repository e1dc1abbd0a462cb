"""manifests.checks.syncs: what a Sync may not say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from manifests.checks import sync_sources

Check = Callable[[str, dict[str, Any]], list[str]]
GIT = ".spec.source.git"
OCI = ".spec.source.oci"
DIGEST = f"sha256:{'0' * 64}"
STATUS = {"provider": "github", "repository": "team/shop", "tokenFile": "/etc/token"}


def oci(**fields: Any) -> dict[str, Any]:
    """A source that is an artifact, in place of the repository."""
    return {".spec.source": {"oci": {"url": "oci://registry.example/team/shop", **fields}}}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({GIT: None}, ".spec.source: must be exactly one of git, directory and oci"),
    (
        {".spec.source.directory": {"path": "/srv"}},
        ".spec.source: must be exactly one of git, directory and oci",
    ),
    (
        {".spec.source": {"directory": {"path": "srv"}}},
        '.spec.source.directory.path: "srv" must be an absolute path',
    ),
    (
        {f"{GIT}.url": "ext::sh -c id", f"{GIT}.credentials": None},
        f'{GIT}.url: "ext::sh -c id" must be https://, ssh://, USER@HOST:PATH or a path',
    ),
    (
        {f"{GIT}.url": "--upload-pack=id", f"{GIT}.credentials": None},
        f'{GIT}.url: "--upload-pack=id" must be https://, ssh://, USER@HOST:PATH or a path',
    ),
    (
        {f"{GIT}.url": "https://bot:word@git.example/x"},
        f"{GIT}.url: must hold no password: put it into a file, and name that in tokenFile",
    ),
    (
        {f"{GIT}.url": "git@git.example:x"},
        f"{GIT}.credentials.tokenFile: is for https, and the url is ssh",
    ),
    (
        {f"{GIT}.credentials": {"caFile": "ca.pem"}},
        f'{GIT}.credentials.caFile: "ca.pem" must be an absolute path',
    ),
    ({f"{GIT}.ref.tag": "v1"}, f"{GIT}.ref: must not have both branch and tag"),
    (
        {f"{GIT}.ref": {"tag": "v1", "semver": "1.x"}},
        f"{GIT}.ref: must not have both tag and semver",
    ),
    ({f"{GIT}.ref": {"commit": "abc"}}, f'{GIT}.ref.commit: "abc" must be the whole id'),
    ({f"{GIT}.ref": {"semver": "one"}}, f'{GIT}.ref.semver: "one" is no range of versions'),
    ({f"{GIT}.ref.branch": "-x"}, f'{GIT}.ref.branch: "-x" is no name of a branch'),
    ({f"{GIT}.ref.branch": "a..b"}, f'{GIT}.ref.branch: "a..b" is no name of a branch'),
    (
        {f"{GIT}.verify": {}},
        f"{GIT}.verify: must have exactly one of allowedSignersFile and gpgKeysFile",
    ),
    (
        {f"{GIT}.verify": {"allowedSignersFile": "signers"}},
        f'{GIT}.verify.allowedSignersFile: "signers" must be an absolute path',
    ),
    (
        {f"{GIT}.verify": {"gpgKeysFile": "~/keys"}},
        f'{GIT}.verify.gpgKeysFile: "~/keys" must be an absolute path',
    ),
    (
        oci(url="https://registry.example/shop"),
        f'{OCI}.url: "https://registry.example/shop" must be oci://REGISTRY[:PORT]/REPOSITORY',
    ),
    (oci(url="oci://registry.example"), f"{OCI}.url: "),
    (oci(url="oci://bot:word@registry.example/x"), f"{OCI}.url: "),
    (
        oci(url="oci://registry/shop"),
        f'{OCI}.url: "registry" must have a dot or a port, as registry:443',
    ),
    (
        oci(url="oci://registry.example/shop:1"),
        f"{OCI}.url: must have no tag and no digest: they are in spec.source.oci.ref",
    ),
    (oci(url="oci://registry.example/Shop"), f'{OCI}.url: "Shop" is no name of a repository'),
    (oci(ref={"tag": "a", "digest": DIGEST}), f"{OCI}.ref: must not have both tag and digest"),
    (oci(ref={"tag": ".a"}), f'{OCI}.ref.tag: ".a" is no name of a tag'),
    (oci(ref={"digest": "sha256:12"}), f'{OCI}.ref.digest: "sha256:12" must be sha256: and 64'),
    (oci(ref={"semver": "one"}), f'{OCI}.ref.semver: "one" is no range of versions'),
    (
        oci(credentials={"passwordFile": "/p"}),
        f"{OCI}.credentials: must have username and passwordFile together",
    ),
    (
        oci(credentials={"username": "a", "passwordFile": "/p", "authFile": "/a"}),
        f"{OCI}.credentials: must not have both authFile and passwordFile",
    ),
    (
        oci(credentials={"username": "a:b", "passwordFile": "/p"}),
        f"{OCI}.credentials.username: must have no colon",
    ),
    (
        oci(credentials={"authFile": "auth.json"}),
        f'{OCI}.credentials.authFile: "auth.json" must be an absolute path',
    ),
    (
        oci(verify={"cosignKeyFile": "cosign.pub"}),
        f'{OCI}.verify.cosignKeyFile: "cosign.pub" must be an absolute path',
    ),
    (
        oci(insecure=True, credentials={"caFile": "/ca"}),
        f"{OCI}.credentials.caFile: says nothing beside insecure",
    ),
    (
        {**oci(), ".spec.notify": [{"commitStatus": STATUS}]},
        ".spec.notify[0].commitStatus: is for a git repository alone: nothing else has commits",
    ),
    (
        {".spec.webhook": {"secretFile": "key"}},
        '.spec.webhook.secretFile: "key" must be an absolute path',
    ),
    (
        {".spec.decryption": {"ageKeyFile": "key"}},
        '.spec.decryption.ageKeyFile: "key" must be an absolute path',
    ),
    ({".spec.path": "../x"}, '.spec.path: "../x" must be a path below the source'),
    ({".spec.path": "/x"}, '.spec.path: "/x" must be a path below the source'),
    ({".spec.include[0]": ""}, ".spec.include[0]: is empty"),
    ({".spec.interval": "often"}, '.spec.interval: "often" is no span of time'),
    ({".spec.interval": "1s"}, ".spec.interval: must be at least 5s"),
    ({".spec.timeout": "0s"}, ".spec.timeout: must be more than nothing"),
    ({".spec.suspendUntil": "soon"}, '.spec.suspendUntil: "soon" is no time'),
    ({".spec.pruneLimit.percent": 101}, ".spec.pruneLimit.percent: must be from 0 to 100"),
    ({".spec.pruneLimit.objects": -1}, ".spec.pruneLimit.objects: must not be negative"),
    ({".spec.dependsOn[0].name": "web"}, ".spec.dependsOn[0].name: is the Sync itself"),
    ({".spec.template": {}}, ".spec.template: must be exactly one of jinja2 and kustomize"),
    (
        {".spec.template": {"jinja2": {"values": ["../x"]}}},
        '.spec.template.jinja2.values[0]: "../x" must be a path below the source',
    ),
    (
        {".spec.template": {"jinja2": {"hostValues": ["x"]}}},
        '.spec.template.jinja2.hostValues[0]: "x" must be an absolute path',
    ),
    (
        {".spec.template": {"kustomize": {}}},
        ".spec.template.kustomize: says itself what it is made of",
    ),
    ({".spec.hosts": ["web 1"]}, '.spec.hosts[0]: "web 1" must be the name of a host'),
    (
        {".spec.hostSelector": {"matchLabels": {"a b": "c"}}},
        '.spec.hostSelector.matchLabels["a b"]: "a b" is not',
    ),
    ({".metadata.name": "a.b"}, '.metadata.name: "a.b" is not a valid name'),
    (
        {".spec.notify": [{}]},
        ".spec.notify[0]: must be exactly one of commitStatus, webhook and apprise",
    ),
    (
        {".spec.notify": [{"commitStatus": {**STATUS, "repository": "shop"}}]},
        '.spec.notify[0].commitStatus.repository: "shop" must be OWNER/NAME',
    ),
    (
        {".spec.notify": [{"commitStatus": {**STATUS, "url": "http://git.example"}}]},
        ".spec.notify[0].commitStatus.url: must be https://: a token is sent there",
    ),
    (
        {".spec.notify": [{"commitStatus": {**STATUS, "provider": "gitea"}}]},
        '.spec.notify[0].commitStatus.url: "" must be https://HOST[:PORT][/PATH]',
    ),
    (
        {".spec.notify": [{"webhook": {"url": "https://x.example", "secretFile": "key"}}]},
        '.spec.notify[0].webhook.secretFile: "key" must be an absolute path',
    ),
]


@pytest.mark.parametrize(("changes", "expected"), REFUSED, ids=[text for _, text in REFUSED])
def test_what_is_wrong_is_told_at_its_place(
    check: Check, changes: dict[str, Any], expected: str
) -> None:
    found = check("Sync", changes)

    assert len(found) == 1
    assert found[0].startswith(expected)


@pytest.mark.parametrize(
    ("url", "transport"),
    [
        ("https://git.example/x.git", "https"),
        ("ssh://git@git.example:2222/x", "ssh"),
        ("git@git.example:team/x.git", "ssh"),
        ("git.example:x", "ssh"),
        ("/srv/git/x.git", "file"),
        ("file:///srv/git/x.git", "file"),
        ("./relative/x:y", ""),
        ("relative", ""),
        ("ftp://git.example/x", ""),
        ("ext::sh", ""),
        ("https://", ""),
        ("", ""),
    ],
)
def test_a_url_tells_its_transport_as_git_reads_it(url: str, transport: str) -> None:
    assert sync_sources.transport_of(url) == transport


@pytest.mark.parametrize(
    "url",
    [
        "oci://registry.example/shop",
        "oci://registry.example:5000/team/shop_a.b-c",
        "oci://localhost/shop",
        "oci://127.0.0.1:5000/shop",
        "oci://[::1]:5000/shop",
    ],
)
def test_an_artifact_is_named_by_registry_and_repository(check: Check, url: str) -> None:
    given = {"username": "bot", "passwordFile": "/etc/p", "caFile": "/etc/ca.pem"}

    assert check("Sync", oci(url=url, ref={"semver": "^1.2"}, credentials=given)) == []
