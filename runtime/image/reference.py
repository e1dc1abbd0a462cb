"""Read image names as Docker and Podman read them. Pure.

    nginx                     -> docker.io/library/nginx:latest  (a short name: see registries)
    localhost/web:1           -> as it is
    reg.example:5000/a@sha256:... -> by digest
    oci:DIR[:NAME], docker-archive:FILE, containers-storage:NAME ... -> from there

Grammar: distribution/reference, and containers-transports(5).
"""

from __future__ import annotations

from manifests.faults import Invalid
from manifests.value import Value

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
TRANSPORTS = ("docker", "oci", "oci-archive", "docker-archive", "dir", "containers-storage")

# Compiled when a name is read; most commands import this and read none.
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_HOST = r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_HEX = "0123456789abcdef"


class Reference(Value):
    """A name in a registry; `registry` is empty for a short name. One of tag and digest is set."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        front = f"{self.registry}/" if self.registry else ""
        if self.digest:
            return f"{front}{self.repository}@{self.digest}"
        return f"{front}{self.repository}:{self.tag}"


class Source(Value):
    """Where an image comes from: a transport of skopeo's and what it wants to know."""

    transport: str
    location: str

    def __str__(self) -> str:
        return f"{self.transport}:{self.location}"


def source(text: str) -> Source | None:
    """Return the source when `text` begins with a transport; None for a plain name.

    `docker://NAME` is a plain name.
    """
    transport, colon, location = text.partition(":")
    if not colon or transport not in TRANSPORTS or transport == "docker":
        return None
    if not location:
        raise _wrong(text, f'names nothing after "{transport}:"')
    return Source(transport=transport, location=location)


def parse(text: str) -> Reference:
    """Return the reference that `text` names. Raises Invalid with what is wrong with it."""
    import re

    rest = text.removeprefix("docker://")
    rest, _, digest = rest.partition("@")
    if digest and not is_digest(digest):
        raise _wrong(text, f'"{digest}" is no sha256 digest')
    first, slash, remainder = rest.partition("/")
    registry = ""
    if slash and (first == "localhost" or "." in first or ":" in first):
        if not re.fullmatch(_HOST, first):
            raise _wrong(text, f'"{first}" is no registry')
        registry, rest = first, remainder
    repository, colon, tag = rest.partition(":")
    if colon and not re.fullmatch(_TAG, tag):
        raise _wrong(text, f'"{tag}" is no tag')
    for component in repository.split("/"):
        if not re.fullmatch(_COMPONENT, component):
            hint = "write it in lower case" if component != component.lower() else ""
            raise _wrong(text, f'"{component}" cannot be part of a name', hint)
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        repository = f"library/{repository}"
    # A digest says exactly what is meant; a tag beside it is for people.
    return Reference(
        registry=registry,
        repository=repository,
        tag="" if digest else tag or DEFAULT_TAG,
        digest=digest,
    )


def is_digest(text: str) -> bool:
    """Whether `text` is `sha256:` and 64 hex digits."""
    digits = text.removeprefix("sha256:")
    return digits != text and len(digits) == 64 and digits.strip(_HEX) == ""


def candidates(reference: Reference, registries: tuple[str, ...]) -> tuple[Reference, ...]:
    """Return where a short name may be found, in order; a full name only where it says."""
    if reference.registry:
        return (reference,)
    return tuple(parse(f"{registry}/{reference}") for registry in registries)


def _wrong(text: str, why: str, hint: str = "") -> Invalid:
    return Invalid(f'image "{text}": {why}', hint=hint, reason="InvalidImageName")
