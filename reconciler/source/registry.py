"""Fetch what a Sync wants of a registry: its OciSource in, an artifact in its repository out.

The registry is asked for one manifest, which names all the rest by digests: where it is the one
that is here already, that is all. skopeo asks, as it does for images, with the mirrors, blocks and
signatures that this host's files want.
"""

from __future__ import annotations

import contextlib
import json
import os
import time

from manifests import digests
from manifests.checks.sync_sources import SCHEME
from manifests.faults import Fault, HostFault, Invalid, Retry, TimedOut
from manifests.sources import File
from reconciler.source import scratch, versions
from reconciler.source.refusals import RefusedError
from reconciler.source.repository import FETCHED, Repository
from runtime import secret_files
from runtime.image import artifact, blob, manifest, skopeo
from runtime.image.artifact_files import BOUNDS, Files
from runtime.image.skopeo import Trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from manifests.sync import OciSource
    from runtime.image.skopeo import Verdict

    T = TypeVar("T")

SILENT_SECONDS = 60.0
"""After so long without an answer a question is given up; files have the time that is left."""
LARGEST_PASSWORD = 1 << 16
_DEFAULT_TAG = "latest"


class Registry:
    """A repository of a registry as one Sync reaches it, within so many seconds.

    `place` is where a directory can be made for a moment, for this Sync alone.
    """

    def __init__(self, source: OciSource, seconds: float, place: str) -> None:
        self._source = source
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._place = place
        self._name = source.url.removeprefix(SCHEME)

    def fetch(self, repository: Repository) -> str:
        """Return the digest that is wanted now, after its artifact is in `repository`.

        Raises Invalid or HostFault where only somebody can help, Retry where time may.
        """
        digest = self._source.ref.digest
        if digest and repository.commit(digest):
            repository.point(FETCHED, digest)
            return digest
        with _options(self._source, self._place) as options:
            which = f"@{digest}" if digest else f":{self._tag(options)}"
            about = f"{self._source.url}{which}"
            raw = self._manifest(which, options, about)
            found = manifest.digest_of(raw)
            if digest and found != digest:
                raise Invalid(f"{about}: the registry has sent another manifest, {found}")
            with _told_of(about):
                return repository.mended(lambda: self._fetched(repository, raw, options, about))

    def _fetched(
        self, repository: Repository, raw: bytes, options: skopeo.Options, about: str
    ) -> str:
        repository.ensure()
        digest = manifest.digest_of(raw)
        if repository.commit(digest):
            repository.point(FETCHED, digest)
            return digest
        one = self._for_this_host(raw, options, about)
        with scratch.emptied(repository.incoming) as directory:
            files = self._files(one, directory, options, about)
        return repository.store(_named(files.files), links=_named(files.links), artifact=digest)

    def _tag(self, options: skopeo.Options) -> str:
        ref = self._source.ref
        if not ref.semver:
            return ref.tag or _DEFAULT_TAG
        about = self._source.url
        known = self._ask(
            about, lambda: skopeo.tags(self._at(""), self._within(options), about, blame=_blame)
        )
        if tag := versions.newest(ref.semver, known):
            return tag
        raise Invalid(f'{about} has no tag in the range "{ref.semver}"')

    def _manifest(self, which: str, options: skopeo.Options, about: str) -> bytes:
        limited = self._within(options)
        return self._ask(
            about, lambda: skopeo.manifest(self._at(which), limited, about, blame=_blame)
        )

    def _for_this_host(self, raw: bytes, options: skopeo.Options, about: str) -> bytes:
        """Return the manifest itself, or that of an index which is for this host."""
        with _refused("push one for this host, too, or an artifact for all"):
            chosen = manifest.choose(raw, options.platform)
        if chosen is None:
            return raw
        one = self._manifest(f"@{chosen}", options, about)
        if manifest.digest_of(one) != chosen:
            raise Invalid(f"the registry has sent another manifest than {chosen}")
        return one

    def _files(self, raw: bytes, directory: str, options: skopeo.Options, about: str) -> Files:
        """Read what the artifact of a manifest holds, every blob checked against its digest."""
        with _refused():
            wanted = artifact.parts(raw)
            if sum(part.size for part in wanted) > BOUNDS.size:
                raise Invalid(f"it has more than {BOUNDS.size >> 20} MiB, the limit")
        source = self._at(f"@{manifest.digest_of(raw)}")
        largest = max(manifest.LARGEST, *(part.size for part in wanted))
        limited = options.replace(patience=self._left(about))
        self._ask(
            about,
            lambda: skopeo.copy_as_it_is(
                source, directory, limited, about, largest=largest, blame=_blame
            ),
        )
        files = Files()
        with _refused():
            for part in wanted:
                with blob.File(f"{directory}/{digests.bare(part.digest)}") as file:
                    files.add(part, file)
            files.check()
        return files

    def _at(self, which: str) -> str:
        return f"docker://{self._name}{which}"

    def _within(self, options: skopeo.Options) -> skopeo.Options:
        return options.replace(patience=min(SILENT_SECONDS, self._left(self._source.url)))

    def _left(self, about: str) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._late(about)
        return left

    def _ask(self, about: str, question: Callable[[], T]) -> T:
        try:
            return question()
        except TimedOut as error:
            raise self._late(about) from error

    def _late(self, about: str) -> TimedOut:
        said = f"was not fetched within {self._seconds:g} s"
        if time.monotonic() < self._deadline:
            said = f"the registry has not answered for {SILENT_SECONDS:g} s"
        return TimedOut(
            f"{about}: {said}", hint="look whether the registry is up, and reached from this host"
        )


def check_credentials(source: OciSource) -> None:
    """Raise HostFault where what this host has for the registry cannot be used.

    Whether the registry accepts it is not asked.
    """
    given = source.credentials
    if given.password_file:
        _password(given.password_file)
    if given.auth_file:
        try:
            known = json.loads(secret_files.read(given.auth_file))
        except ValueError as error:
            raise HostFault(f"{given.auth_file} is not JSON", hint="skopeo login") from error
        if not isinstance(known, dict):
            raise HostFault(f"{given.auth_file} is no auth.json", hint="skopeo login")
    if given.ca_file and not os.access(given.ca_file, os.R_OK):
        raise HostFault(f"{given.ca_file} cannot be read")


@contextlib.contextmanager
def _options(source: OciSource, place: str) -> Iterator[skopeo.Options]:
    """How the registry is spoken to; the password is in no list of processes and on no disk."""
    check_credentials(source)
    given = source.credentials
    # What fails is asked for again by the next pass, as every source is.
    options = skopeo.Options(
        authfile=given.auth_file, tls_verify=False if source.insecure else None, pauses=()
    )
    if given.password_file:
        options = options.replace(creds=f"{given.username}:{_password(given.password_file)}")
    if not given.ca_file:
        yield options
        return
    with scratch.emptied(place) as directory:
        os.symlink(given.ca_file, f"{directory}/ca.crt")
        yield options.replace(cert_dir=directory)


def _password(path: str) -> str:
    text = secret_files.read(path, LARGEST_PASSWORD).decode(errors="replace")
    word = text.partition("\n")[0].rstrip("\r")
    if not word:
        raise HostFault(f"{path} holds no password")
    return word


def _named(held: dict[bytes, bytes]) -> list[File]:
    return [File(name=os.fsdecode(path), data=held[path]) for path in sorted(held)]


@contextlib.contextmanager
def _refused(hint: str = "") -> Iterator[None]:
    """Tell what is wrong with an artifact from what is wrong with the way to it."""
    try:
        yield
    except Invalid as fault:
        raise RefusedError(fault.message, hint=hint or fault.hint) from fault


@contextlib.contextmanager
def _told_of(about: str) -> Iterator[None]:
    """Have every fault name the artifact."""
    try:
        yield
    except Fault as fault:
        said = fault.message.removeprefix(f"{about}: ")
        raise type(fault)(f"{about}: {said}", hint=fault.hint) from fault


_OCI = "spec.source.oci"
_VERDICTS: dict[Trouble, Verdict] = {
    **skopeo.VERDICTS,
    Trouble.DENIED: (Invalid, "access refused: {}", f"look at {_OCI}.credentials"),
    Trouble.PLAIN_HTTP: (
        Invalid,
        "the registry speaks plain HTTP",
        f"{_OCI}.insecure: true, or mark it insecure in registries.conf",
    ),
    Trouble.CERTIFICATE: (
        Invalid,
        "the registry's certificate is not trusted: {}",
        f"name its CA in {_OCI}.credentials.caFile",
    ),
    Trouble.MISSING: (Invalid, "does not exist: {}", f"look at {_OCI}: its url and ref"),
    Trouble.OTHER: (Retry, "cannot be fetched: {}", ""),
}


def _blame(complaint: str, about: str) -> Fault:
    """The fault that skopeo's complaint is about an artifact."""
    return skopeo.verdict(complaint, about, _VERDICTS)
