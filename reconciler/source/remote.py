"""Fetch what a Sync wants of a git remote: its GitSource in, a commit in its repository out.

The remote is asked first which commits its names mean, and only what is missing is fetched, alone
and without its history. Of a Sync that reads a part of its source, the contents of that part alone
are fetched: in a second request, by their names, and all of them, so that nothing is to be had from
the remote later.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import time

from manifests import digests
from manifests.checks.sync_sources import transport_of
from manifests.faults import Fault, HostFault, Invalid, Retry, TimedOut
from manifests.value import Value
from reconciler.source import git, packing, versions
from reconciler.source.refs import FETCHED
from reconciler.source.repository import DamagedError, Kind, Repository, is_sha256
from runtime import secret_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.sync import GitCredentials, GitRef, GitSource
    from reconciler.source.selection import Part

CONNECT_SECONDS = 15
SILENT_SECONDS = 60
"""After so long a silence a connection is given up; a server that is busy sends signs of life."""
_HEAD = "HEAD"
_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_PEELED = "^{}"
# A shell's own words, so the token is in no list of processes. It is no program in run_dir, since
# Debian mounts /run noexec.
_HELPER = (
    '!f() { test "$1" = get || exit 0; read -r token <"$PODPY_GIT_TOKEN_FILE"; '
    """printf 'username=%s\\npassword=%s\\n' "$PODPY_GIT_USERNAME" "$token"; }; f"""
)
# git asks for a setting of the user then, and podpy goes by those of the host alone.
_FOREIGN = "dubious ownership"
# What the remote, not this host, has to say; anything else is taken to pass with time.
_REFUSALS = (
    "Authentication failed",
    "Permission denied",
    "not found",
    "does not exist",
    "does not appear to be a git repository",
    "Host key verification failed",
    "could not read Username",
    "access denied",
)


# A remote that answers, and gives no contents by their names: protocol 2, and what was before it.
_NO_CONTENTS = ("remote error", "unadvertised object")
_NO_FILTER = "filter"
_LOCAL = "file"
_QUIETLY = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head")
_ALONE = "--depth=1"
_BARE = ("--filter=blob:none", packing.PROMISOR)


class Target(Value):
    """The ref of the remote to fetch (a name, or a commit's id), and the commit that it means."""

    name: str
    commit: str


class Remote:
    """A remote as one Sync reaches it, within so many seconds."""

    def __init__(self, source: GitSource, seconds: float) -> None:
        self._source = source
        self._deadline = time.monotonic() + seconds
        self._seconds = seconds
        self._environment = _environment(source)
        self._untold = _environment(source, "fetch.negotiationAlgorithm=noop")

    def fetch(self, repository: Repository, part: Part | None = None, kept: str = "") -> str:
        """Return the commit that is wanted now, after it has been fetched into `repository`.

        Of its files, those of `part` are needed, all for None; and of the commit `kept`, which is
        there, as far as the remote still has them.
        Raises Invalid or HostFault where only somebody can help, Retry where time may.
        """
        target = wanted(self._source.ref, self._listed())
        return repository.mended(lambda: self._fetched(repository, target, part, kept))

    def look(self) -> None:
        """Ask the remote for what is wanted of it, and fetch nothing. Raises as `fetch` does."""
        if self._source.ref.commit:
            self._asked(_HEAD)
        else:
            wanted(self._source.ref, self._listed())

    def _fetched(self, repository: Repository, target: Target, part: Part | None, kept: str) -> str:
        repository.ensure(sha256=is_sha256(target.commit))
        if target.commit and repository.commit(target.commit):
            repository.point(FETCHED, target.commit)
            commit = target.commit
        else:
            commit = self._brought(repository, target, part)
        self._complete(repository, commit, target, part)
        if kept and kept != commit and repository.commit(kept):
            with contextlib.suppress(TimedOut):
                self._add(repository, kept, part)
        return commit

    def _brought(self, repository: Repository, target: Target, part: Part | None) -> str:
        """Fetch the commit with its files, or with their names where contents are asked for
        later."""
        spec = f"+{target.name}:{FETCHED}"
        parted = self._may_be_parted(repository, part)
        words = _BARE if parted else (self._source.url,)
        answer = self._ask(repository.path, *_QUIETLY, _ALONE, *words, spec)
        if answer.status and parted and _NO_FILTER in answer.complaint:
            answer = self._ask(repository.path, *_QUIETLY, _ALONE, self._source.url, spec)
        if answer.status and self._source.ref.commit:
            answer = self._ask_for_all(repository)
        if answer.status:
            raise self._refused(answer.complaint)
        commit = repository.commit(self._source.ref.commit or FETCHED)
        if not commit:
            raise Invalid(f"{self.shown} has no commit {self._source.ref.commit}")
        if self._source.ref.commit:
            repository.point(FETCHED, commit)
        return commit

    def _may_be_parted(self, repository: Repository, part: Part | None) -> bool:
        """Tell whether to ask for a part: git leaves nothing out of a repository of this host."""
        if part is None or not (part.path or part.include or part.exclude):
            return False
        url = self._source.url
        return transport_of(url) != _LOCAL and not packing.takes_whole(repository.path, url)

    def _complete(
        self, repository: Repository, commit: str, target: Target, part: Part | None
    ) -> None:
        """Fetch what is needed of the commit and is not there yet: by its names, or the whole."""
        answer = self._add(repository, commit, part)
        if answer is None or not (answer.status or _lacking(repository, commit, part)):
            return
        if answer.status and not any(one in answer.complaint for one in _NO_CONTENTS):
            raise self._refused(answer.complaint)
        words = (_ALONE, "--refetch", self._source.url, f"+{target.name}:{FETCHED}")
        whole = self._ask(repository.path, *_QUIETLY, *words)
        if whole.status:
            raise self._refused(whole.complaint)
        if answer.status:
            packing.note_whole(repository.path, self._source.url)
        if _lacking(repository, commit, part):
            raise DamagedError(f"{self.shown}: contents do not come to be there")

    def _add(self, repository: Repository, commit: str, part: Part | None) -> git.Answer | None:
        """Ask for the contents that a commit lacks; None where it lacks none."""
        names = _lacking(repository, commit, part)
        if not names:
            return None
        # What is here says nothing of what is missing, so the remote is not told of it.
        words = (*_QUIETLY, *_BARE[:1], "--stdin", *_BARE[1:])
        stdin = "".join(f"{name}\n" for name in names).encode()
        return self._ask(repository.path, *words, stdin=stdin, environment=self._untold)

    def _ask_for_all(self, repository: Repository) -> git.Answer:
        """Fetch what may hold the commit: many remotes do not give one by its id."""
        branch = self._source.ref.branch
        spec = f"+{_HEADS}{branch or '*'}:refs/podpy/branches/{branch or '*'}"
        # What was fetched without its history before would end there again.
        shallow = os.path.exists(f"{repository.path}/shallow")
        words = (*_QUIETLY, *["--unshallow"] * shallow)
        return self._ask(repository.path, *words, self._source.url, spec)

    def _listed(self) -> dict[str, str]:
        """Return ref -> commit of the remote, tags as the commits that they stand for."""
        return {} if self._source.ref.commit else self._asked(*_patterns(self._source.ref))

    def _asked(self, *patterns: str) -> dict[str, str]:
        answer = self._ask("/", "ls-remote", "--quiet", self._source.url, *patterns)
        if answer.status:
            raise self._refused(answer.complaint)
        found: dict[str, str] = {}
        for line in answer.stdout.decode(errors="replace").splitlines():
            commit, _, name = line.partition("\t")
            found[name] = commit
        for name in [name for name in found if name.endswith(_PEELED)]:
            found[name.removesuffix(_PEELED)] = found.pop(name)
        return found

    def _ask(
        self,
        repository: str,
        *words: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> git.Answer:
        given = self._environment if environment is None else environment
        left = self._deadline - time.monotonic()
        try:
            if left <= 0:
                raise TimedOut("")
            return git.run(repository, *words, stdin=stdin, environment=given, timeout=left)
        except TimedOut as error:
            raise TimedOut(
                f"{self.shown} was not fetched within {self._seconds:g} s",
                hint="look whether the remote answers: git ls-remote",
            ) from error

    @property
    def shown(self) -> str:
        """The url as messages show it."""
        return self._source.url

    def _refused(self, complaint: str) -> Fault:
        if _FOREIGN in complaint:
            return HostFault(
                f"{self.shown} belongs to another user of this host",
                hint=f"git config --system --add safe.directory {self.shown}",
            )
        said = f"{self.shown} cannot be fetched: {complaint}"
        if any(one.lower() in complaint.lower() for one in _REFUSALS):
            return Invalid(said, hint="look at spec.source.git: its url, ref and credentials")
        return Retry(said)


def _lacking(repository: Repository, commit: str, part: Part | None) -> tuple[str, ...]:
    """Return the names of contents of a commit's files that are not there: of those of `part`, or
    of all. A path that the commit has not lacks nothing.

    Raises DamagedError where what lists them cannot be read.
    """
    if not packing.is_partial(repository.path) or not repository.is_home_of(commit):
        return ()
    tree = part.path if part is not None else ""
    try:
        entries = repository.entries(commit, tree)
    except Invalid:
        return ()
    if [one.path for one in entries] == [tree]:
        tree = os.path.dirname(tree)
    missing = packing.missing(repository.path, f"{commit}:{tree}")
    if missing is None:
        raise DamagedError(f"revision {digests.short(commit)} cannot be read")
    files = [one for one in entries if one.kind is Kind.FILE]
    named = {one.blob for one in files if part is None or part.has(one.path)}
    return tuple(sorted(named & missing))


def wanted(ref: GitRef, listed: Mapping[str, str]) -> Target:
    """Return what to fetch for `ref` from a remote that has these refs. Raises Invalid for none."""
    if ref.commit:
        return Target(name=ref.commit, commit=ref.commit)
    if ref.semver:
        tag = versions.newest(
            ref.semver, (name.removeprefix(_TAGS) for name in listed if _TAGS in name)
        )
        if not tag:
            raise Invalid(f'the remote has no tag in the range "{ref.semver}"')
        name = f"{_TAGS}{tag}"
    elif ref.tag:
        name = f"{_TAGS}{ref.tag}"
    else:
        name = f"{_HEADS}{ref.branch}" if ref.branch else _HEAD
    if name not in listed:
        kind = "tag" if ref.tag else "branch"
        said = f'the remote has no {kind} "{ref.tag or ref.branch}"'
        raise Invalid(said if name != _HEAD else "the remote has no commit yet")
    return Target(name=name, commit=listed[name])


def _patterns(ref: GitRef) -> tuple[str, ...]:
    """Which refs of the remote to list."""
    if ref.semver:
        return (f"{_TAGS}*",)
    if ref.tag:
        return (f"{_TAGS}{ref.tag}", f"{_TAGS}{ref.tag}{_PEELED}")
    return (f"{_HEADS}{ref.branch}",) if ref.branch else (_HEAD,)


def _environment(source: GitSource, *more: str) -> dict[str, str]:
    """How git and ssh reach the remote: what they may use, and where secrets lie; `more` settings
    of git."""
    given = source.credentials
    settings = [f"http.lowSpeedTime={SILENT_SECONDS}", "http.lowSpeedLimit=1", *more]
    settings.append(f"remote.{packing.PROMISOR}.url={source.url}")
    found = {"GIT_ALLOW_PROTOCOL": transport_of(source.url)}
    if given.ca_file:
        found["GIT_SSL_CAINFO"] = given.ca_file
    if given.token_file:
        secret_files.check_private(given.token_file)
        # For this host alone: one that it redirects to is not told the token.
        host = "/".join(source.url.split("/")[:3])
        settings.append(f"credential.{host}.helper={_HELPER}")
        found["PODPY_GIT_USERNAME"] = given.username or "git"
        found["PODPY_GIT_TOKEN_FILE"] = given.token_file
    found["GIT_SSH_COMMAND"] = shlex.join(_ssh(given))
    return {**git.configuration(*settings), **found}


def _ssh(given: GitCredentials) -> list[str]:
    """A host that is not known is refused: nobody is there who could look at its key."""
    words = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    words += ["-o", f"ConnectTimeout={CONNECT_SECONDS}"]
    words += ["-o", f"ServerAliveInterval={SILENT_SECONDS // 4}", "-o", "ServerAliveCountMax=4"]
    if given.known_hosts_file:
        known = given.known_hosts_file.replace("%", "%%")
        words += ["-o", f'UserKnownHostsFile="{known}"']
        words += ["-o", "GlobalKnownHostsFile=/dev/null"]
    if given.ssh_key_file:
        secret_files.check_private(given.ssh_key_file)
        words += ["-i", given.ssh_key_file.replace("%", "%%"), "-o", "IdentitiesOnly=yes"]
    return words
