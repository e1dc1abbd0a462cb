"""Ask registries and archives through skopeo: an image's manifest, configuration, blobs.

Called by runtime.image.pull. Credentials reach skopeo in a file, its words on a failure become a
fault: is the image wrong (Invalid), or may the next try succeed (Retry)? skopeo 1.9 is enough.
"""

from __future__ import annotations

import contextlib
import json
import os
import time

from manifests.faults import Fault, HostFault, Invalid, Retry, TimedOut
from manifests.value import Value
from runtime import proc
from runtime.image import auth, registries
from runtime.image.manifest import Platform, platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    from runtime.image.manifest import Layer
    from runtime.image.workspace import Workspace

    T = TypeVar("T")

PROXY = "experimental-image-proxy"
COPY_SECONDS = 1800.0
LARGEST_HOLE = 1 << 40
"""A size that file systems take: what a manifest says of a blob may be anything."""
PAUSES = (0.5, 2.0)

_MISSING = (
    "manifest unknown", "name unknown", "not found", "no such file", "does not exist",
    "does not resolve to an image", "no descriptor found",
)  # fmt: skip
_NO_ARCHIVE = ("invalid tar header",)
_REJECTED = ("rejected by policy", "signature")
_DENIED = ("unauthorized", "denied", "authentication required", "forbidden")
_CERTIFICATE = ("x509:", "certificate")


class Options(Value):
    """How registries are spoken to. `creds` is USER[:PASSWORD]; `tls_verify` None lets
    registries.conf decide; `architecture` is [OS/]ARCHITECTURE[/VARIANT], this host's if empty.
    `patience` is for how many seconds a registry may be silent; `pauses` are the seconds before
    each time that a failure which may pass is tried again."""

    authfile: str = ""
    creds: str = ""
    cert_dir: str = ""
    tls_verify: bool | None = None
    architecture: str = ""
    patience: float = 60.0
    pauses: tuple[float, ...] = PAUSES

    def __repr__(self) -> str:
        return f"Options(authfile={self.authfile!r}, tls_verify={self.tls_verify})"

    @property
    def platform(self) -> Platform:
        return platform(self.architecture)


class Command(Value):
    """Words to start skopeo with, and the descriptors that it inherits."""

    argv: tuple[str, ...]
    keep: tuple[int, ...] = ()
    options: Options


def manifest(source: str, options: Options, about: str) -> bytes:
    """Return the manifest or index of `source` (TRANSPORT:LOCATION) as its registry has it."""
    return _ask(source, options, about, "--raw")


def configuration(source: str, options: Options, about: str) -> bytes:
    """Return the configuration of the image `source`, byte by byte what its digest names."""
    return _ask(source, options, about, "--config", "--raw")


def tags(source: str, options: Options, about: str) -> tuple[str, ...]:
    """Return the names of the images in a docker-archive."""
    found = json.loads(_run("list-tags", source, options=options, about=about, source=source))
    return tuple(found.get("Tags") or ())


@contextlib.contextmanager
def proxy(source: str, options: Options) -> Iterator[Command]:
    """Yield what to start skopeo's proxy with, for images of the registry that `source` names."""
    with _command(options, PROXY, source) as command:
        yield command


def copy(
    source: str, layout: Workspace, options: Options, about: str, have: tuple[Layer, ...]
) -> None:
    """Copy the image into the OCI layout `layout`, whose lock skopeo inherits.

    The layers that podpy `have` already are not sent: skopeo takes a blob of the right name that
    lies in the layout for sent, so an empty file stands for each (holes, no disk).
    """
    blobs = f"{layout.path}/blobs/sha256"
    os.makedirs(blobs, mode=0o700, exist_ok=True)
    for layer in have:
        with open(f"{blobs}/{layer.digest.removeprefix('sha256:')}", "wb") as file:
            file.truncate(min(layer.size, LARGEST_HOLE))
    words = ("copy", "--quiet", "--dest-oci-accept-uncompressed-layers", source)
    _run(
        *words, f"oci:{layout.path}:image",
        options=options, about=about, source=source, keep=(layout.lock,),
    )  # fmt: skip


def again_after_a_pause(attempt: Callable[[], T], pauses: tuple[float, ...]) -> T:
    """Return what `attempt` returns; a failure that may pass is tried again, a deadline is not."""
    for pause in pauses:
        try:
            return attempt()
        except TimedOut:
            raise
        except Retry:
            time.sleep(pause)
    return attempt()


def _ask(source: str, options: Options, about: str, *words: str) -> bytes:
    return _run("inspect", *words, source, options=options, about=about, source=source)


def _run(
    *words: str, options: Options, about: str, source: str, keep: tuple[int, ...] = ()
) -> bytes:
    """Run skopeo, again after a pause where that may help; returns its output.

    It inherits the descriptors in `keep`.
    """
    with _command(options, words[0], source) as command:
        whole = command.replace(argv=(*command.argv, *words[1:]), keep=(*command.keep, *keep))
        seconds = COPY_SECONDS if words[0] == "copy" else options.patience
        return again_after_a_pause(lambda: _once(whole, seconds, about), options.pauses)


def _once(command: Command, seconds: float, about: str) -> bytes:
    """Run skopeo once and return its output; raises what it complained of."""
    child = proc.start(command.argv, stdout=proc.PIPE, stderr=proc.PIPE, pass_fds=command.keep)
    try:
        out, said = proc.communicate(child, seconds, about)
    except TimedOut as error:
        raise silent(about, seconds) from error
    if child.returncode != 0:
        raise worded(said.decode(errors="replace").strip(), about)
    return out


def _guarded() -> tuple[str, ...]:
    """skopeo's first words: it is to end with podpy, whatever podpy dies of."""
    if proc.find("skopeo") is None:
        raise HostFault("skopeo: not found on this host", hint="apt-get install skopeo")
    return (*proc.ending_with_podpy(), "skopeo")


def _general(options: Options) -> tuple[str, ...]:
    # Without a word on which signatures it wants, skopeo would refuse all images.
    words: tuple[str, ...] = () if os.path.exists(_policy()) else ("--insecure-policy",)
    if conf := registries.in_place_of_the_hosts():
        words += ("--registries-conf", conf)  # skopeo itself does not look at the variable
    if not options.architecture:
        return words
    wanted = options.platform
    words += ("--override-os", wanted.os, "--override-arch", wanted.architecture)
    return (*words, "--override-variant", wanted.variant) if wanted.variant else words


def trusts_every_image() -> bool:
    """Whether this host asks for no signatures: then images need not go through `skopeo copy`.

    skopeo's proxy looks at signatures only from 1.13 on.
    """
    try:
        with open(_policy(), encoding="utf-8") as file:
            said = json.load(file)
        scopes = [said["default"]]
        for transport in said.get("transports", {}).values():
            scopes.extend(transport.values())
        return all(wish["type"] == "insecureAcceptAnything" for scope in scopes for wish in scope)
    except FileNotFoundError:
        return True
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False  # `skopeo copy` reads it, too, and says what is wrong with it


def _policy() -> str:
    home = os.path.expanduser("~/.config/containers/policy.json")
    return home if os.path.exists(home) else "/etc/containers/policy.json"


@contextlib.contextmanager
def _command(options: Options, command: str, source: str) -> Iterator[Command]:
    """skopeo's first words and flags; `copy` has two sides and calls this one "src-"."""
    registry = source.removeprefix("docker://").partition("/")[0]
    with flags(options, (registry,), "src-" if command == "copy" else "") as (words, keep):
        argv = (*_guarded(), *_general(options), command, *words)
        yield Command(argv=argv, keep=keep, options=options)


@contextlib.contextmanager
def flags(
    options: Options, registries: Iterable[str], prefix: str = ""
) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Yield how to say the options to skopeo or buildah, and what the child inherits for it.

    A login counts for `registries`.
    """
    words: list[str] = []
    keep: tuple[int, ...] = ()
    with contextlib.ExitStack() as stack:
        authfile = options.authfile
        if options.creds:
            descriptor = stack.enter_context(auth.file_for(options.creds, registries))
            authfile, keep = auth.path(descriptor), (descriptor,)
        if authfile:
            words += ["--authfile", authfile]
        if options.cert_dir:
            words += [f"--{prefix}cert-dir", options.cert_dir]
        if options.tls_verify is not None:
            words.append(f"--{prefix}tls-verify={str(options.tls_verify).lower()}")
        yield tuple(words), keep


def silent(about: str, seconds: float) -> TimedOut:
    """The fault of a registry that does not answer."""
    return TimedOut(
        f'image "{about}": its registry has not answered for {seconds:g} s',
        hint="is it up, and is this its address? The next pass tries again",
    )


def worded(complaint: str, about: str) -> Fault:
    """The fault that skopeo's complaint is about the image `about`."""
    said = _plain(complaint)
    lower = said.lower()
    if any(sign in lower for sign in _REJECTED):
        return Invalid(
            f'image "{about}": not trusted: {said}',
            hint="this host's policy.json says which signatures it wants",
        )
    if any(sign in lower for sign in _DENIED):
        return Invalid(
            f'image "{about}": access refused: {said}',
            hint="log in with `skopeo login`, or give --authfile or --creds",
        )
    if "http: server gave http response to https client" in lower:
        return Invalid(
            f'image "{about}": the registry speaks plain HTTP',
            hint="use --tls-verify=false, or mark it insecure in registries.conf",
        )
    if any(sign in lower for sign in _CERTIFICATE):
        return Invalid(
            f'image "{about}": the registry\'s certificate is not trusted: {said}',
            hint="give its CA with --cert-dir",
        )
    if "no such host" not in lower and any(sign in lower for sign in _MISSING):
        return Invalid(f'image "{about}": does not exist: {said}', hint="check name and tag")
    if any(sign in lower for sign in _NO_ARCHIVE):
        return Invalid(
            f'image "{about}": is no archive of that kind: {said}',
            hint="one that is compressed as a whole must be decompressed first",
        )
    if "no space left" in lower:
        return HostFault(f'image "{about}": {said}', hint="podpy image prune --all")
    return Retry(f'image "{about}": cannot be pulled: {said}', hint="the next pass tries again")


def _plain(complaint: str) -> str:
    """The message of skopeo's last log line."""
    last = (complaint.splitlines() or ["skopeo failed without a word"])[-1]
    _, marker, message = last.partition("msg=")
    if message.startswith('"') and message.endswith('"'):
        message = message[1:-1].replace('\\"', '"')
    said = message if marker else last
    if said.startswith("Error parsing image name "):  # its front says what "image" says already
        said = said.partition('": ')[2] or said
    return said
