"""Fetch the artifact that a Sync wants: its OciSource in, its digest out, its files stored.

The registry is asked for one manifest, which names all the rest by digests: where it is the one
that is here already, that is all. With `verify`, what nobody has signed is not even read.
"""

from __future__ import annotations

import contextlib
import os

from manifests import digests
from manifests.faults import Fault, HostFault, Invalid
from manifests.sources import File
from manifests.value import Value
from reconciler.source import cosign, registry, scratch, versions
from reconciler.source.refs import FETCHED
from reconciler.source.refusals import RefusedError, UnverifiedError
from runtime import secret_files
from runtime.image import artifact, blob, manifest
from runtime.image.artifact_files import BOUNDS, Files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.sync import OciSource
    from reconciler.source.registry import Registry
    from reconciler.source.repository import Repository

_DEFAULT_TAG = "latest"
_HINT = "look at spec.source.oci.verify, and sign what is pushed: cosign sign --key"


class Trusted(Value):
    """The file of the keys that may sign: its path, and what is in it."""

    path: str
    data: bytes

    @property
    def digest(self) -> str:
        """Stands for the keys where it is remembered that one of them has signed something."""
        return digests.of(self.data)


def fetch(source: OciSource, repository: Repository, seconds: float, place: str) -> str:
    """Return the digest that is wanted now, after its artifact is in `repository`.

    Raises RefusedError where it cannot, or may not, be followed, Invalid or HostFault where
    somebody must help in another way, Retry where time may. `place` is registry.connected's.
    """
    trusted = _trusted(source)
    pinned = source.ref.digest
    if pinned and _is_here(repository, pinned, trusted):
        repository.point(FETCHED, pinned)
        return pinned
    with registry.connected(source, seconds, place) as there:
        which = _which(source, there)
        raw = there.manifest(which)
        found = manifest.digest_of(raw)
        if pinned and found != pinned:
            raise Invalid(f"{there.url}{which}: the registry has sent another manifest, {found}")
        wanted = _Wanted(there, f"{there.url}{which}", raw, trusted)
        return repository.mended(lambda: wanted.brought(repository))


def look(source: OciSource, seconds: float, place: str) -> None:
    """Ask the registry for what is wanted of it, and fetch nothing. Raises as `fetch` does."""
    with registry.connected(source, seconds, place) as there:
        there.manifest(_which(source, there))


def _which(source: OciSource, there: Registry) -> str:
    """Return what is wanted now, as it follows a repository's name."""
    return f"@{source.ref.digest}" if source.ref.digest else f":{_tag(source, there)}"


def _tag(source: OciSource, there: Registry) -> str:
    ref = source.ref
    if not ref.semver:
        return ref.tag or _DEFAULT_TAG
    if tag := versions.newest(ref.semver, there.tags()):
        return tag
    raise Invalid(f'{there.url} has no tag in the range "{ref.semver}"')


def _is_here(repository: Repository, digest: str, trusted: Trusted | None) -> bool:
    if trusted is not None:
        return repository.is_verified(digest, trusted.digest)
    return bool(repository.commit(digest))


def _trusted(source: OciSource) -> Trusted | None:
    """Read who may sign, anew in each pass. Raises UnverifiedError where that cannot be told."""
    if source.verify is None:
        return None
    path = source.verify.cosign_key_file
    try:
        secret_files.check_trusted(path)
        with open(path, "rb") as file:
            return Trusted(path=path, data=file.read(cosign.LARGEST))
    except (OSError, HostFault) as error:
        said = f"{path} cannot be read: {error.strerror}" if isinstance(error, OSError) else error
        raise UnverifiedError(f"{source.url} is not followed: {said}") from error


class _Wanted:
    """An artifact of which the manifest is known, on its way into a repository."""

    def __init__(self, there: Registry, about: str, raw: bytes, trusted: Trusted | None) -> None:
        self._there = there
        self._about = about
        self._raw = raw
        self._digest = manifest.digest_of(raw)
        self._trusted = trusted

    def brought(self, repository: Repository) -> str:
        """Return its digest, once it is what the repository says was fetched last."""
        repository.ensure()
        if not _is_here(repository, self._digest, self._trusted):
            if self._trusted is not None:
                self._check_signed(self._trusted, repository.incoming)
            if not repository.commit(self._digest):
                self._store(repository)
            if self._trusted is not None:
                repository.mark_verified(self._digest, self._trusted.digest)
        repository.point(FETCHED, self._digest)
        return self._digest

    def _store(self, repository: Repository) -> None:
        raw = self._for_this_host()
        with scratch.emptied(repository.incoming) as directory:
            found = self._files(raw, directory)
        files, links = _named(found.files), _named(found.links)
        repository.store(files, links=links, artifact=self._digest)

    def _for_this_host(self) -> bytes:
        """Return the manifest itself, or that of an index which is for this host."""
        with self._refused("push one for this host, too, or an artifact for all"):
            chosen = manifest.choose(self._raw, self._there.platform)
        if chosen is None:
            return self._raw
        raw = self._there.manifest(f"@{chosen}")
        if manifest.digest_of(raw) != chosen:
            raise Invalid(f"{self._about}: the registry has sent another manifest than {chosen}")
        return raw

    def _files(self, raw: bytes, directory: str) -> Files:
        """Read what the artifact holds, every blob checked against its digest."""
        with self._refused():
            wanted = artifact.parts(raw)
            if sum(part.size for part in wanted) > BOUNDS.size:
                raise Invalid(f"it has more than {BOUNDS.size >> 20} MiB, the limit")
        largest = max(part.size for part in wanted)
        self._there.copy(manifest.digest_of(raw), directory, largest)
        files = Files()
        with self._refused():
            for part in wanted:
                with blob.File(f"{directory}/{digests.bare(part.digest)}") as file:
                    files.add(part, file)
            files.check()
        return files

    def _check_signed(self, trusted: Trusted, directory: str) -> None:
        """Return where one who may has signed the artifact, whichever tag has led to it."""
        tag = cosign.tag_of(self._digest)
        try:
            keys = cosign.keys(trusted.data, trusted.path)
            raw = self._there.manifest(f":{tag}")
            found = cosign.listed(raw)
        except registry.MissingError as fault:
            raise self._unverified(f"it is not signed: there is no {tag}") from fault
        except (Invalid, HostFault) as fault:
            raise self._unverified(fault.message, fault.hint) from fault
        with scratch.emptied(directory):
            self._there.copy(manifest.digest_of(raw), directory, cosign.LARGEST)
            for one in found:
                with open(f"{directory}/{digests.bare(one.payload)}", "rb") as file:
                    payload = file.read(cosign.LARGEST)
                if cosign.is_signed(self._digest, payload, one.signature, keys):
                    return
        raise self._unverified("none of the keys that may sign has signed it")

    def _unverified(self, why: str, hint: str = "") -> Fault:
        said = f"{self._about} ({digests.short(self._digest)}) is not followed: {why}"
        return UnverifiedError(said, hint=hint or _HINT)

    @contextlib.contextmanager
    def _refused(self, hint: str = "") -> Iterator[None]:
        """Tell what is wrong with the artifact from what is wrong with the way to it."""
        try:
            yield
        except Invalid as fault:
            said = f"{self._about}: {fault.message}"
            raise RefusedError(said, hint=hint or fault.hint) from fault


def _named(held: dict[bytes, bytes]) -> list[File]:
    return [File(name=os.fsdecode(path), data=held[path]) for path in sorted(held)]
