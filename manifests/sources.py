"""Find and read the files that a command names: paths, directories, standard input and URLs.

    app.yaml      the file, whatever its name ends in
    app/          all *.yaml, *.yml and *.json below it, and Quadlet's unit files, sorted; hidden
                  names are left out
    -             standard input
    quadlet:      the unit files that Podman finds, quadlet:user those of a user
    https://...   fetched, within a deadline and a size; pinned where a sha256 is given

What a text means is manifests.documents.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

from manifests import digests
from manifests.faults import Invalid, Retry, TimedOut
from manifests.problems import Problem, Severity
from manifests.value import Value
from manifests.yaml import limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import BinaryIO

    from manifests.yaml.limits import Limits

SUFFIXES = (".yaml", ".yml", ".json")
UNIT_SUFFIXES = (
    *(".container", ".pod", ".volume", ".network", ".kube", ".image", ".build", ".artifact"),
)
"""Of Quadlet's unit files: those of one source are one manifest (manifests.quadlet)."""
TIMER = ".timer"
"""Ends the name of a unit of systemd's that starts others when it is time."""
VARIABLES = ".env"
"""Ends the name of a file of variables that a unit of a revision names: others are not in it."""
SEARCHES = ("quadlet:", "quadlet:user")
"""Sources that stand for all directories in which Podman looks for units."""
_DROPIN_FOLDERS = tuple(f"{suffix}.d" for suffix in UNIT_SUFFIXES)
FETCH_SECONDS = 60.0
PIPE_SECONDS = 60.0
_CHUNK = 64 * 1024


class Source(Value):
    """Where manifests are, as the user wrote it; `sha256` (hex) pins what a URL must give."""

    location: str
    sha256: str = ""


class File(Value):
    """One file's bytes under the name that messages show."""

    name: str
    data: bytes

    @property
    def digest(self) -> str:
        """Stands for the bytes: what was decoded from the same bytes may be kept by it."""
        return digests.of(self.data)


class Bundle(Value):
    """Files that were read elsewhere, a revision of a Sync; `name` stands for where."""

    name: str
    files: tuple[File, ...]


class FileSet(File):
    """Files that are one manifest together; `members` are those, and the files that they name."""

    members: tuple[File, ...] = ()


class UnitSet(FileSet):
    """The unit files of one source (manifests.quadlet); `data` is all of them.

    `wanted` are the paths of the units that objects are made of, all where it is empty; the others
    are there to be referred to. `on_host`: paths may be relative to the files.
    """

    wanted: tuple[str, ...] = ()
    on_host: bool = True


class ComposeSet(FileSet):
    """A Compose file (manifests.compose); `environ` are the variables that it may name.

    No value shows them: they may be passwords.
    """

    environ: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"ComposeSet(name={self.name!r})"


class TooBigError(Exception):
    """A file that is larger than any manifest."""


def gather(
    sources: Iterable[str | Source | Bundle],
    *,
    stdin: BinaryIO | None = None,
    limit: Limits = limits.DEFAULT,
) -> tuple[tuple[File, ...], tuple[Problem, ...]]:
    """Read the files of all `sources`, in order; what cannot be read is a problem, not the end.

    `stdin` stands for "-", standard input when None. Raises Retry or TimedOut when a URL cannot be
    fetched now, Invalid when it does not exist or is not what its sha256 says.
    """
    files: list[File] = []
    problems: list[Problem] = []
    for given in sources:
        if isinstance(given, Bundle):
            files.extend(_with_sets(given.name, given.files, on_host=False))
            continue
        source = Source(location=given) if isinstance(given, str) else given
        if is_url(source.location):
            files.append(_fetched(source, limit))
            continue
        if source.location in SEARCHES:
            from manifests.quadlet import gathering, search

            units = search.files(source.location, problems)
            files.extend(gathering.with_set(source.location, units, on_host=True, whole=True))
            continue
        found: list[File] = []
        for name in _names(source.location, problems):
            try:
                data = contents(name, stdin, limit.bytes)
                found.append(File(name="stdin" if name == "-" else name, data=data))
            except TooBigError:
                problems.append(_too_big(name, limit))
            except OSError as error:
                problems.append(Problem(file=name, message=f"cannot be read: {error.strerror}"))
        files.extend(_with_sets(source.location, found, on_host=True))
    return tuple(files), tuple(problems)


def _with_sets(name: str, files: Sequence[File], *, on_host: bool) -> Sequence[File]:
    """Return the files of one source, its unit files as one set."""
    if not any(file.name.endswith(UNIT_SUFFIXES) for file in files):
        if on_host and not os.path.isdir(name):
            return files
        return [file for file in files if not is_beside(file.name)]
    from manifests.quadlet import gathering

    return gathering.with_set(name, files, on_host=on_host)


def members(file: File) -> tuple[File, ...]:
    """Return the files that a set is made of; a file that is none is its only one."""
    return file.members if isinstance(file, FileSet) else (file,)


def is_dropin(path: str) -> bool:
    """Whether the file is one that belongs to units: web.container.d/10-more.conf."""
    folder = os.path.basename(os.path.dirname(path))
    return path.endswith(".conf") and f".{folder}".endswith(_DROPIN_FOLDERS)


def is_beside(path: str) -> bool:
    """Whether the file says something only together with units: a drop-in, variables, a timer."""
    return is_dropin(path) or path.endswith((VARIABLES, TIMER))


def is_manifest(path: str) -> bool:
    """Whether a directory's file is read: by its name, in whatever it holds."""
    return path.endswith((*SUFFIXES, *UNIT_SUFFIXES, TIMER)) or is_dropin(path)


def is_url(location: str) -> bool:
    """Whether `location` is fetched rather than opened."""
    return location.startswith(("http://", "https://"))


def _names(location: str, problems: list[Problem]) -> Iterator[str]:
    """Give the files that a path means; a directory without any is worth a warning."""
    if location == "-" or not os.path.isdir(location):
        yield location
        return
    found = False
    for name in walk(location, frozenset(), problems):
        found = True
        yield name
    if not found:
        listed = ", ".join(f"*{suffix}" for suffix in SUFFIXES)
        message = f"holds no {listed} file, and no unit file of Quadlet's"
        problems.append(Problem(file=location, message=message, severity=Severity.WARNING))


def walk(
    directory: str, above: frozenset[tuple[int, int]], problems: list[Problem]
) -> Iterator[str]:
    """Give the manifests below `directory`; a link back to a directory above is not followed."""
    try:
        status = os.stat(directory)
        with os.scandir(directory) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        problems.append(Problem(file=directory, message=f"cannot be read: {error.strerror}"))
        return
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from walk(entry.path, above | {here}, problems)
        # A link that leads nowhere is given too, so that opening it tells; a FIFO would wait.
        elif is_manifest(entry.path) and (entry.is_file() or entry.is_symlink()):
            yield entry.path


def contents(name: str, stdin: BinaryIO | None, most: int) -> bytes:
    """Read a file, or standard input for "-". Raises OSError, and TooBigError above `most`."""
    if name == "-":
        if stdin is None and sys.stdin is None:  # as Python starts where descriptor 0 is closed
            raise OSError(errno.EBADF, "standard input is closed")
        data = (stdin or sys.stdin.buffer).read(most + 1)
    else:
        with open(name, "rb", opener=_opened) as file:
            status = os.fstat(file.fileno())
            if stat.S_ISBLK(status.st_mode):
                raise OSError(0, "is a block device")
            # What is read into is as large as what is asked for; a pipe does not tell its size.
            likely = status.st_size if stat.S_ISREG(status.st_mode) else most
            data = file.read(min(likely, most) + 1)
            if len(data) > likely:  # it grew, or it is one of /proc's, which say 0
                data += file.read(most + 1 - len(data))
    if len(data) > most:
        raise TooBigError
    return data


def _opened(name: str, flags: int) -> int:
    """Open a file; a pipe (mkfifo, or a shell's `<(...)`) once somebody writes into it."""
    descriptor = os.open(name, flags | os.O_NONBLOCK)
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            import select

            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            # Where nobody has opened the other end yet, there is nothing to be told of.
            if not poll.poll(PIPE_SECONDS * 1000):
                raise OSError(0, f"is a pipe into which nobody has written for {PIPE_SECONDS:g} s")
        os.set_blocking(descriptor, True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _too_big(name: str, limit: Limits) -> Problem:
    return Problem(file=name, message=f"is too big: the limit is {limit.bytes // 2**20} MiB")


def _fetched(source: Source, limit: Limits) -> File:
    """Fetch a URL whole. The name shown leaves out a password in it."""
    import hashlib

    scheme, _, rest = source.location.partition("://")
    host, slash, path = rest.partition("/")
    shown = f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
    try:
        data = _download(source.location, shown, limit.bytes)
    except TooBigError as error:
        raise Invalid(f"{shown} {_too_big('', limit).message}") from error
    digest = hashlib.sha256(data).hexdigest()
    if source.sha256 and digest != source.sha256.lower().removeprefix("sha256:"):
        raise Invalid(
            f"{shown} is not what was pinned: its sha256 is {digest}, not {source.sha256}",
            hint="look at what changed there before you pin the new one",
        )
    return File(name=shown, data=data)


def _download(url: str, shown: str, most: int) -> bytes:
    import http.client
    import time
    import urllib.error
    import urllib.request

    deadline = time.monotonic() + FETCH_SECONDS
    request = urllib.request.Request(url, headers={"User-Agent": "podpy"})  # noqa: S310 (is_url)
    data = bytearray()
    try:
        with urllib.request.urlopen(request, timeout=FETCH_SECONDS) as reply:  # noqa: S310 (is_url)
            while chunk := reply.read1(_CHUNK):
                data += chunk
                if len(data) > most:
                    raise TooBigError
                if time.monotonic() > deadline:
                    raise TimeoutError
            # read1 does not tell when the connection ends before the announced length.
            if reply.length:
                raise OSError(0, f"the answer ends {reply.length} bytes too early")
    except TimeoutError as error:
        raise TimedOut(f"{shown} was not fetched within {FETCH_SECONDS:g} s") from error
    except urllib.error.HTTPError as error:
        said = f"cannot fetch {shown}: the server says {error.code} {error.reason}"
        if 400 <= error.code < 500 and error.code not in (408, 429):
            raise Invalid(said, hint="check the address") from error
        raise Retry(said) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            raise TimedOut(f"{shown} was not fetched within {FETCH_SECONDS:g} s") from error
        raise Retry(
            f"cannot fetch {shown}: {getattr(reason, 'strerror', None) or reason}"
        ) from error
    except http.client.HTTPException as error:
        raise Retry(f"cannot fetch {shown}: the server breaks off ({error!r})") from error
    return bytes(data)
