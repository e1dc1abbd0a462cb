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
from manifests.strenum import StrEnum
from manifests.value import Value
from runtime import proc
from runtime.image import auth, registries
from runtime.image.manifest import Platform, platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TypeAlias, TypeVar

    from runtime.image.manifest import Layer
    from runtime.image.workspace import Workspace

    T = TypeVar("T")
    Blame: TypeAlias = Callable[[str, str], Fault]
    Verdict: TypeAlias = tuple[type[Fault], str, str]

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


class Trouble(StrEnum):
    """What skopeo complains of."""

    UNTRUSTED = "not trusted"
    DENIED = "access refused"
    PLAIN_HTTP = "plain HTTP"
    CERTIFICATE = "certificate"
    MISSING = "does not exist"
    NO_ARCHIVE = "no archive"
    NO_SPACE = "no space"
    TOO_MUCH = "more than was announced"
    OTHER = "other"


def manifest(source: str, options: Options, about: str, *, blame: Blame | None = None) -> bytes:
    """Return the manifest or index of `source` (TRANSPORT:LOCATION) as its registry has it.

    `blame` makes a fault of skopeo's complaint, in other words than those of an image.
    """
    words = ("inspect", "--raw", source)
    return _run(*words, options=options, about=about, source=source, blame=blame)


def configuration(source: str, options: Options, about: str) -> bytes:
    """Return the configuration of the image `source`, byte by byte what its digest names."""
    words = ("inspect", "--config", "--raw", source)
    return _run(*words, options=options, about=about, source=source)


def tags(
    source: str, options: Options, about: str, *, blame: Blame | None = None
) -> tuple[str, ...]:
    """Return the names of the images in a docker-archive, or the tags of a repository."""
    words = ("list-tags", source)
    told = _run(*words, options=options, about=about, source=source, blame=blame)
    return tuple(json.loads(told).get("Tags") or ())


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
        options=options, about=about, source=source, keep=(layout.lock,), seconds=COPY_SECONDS,
    )  # fmt: skip


def copy_as_it_is(
    source: str, directory: str, options: Options, about: str, *, largest: int, blame: Blame
) -> None:
    """Copy manifest and blobs of `source`, whatever they are, into `directory`.

    A blob's file is named by the digits of its digest. None is written beyond `largest` bytes. It
    takes `options.patience` seconds at most.
    """
    bounds = ("prlimit", f"--fsize={largest}") if proc.find("prlimit") else ()
    words = ("copy", "--quiet", source, f"dir:{directory}")
    _run(*words, options=options, about=about, source=source, blame=blame, before=bounds)


def push(layout: str, target: str, options: Options, about: str, *, blame: Blame) -> None:
    """Copy what the OCI layout holds to `target` (docker://...), byte by byte as it is.

    It takes `options.patience` seconds at most.
    """
    words = ("copy", "--quiet", f"oci:{layout}", target)
    _run(*words, options=options, about=about, source=target, side="dest-", blame=blame)


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


def _run(
    *words: str,
    options: Options,
    about: str,
    source: str,
    keep: tuple[int, ...] = (),
    seconds: float = 0.0,
    blame: Blame | None = None,
    before: tuple[str, ...] = (),
    side: str = "",
) -> bytes:
    """Run skopeo, again after a pause where that may help; returns its output.

    It inherits the descriptors in `keep`, and has `options.patience` unless `seconds` are given.
    The words `before` it start it. `source` is what it asks, or with the `side` "dest-" tells.
    """
    with _command(options, words[0], source, side) as command:
        argv = (*before, *command.argv, *words[1:])
        whole = command.replace(argv=argv, keep=(*command.keep, *keep))

        def attempt() -> bytes:
            return _once(whole, seconds or options.patience, about, blame or worded)

        return again_after_a_pause(attempt, options.pauses)


def _once(command: Command, seconds: float, about: str, blame: Blame) -> bytes:
    """Run skopeo once and return its output; raises what it complained of."""
    child = proc.start(command.argv, stdout=proc.PIPE, stderr=proc.PIPE, pass_fds=command.keep)
    try:
        out, said = proc.communicate(child, seconds, about)
    except TimedOut as error:
        raise silent(about, seconds) from error
    if child.returncode != 0:
        raise blame(said.decode(errors="replace").strip(), about)
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
def _command(options: Options, command: str, source: str, side: str = "") -> Iterator[Command]:
    """skopeo's first words and flags; `copy` has two sides, and the first is "src-"."""
    registry = source.removeprefix("docker://").partition("/")[0]
    with flags(options, (registry,), side or ("src-" if command == "copy" else "")) as found:
        words, keep = found
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


def trouble(complaint: str) -> tuple[Trouble, str]:
    """Return what skopeo complains of, and its message."""
    said = _plain(complaint)
    lower = said.lower()
    if "SIGXFSZ" in complaint or "file too large" in lower:
        return Trouble.TOO_MUCH, said
    if "http: server gave http response to https client" in lower:
        return Trouble.PLAIN_HTTP, said
    signs = (
        (Trouble.UNTRUSTED, _REJECTED),
        (Trouble.DENIED, _DENIED),
        (Trouble.CERTIFICATE, _CERTIFICATE),
        (Trouble.MISSING, () if "no such host" in lower else _MISSING),
        (Trouble.NO_ARCHIVE, _NO_ARCHIVE),
        (Trouble.NO_SPACE, ("no space left",)),
    )
    found = (what for what, known in signs if any(sign in lower for sign in known))
    return next(found, Trouble.OTHER), said


VERDICTS: dict[Trouble, Verdict] = {
    Trouble.UNTRUSTED: (
        Invalid,
        "not trusted: {}",
        "this host's policy.json says which signatures it wants",
    ),
    Trouble.DENIED: (
        Invalid,
        "access refused: {}",
        "log in with `skopeo login`, or give --authfile or --creds",
    ),
    Trouble.PLAIN_HTTP: (
        Invalid,
        "the registry speaks plain HTTP",
        "use --tls-verify=false, or mark it insecure in registries.conf",
    ),
    Trouble.CERTIFICATE: (
        Invalid,
        "the registry's certificate is not trusted: {}",
        "give its CA with --cert-dir",
    ),
    Trouble.MISSING: (Invalid, "does not exist: {}", "check name and tag"),
    Trouble.NO_ARCHIVE: (
        Invalid,
        "is no archive of that kind: {}",
        "one that is compressed as a whole must be decompressed first",
    ),
    Trouble.NO_SPACE: (HostFault, "{}", "podpy image prune --all"),
    Trouble.TOO_MUCH: (Invalid, "a blob is larger than its manifest says", ""),
    Trouble.OTHER: (Retry, "cannot be pulled: {}", "the next pass tries again"),
}
"""What each comes to for an image: the fault, its words around skopeo's own, and the hint."""


def worded(complaint: str, about: str) -> Fault:
    """The fault that skopeo's complaint is about the image `about`."""
    return verdict(complaint, f'image "{about}"', VERDICTS)


def verdict(complaint: str, about: str, verdicts: Mapping[Trouble, Verdict]) -> Fault:
    """The fault that a complaint is about something."""
    what, said = trouble(complaint)
    fault, words, hint = verdicts[what]
    return fault(f"{about}: {words.format(said)}", hint=hint)


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
