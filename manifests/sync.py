"""podpy's own Sync: where manifests come from, and how the host follows them."""

from __future__ import annotations

from manifests.meta import LabelSelector, ObjectMeta
from manifests.strenum import StrEnum
from manifests.value import Value


class GitRef(Value):
    """Which commit is wanted: of a branch, of a tag, of the highest tag in a range, or a given one.

    With nothing given it is what the remote's HEAD means. `branch` beside `commit` says where the
    commit can be found, for remotes that give no commit by its name.
    """

    branch: str = ""
    tag: str = ""
    semver: str = ""
    commit: str = ""


class GitCredentials(Value):
    """What the remote wants to see, in files of this host: a token (https), a key (ssh).

    `ca_file` and `known_hosts_file` tell the remote from others that pretend to be it.
    """

    username: str = ""
    token_file: str = ""
    ssh_key_file: str = ""
    known_hosts_file: str = ""
    ca_file: str = ""


class Verification(Value):
    """Whose signatures a commit must have: allowed signers of ssh-keygen(1), or GPG keys."""

    allowed_signers_file: str = ""
    gpg_keys_file: str = ""


class GitSource(Value):
    url: str
    ref: GitRef = GitRef()
    credentials: GitCredentials = GitCredentials()
    verify: Verification | None = None


class DirectorySource(Value):
    path: str


class OciRef(Value):
    """Which artifact is wanted: of a tag, of the highest tag in a range, or a given one.

    With nothing given it is that of the tag "latest". `digest` is sha256:... of its manifest.
    """

    tag: str = ""
    semver: str = ""
    digest: str = ""


class OciCredentials(Value):
    """What the registry wants to see, in files of this host: a name and a password, or an auth.json
    as `skopeo login` writes it. `ca_file` tells the registry from others that pretend to be it."""

    username: str = ""
    password_file: str = ""
    auth_file: str = ""
    ca_file: str = ""


class OciVerification(Value):
    """Whose signatures an artifact must have: public keys in PEM, as cosign writes them."""

    cosign_key_file: str


class OciSource(Value):
    """`url` is oci://REGISTRY/REPOSITORY; `insecure` takes plain HTTP and any certificate."""

    url: str
    ref: OciRef = OciRef()
    credentials: OciCredentials = OciCredentials()
    verify: OciVerification | None = None
    insecure: bool = False


class SyncSource(Value):
    """Exactly one of them is given."""

    git: GitSource | None = None
    directory: DirectorySource | None = None
    oci: OciSource | None = None


class PruneLimit(Value):
    """More than `percent` of all objects, and at least `objects`, go by consent only."""

    percent: int = 50
    objects: int = 3


class Decryption(Value):
    """The file with the age keys, as age-keygen writes it, that open SOPS' files in the source."""

    age_key_file: str


class Jinja2(Value):
    """Files that end in .j2 are rendered, with values from files of the source, then of the host.

    `values` are paths from the source's root, {host} in them stands for the host's name.
    """

    values: tuple[str, ...] = ()
    host_values: tuple[str, ...] = ()


class Kustomize(Value):
    """The directory at the Sync's path is a kustomization."""


class Template(Value):
    """Exactly one of them is given."""

    jinja2: Jinja2 | None = None
    kustomize: Kustomize | None = None


class Webhook(Value):
    """A forge tells of pushes, and signs with the secret in the file."""

    secret_file: str


class Provider(StrEnum):
    """Whose interface a forge has."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    FORGEJO = "forgejo"


class CommitStatus(Value):
    """A forge that is told of its commits. `url` is where its interface is: GitHub's and GitLab's
    own where it is left out. `context` tells hosts apart, and is podpy/HOST/SYNC if left out."""

    provider: Provider
    repository: str
    token_file: str
    url: str = ""
    ca_file: str = ""
    context: str = ""


class NotifyWebhook(Value):
    """Whoever listens at `url`; the secret in the file signs what is sent."""

    url: str
    secret_file: str
    ca_file: str = ""


class NotifyApprise(Value):
    """Whom the one URL in the file leads to: one of Apprise's, with the service's secrets in it."""

    url_file: str


class Receiver(Value):
    """Exactly one of them is given."""

    commit_status: CommitStatus | None = None
    webhook: NotifyWebhook | None = None
    apprise: NotifyApprise | None = None


class SyncTarget(StrEnum):
    """Who runs what a Sync brings: podpy's own runtime, or systemd and Podman by Quadlet files."""

    HOST = "host"
    QUADLET = "quadlet"


class SyncName(Value):
    name: str


class SyncSpec(Value):
    """`path` is below the source's root; `include` and `exclude` are globs below `path`.

    `hosts` are names or patterns of names of the hosts that follow it, and `host_selector` is over
    their labels; with neither every host does. `interval` and `timeout` are spans (30s, 5m);
    `suspend_until` is a time of RFC 3339. With `wait` a new revision counts as good when all that
    it changes is healthy.
    """

    source: SyncSource
    target: SyncTarget = SyncTarget.HOST
    path: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    namespace: str = ""
    allow_unsupported: bool = False
    interval: str = "1m"
    timeout: str = "5m"
    prune: bool = True
    prune_limit: PruneLimit = PruneLimit()
    rollback: bool = True
    wait: bool = True
    depends_on: tuple[SyncName, ...] = ()
    decryption: Decryption | None = None
    template: Template | None = None
    webhook: Webhook | None = None
    notify: tuple[Receiver, ...] = ()
    hosts: tuple[str, ...] = ()
    host_selector: LabelSelector | None = None
    suspend: bool = False
    suspend_until: str = ""


class Sync(Value):
    api_version: str = "podpy.dev/v1"
    kind: str = "Sync"
    metadata: ObjectMeta
    spec: SyncSpec
