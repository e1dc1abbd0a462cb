"""Ask a registry for a Sync: names in, tags, manifests and blobs out, within so many seconds.

skopeo asks, as it does for images, with the mirrors, blocks and signatures that this host's files
want. What it complains of becomes a fault in the words of the Sync.
"""

from __future__ import annotations

import contextlib
import json
import os
import time

from manifests.checks.sync_sources import SCHEME
from manifests.faults import Fault, HostFault, Invalid, Retry, TimedOut
from reconciler.source import scratch
from runtime import secret_files
from runtime.image import manifest, skopeo
from runtime.image.skopeo import Trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeVar

    from manifests.sync import OciSource
    from runtime.image.skopeo import Verdict

    T = TypeVar("T")

SILENT_SECONDS = 60.0
"""After so long without an answer a question is given up; blobs have the time that is left."""
LARGEST_PASSWORD = 1 << 16


class MissingError(Invalid):
    """The registry has no such thing."""


_OCI = "spec.source.oci"
VERDICTS: dict[Trouble, Verdict] = {
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
    Trouble.MISSING: (MissingError, "does not exist: {}", f"look at {_OCI}: its url and ref"),
    Trouble.OTHER: (Retry, "cannot be fetched: {}", ""),
}


PUSHING: dict[Trouble, Verdict] = {
    **VERDICTS,
    Trouble.DENIED: (
        Invalid,
        "access refused: {}",
        "log in with `skopeo login`, or give --username and --password-file, or --auth-file",
    ),
    Trouble.PLAIN_HTTP: (Invalid, "the registry speaks plain HTTP", "give --insecure"),
    Trouble.CERTIFICATE: (
        Invalid,
        "the registry's certificate is not trusted: {}",
        "give its CA with --ca-file",
    ),
    Trouble.OTHER: (Retry, "cannot be pushed: {}", ""),
}
"""For whoever pushes by a command's flags."""


class Registry:
    """The repository of a registry that a source names, for one pass; see `connected`.

    Every method raises Invalid or HostFault where only somebody can help, Retry where time may.
    """

    def __init__(
        self,
        source: OciSource,
        options: skopeo.Options,
        seconds: float,
        verdicts: Mapping[Trouble, Verdict],
    ) -> None:
        self.url = source.url
        self._verdicts = verdicts
        self._name = source.url.removeprefix(SCHEME)
        self._options = options
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds

    @property
    def platform(self) -> manifest.Platform:
        """This host's, by which one of an index's manifests is chosen."""
        return self._options.platform

    def tags(self) -> tuple[str, ...]:
        """Return the names of all tags."""

        def ask(options: skopeo.Options) -> tuple[str, ...]:
            return skopeo.tags(f"docker://{self._name}", options, self.url, blame=self._blame)

        return self._asked(self.url, ask)

    def manifest(self, which: str) -> bytes:
        """Return the manifest of :TAG or @DIGEST, byte by byte as the registry has it.

        Raises MissingError where there is none.
        """
        about = f"{self.url}{which}"

        def ask(options: skopeo.Options) -> bytes:
            return skopeo.manifest(
                f"docker://{self._name}{which}", options, about, blame=self._blame
            )

        return self._asked(about, ask)

    def copy(self, digest: str, directory: str, largest: int) -> None:
        """Copy the blobs of the manifest `digest` into files, each named by its digest's digits.

        None is written beyond `largest` bytes, or what a manifest may have.
        """
        largest = max(largest, manifest.LARGEST)
        about, which = f"{self.url}@{digest}", f"docker://{self._name}@{digest}"

        def ask(options: skopeo.Options) -> None:
            skopeo.copy_as_it_is(
                which, directory, options, about, largest=largest, blame=self._blame
            )

        self._asked(about, ask, self._seconds)

    def push(self, layout: str, tag: str) -> None:
        """Have the registry hold what an OCI layout does, under a tag."""
        about, target = f"{self.url}:{tag}", f"docker://{self._name}:{tag}"

        def ask(options: skopeo.Options) -> None:
            skopeo.push(layout, target, options, about, blame=self._blame)

        self._asked(about, ask, self._seconds)

    def _blame(self, complaint: str, about: str) -> Fault:
        return skopeo.verdict(complaint, about, self._verdicts)

    def _asked(
        self,
        about: str,
        question: Callable[[skopeo.Options], T],
        most: float = SILENT_SECONDS,
    ) -> T:
        left = self._deadline - time.monotonic()
        try:
            if left <= 0:
                raise TimedOut("")
            return question(self._options.replace(patience=min(most, left)))
        except TimedOut as error:
            said = f"was not fetched within {self._seconds:g} s"
            if time.monotonic() < self._deadline:
                said = f"the registry has not answered for {most:g} s"
            hint = "look whether the registry is up, and reached from this host"
            raise TimedOut(f"{about}: {said}", hint=hint) from error


@contextlib.contextmanager
def connected(
    source: OciSource,
    seconds: float,
    place: str,
    verdicts: Mapping[Trouble, Verdict] = VERDICTS,
) -> Iterator[Registry]:
    """Yield the registry as the source's credentials open it, for so many seconds in all.

    The password is in no list of processes and on no other disk. `place` is where a directory can
    be made meanwhile, for this Sync alone. `verdicts` say what skopeo's complaints come to.
    """
    check_credentials(source)
    given = source.credentials
    # What fails is asked for again by the next pass, as every source is.
    options = skopeo.Options(
        authfile=given.auth_file, tls_verify=False if source.insecure else None, pauses=()
    )
    if given.password_file:
        options = options.replace(creds=f"{given.username}:{_password(given.password_file)}")
    if not given.ca_file:
        yield Registry(source, options, seconds, verdicts)
        return
    with scratch.emptied(place) as directory:
        os.symlink(given.ca_file, f"{directory}/ca.crt")
        yield Registry(source, options.replace(cert_dir=directory), seconds, verdicts)


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


def _password(path: str) -> str:
    text = secret_files.read(path, LARGEST_PASSWORD).decode(errors="replace")
    word = text.partition("\n")[0].rstrip("\r")
    if not word:
        raise HostFault(f"{path} holds no password")
    return word
