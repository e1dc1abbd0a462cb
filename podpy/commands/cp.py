"""Copy files and directories between this host and a container, as kubectl cp and podman cp do.

A directory that is there takes the source into itself, as with cp -r; SRC/. is what is in SRC. The
container must run, but needs no tar. What comes out belongs to the caller, without links that lead
out of it; what goes in belongs to the container's user.
"""

from __future__ import annotations

import contextlib
import os
import sys

from manifests.faults import HostFault, Invalid
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from podpy.running import Running
    from runtime.file_copy import Manner
    from runtime.paths import Paths

    Opener = Callable[[str, int], int]

EXAMPLES = """
podpy cp web:/var/log/app.log .
podpy cp site web:/srv -c app
podpy cp shop/db:/data/. backup
"""


class Remote(Value):
    """A path in a pod, as a command line names it."""

    pod: str
    path: str
    namespace: str = ""


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", metavar="SRC", help="PATH on this host, or [NAMESPACE/]POD:PATH")
    add("target", metavar="DST", help="the other one of both")
    add("-c", "--container", default="", help="the pod's default one if left out")
    add("-n", "--namespace", default="", help="the pod's; default if left out")


def run(arguments: argparse.Namespace) -> int:
    from podpy import running
    from runtime import file_copy
    from runtime import paths as runtime_paths

    source, target = remote(arguments.source), remote(arguments.target)
    place = source or target
    if place is None or (source and target):
        raise Invalid("cp: one of both is [NAMESPACE/]POD:PATH", hint="podpy cp web:/etc/hosts .")
    namespace = place.namespace or arguments.namespace
    paths = runtime_paths.default()
    found = running.find(paths, place.pod, namespace, arguments.container)
    if target:
        _refuse_itself(paths, found, arguments.source)
    with _inside(found) as (inside, owner):
        if source:
            manner = file_copy.Manner()
            left_out = _copy(inside, source.path, _here, arguments.target, manner)
        else:
            manner = file_copy.Manner(owner=owner, links_out=True)
            left_out = _copy(_here, arguments.source, inside, place.path, manner)
    for line in left_out:
        print(f"Warning: left out: {line}", file=sys.stderr)
    return 0


def remote(word: str) -> Remote | None:
    """Read [NAMESPACE/]POD:PATH, or KIND/NAME:PATH; None for a path on this host. Pure.

    A file with a colon in its name is written ./a:b.
    """
    from manifests import kinds

    pod, colon, path = word.partition(":")
    if not colon or not pod or pod.startswith((".", "/")):
        return None
    if not path:
        raise Invalid(f'cp: "{word}" names no file', hint=f"{word}/etc/hosts")
    first, slash, name = pod.partition("/")
    if slash and first.partition(".")[0].lower() not in kinds.BY_NAME:
        return Remote(pod=name, path=path, namespace=first)
    return Remote(pod=pod, path=path)


def _refuse_itself(paths: Paths, found: Running, source: str) -> None:
    """Refuse a source on this host in which what is written into the container shows up again."""
    path = os.path.realpath(source)
    for own in (paths.pod_disk(found.found.pod.uid), paths.pod(found.found.pod.uid)):
        if os.path.commonpath([path, os.path.realpath(own)]) in (path, os.path.realpath(own)):
            raise Invalid(
                f"cp {source}: the container's own files lie in {own}: it would be copied into"
                " itself without end",
                hint="name what is beside it",
            )


@contextlib.contextmanager
def _inside(found: Running) -> Iterator[tuple[Opener, tuple[int, int]]]:
    """Give what opens the container's files as it sees them itself, and its user and group."""
    import json

    from runtime.kernel import syscalls
    from runtime.oci import container as oci

    process = json.loads(oci.config(found.container))["process"]
    root = os.open(f"/proc/{found.pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Only now is it sure whose root it is: the number may have gone to another process.
        if oci.pid(found.container) != found.pid:
            raise Invalid(f"container {found.container.name} has ended meanwhile")

        def opened(path: str, flags: int) -> int:
            return syscalls.open_in_root(root, os.path.join(process["cwd"], path), flags)

        yield opened, (process["user"]["uid"], process["user"]["gid"])
    finally:
        os.close(root)


def _here(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC)


def _copy(
    source: Opener, path: str, target: Opener, wanted: str, manner: Manner
) -> tuple[str, ...]:
    """Copy what `source` opens at `path` to where `target` opens `wanted`."""
    from runtime import file_copy

    with contextlib.ExitStack() as held:
        try:
            found = source(path, os.O_PATH)
            held.callback(os.close, found)
            into, name = _destination(target, wanted, _own_name(path))
            held.callback(os.close, into)
            return file_copy.copy(found, into, name, manner)
        except OSError as error:
            said = (error.strerror or str(error)).lower()
            raise HostFault(f"cp {path} {wanted}: {said}: {error.filename}") from error


def _own_name(path: str) -> str:
    """The name that a source brings along; "." where only what is in it is meant."""
    name = os.path.basename(path.rstrip("/"))
    return "." if name in ("", ".", "..") else name


def _destination(target: Opener, wanted: str, name: str) -> tuple[int, str]:
    """Return the directory that gets the copy, and the copy's name in it."""
    try:
        return target(wanted, os.O_PATH | os.O_DIRECTORY), name
    except (FileNotFoundError, NotADirectoryError):
        if wanted.endswith("/"):
            raise
    parent, name = os.path.split(wanted)
    return target(parent or ".", os.O_PATH | os.O_DIRECTORY), name
