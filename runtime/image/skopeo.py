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
from runtime.image import auth
from runtime.image.manifest import Platform, platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.image.manifest import Layer

COPY_SECONDS = 1800.0
ASK_SECONDS = 60.0
PAUSES = (0.5, 2.0)

_MISSING = ("manifest unknown", "name unknown", "not found", "no such file", "does not exist")
_DENIED = ("unauthorized", "denied", "authentication required", "forbidden")
_CERTIFICATE = ("x509:", "certificate")


class Options(Value):
    """How registries are spoken to. `creds` is USER[:PASSWORD]; `tls_verify` None lets
    registries.conf decide; `architecture` is [OS/]ARCHITECTURE[/VARIANT], this host's if empty.
    `pauses` are the seconds before each time that a failure which may pass is tried again."""

    authfile: str = ""
    creds: str = ""
    cert_dir: str = ""
    tls_verify: bool | None = None
    architecture: str = ""
    pauses: tuple[float, ...] = PAUSES

    def __repr__(self) -> str:
        return f"Options(authfile={self.authfile!r}, tls_verify={self.tls_verify})"

    @property
    def platform(self) -> Platform:
        return platform(self.architecture)


class Layout(Value):
    """Where an image is copied to: a directory to be made, and the descriptor that locks it.

    skopeo inherits the lock: were podpy killed, nobody takes the directory for abandoned while
    skopeo still writes into it.
    """

    path: str
    lock: int


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


def copy(
    source: str, layout: Layout, options: Options, about: str, have: tuple[Layer, ...]
) -> None:
    """Copy the image into the OCI layout `layout`.

    The layers that podpy `have` already are not sent: skopeo takes a blob of the right name that
    lies in the layout for sent, so an empty file stands for each (holes, no disk).
    """
    blobs = f"{layout.path}/blobs/sha256"
    os.makedirs(blobs, mode=0o700, exist_ok=True)
    for layer in have:
        with open(f"{blobs}/{layer.digest.removeprefix('sha256:')}", "wb") as file:
            file.truncate(layer.size)
    words = ("copy", "--quiet", "--dest-oci-accept-uncompressed-layers", source)
    _run(
        *words, f"oci:{layout.path}:image",
        options=options, about=about, source=source, keep=(layout.lock,),
    )  # fmt: skip


def _ask(source: str, options: Options, about: str, *words: str) -> bytes:
    return _run("inspect", *words, source, options=options, about=about, source=source)


def _run(
    *words: str, options: Options, about: str, source: str, keep: tuple[int, ...] = ()
) -> bytes:
    """Run skopeo, again after a pause where that may help; returns its output.

    It inherits the descriptors in `keep`.
    """
    with _arguments(options, words[0], source) as arguments:
        argv = (*_guarded(), *_general(options), words[0], *arguments, *words[1:])
        seconds = COPY_SECONDS if words[0] == "copy" else ASK_SECONDS
        for pause in (*options.pauses, None):
            status, out, complaint = _once(argv, keep, seconds)
            if status == 0:
                return out
            fault = _worded(complaint, about)
            if pause is None or not isinstance(fault, Retry):
                raise fault
            time.sleep(pause)
    raise AssertionError("unreachable: the last try returns or raises")


def _once(argv: tuple[str, ...], keep: tuple[int, ...], seconds: float) -> tuple[int, bytes, str]:
    """Run skopeo once: its status, its output and what it complained of."""
    child = proc.start(
        argv, stdout=proc.PIPE, stderr=proc.PIPE, env=dict(os.environ), pass_fds=keep
    )
    try:
        out, said = child.communicate(timeout=seconds)
    except BaseException as error:
        child.kill()
        child.communicate()
        if type(error).__name__ != "TimeoutExpired":  # subprocess is behind runtime.proc's door
            raise
        raise TimedOut(f"skopeo did not end within {seconds:g} s") from error
    return child.returncode, out, said.decode(errors="replace").strip()


def _guarded() -> tuple[str, ...]:
    """skopeo's first words: it is to end with podpy, whatever podpy dies of."""
    if proc.find("skopeo") is None:
        raise HostFault("skopeo: not found on this host", hint="apt-get install skopeo")
    return ("setpriv", "--pdeathsig", "KILL", "skopeo") if proc.find("setpriv") else ("skopeo",)


def _general(options: Options) -> tuple[str, ...]:
    words: tuple[str, ...] = () if _has_policy() else ("--insecure-policy",)
    if not options.architecture:
        return words
    wanted = options.platform
    words += ("--override-os", wanted.os, "--override-arch", wanted.architecture)
    return (*words, "--override-variant", wanted.variant) if wanted.variant else words


def _has_policy() -> bool:
    """Whether this host says which signatures it wants; without a word skopeo would refuse all."""
    home = os.path.expanduser("~/.config/containers/policy.json")
    return os.path.exists(home) or os.path.exists("/etc/containers/policy.json")


@contextlib.contextmanager
def _arguments(options: Options, command: str, source: str) -> Iterator[tuple[str, ...]]:
    """skopeo's words for the options: `copy` has two sides and calls this one "src-"."""
    prefix = "src-" if command == "copy" else ""
    words: list[str] = []
    with contextlib.ExitStack() as stack:
        authfile = options.authfile
        if options.creds:
            registry = source.removeprefix("docker://").partition("/")[0]
            authfile = stack.enter_context(auth.file_for(options.creds, registry))
        if authfile:
            words += ["--authfile", authfile]
        if options.cert_dir:
            words += [f"--{prefix}cert-dir", options.cert_dir]
        if options.tls_verify is not None:
            words.append(f"--{prefix}tls-verify={str(options.tls_verify).lower()}")
        yield tuple(words)


def _worded(complaint: str, about: str) -> Fault:
    said = _plain(complaint)
    lower = said.lower()
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
    if "no space left" in lower:
        return HostFault(f'image "{about}": {said}', hint="podpy image prune --all")
    return Retry(f'image "{about}": cannot be pulled: {said}', hint="the next pass tries again")


def _plain(complaint: str) -> str:
    """The message of skopeo's last log line."""
    last = (complaint.splitlines() or ["skopeo failed without a word"])[-1]
    _, marker, message = last.partition("msg=")
    return message.strip('"').replace('\\"', '"') if marker else last
