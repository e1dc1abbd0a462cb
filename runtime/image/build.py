"""Build an image with buildah and bring it into the store.

buildah keeps its own storage below the store, with the vfs driver and chroot isolation, which work
on every host; what is built leaves it as an OCI layout.
"""

from __future__ import annotations

import os
import sys

from manifests.faults import HostFault, Invalid
from manifests.value import EMPTY
from runtime import proc
from runtime.image import (
    containerfiles,
    export,
    pull,
    reference,
    registries,
    skopeo,
    workspace,
)
from runtime.image.store import spellings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runtime.image.store import Image, Store

BUILD_SECONDS = 3600.0
FILES = ("Containerfile", "Dockerfile")


def workspaces(store: Store) -> str:
    """Where builds work; what killed ones left there is for whoever comes next to sweep."""
    return f"{store.paths.images}/builds"


def build(
    store: Store,
    context: str,
    names: Sequence[str],
    *,
    containerfile: str = "",
    arguments: Mapping[str, str] = EMPTY,
    options: skopeo.Options = pull.DEFAULTS,
) -> Image:
    """Build the Containerfile in the directory `context` and return the image, under all `names`.

    A name without a registry is kept under localhost/, as Podman does. `arguments` are the build's
    ARGs, `options` how it speaks to registries. buildah's output goes to standard error. Images of
    the store that the Containerfile begins with are there for buildah.
    """
    if proc.find("buildah") is None:
        raise HostFault("buildah: not found on this host", hint="apt-get install buildah")
    wanted = [_full(name) for name in names]
    file = containerfile or _containerfile(context)
    text = _read(file)
    workspace.sweep(workspaces(store))
    with workspace.made(workspaces(store)) as space:
        bases = containerfiles.images(text, arguments)
        for number, base in enumerate(bases):
            _hand_over(store, space, base, number)
        given = [
            word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")
        ]
        with skopeo.flags(options, _registries(bases)) as (words, keep):
            _run(space, "build", "--isolation", "chroot", "--layers=false", *words, *given,
                 "-f", file, "-t", wanted[0], context, shown=True, keep=keep)  # fmt: skip
        source = f"oci:{space.path}/out:{wanted[0]}"
        _run(space, "push", "--quiet", wanted[0], source)
        image = pull.pull(store, source)
    store.name(image, tuple(wanted))
    return image


def _full(name: str) -> str:
    wanted = reference.parse(name)
    if wanted.digest:
        raise Invalid(f'image "{name}": a digest is found out by building, not chosen')
    return str(wanted if wanted.registry else reference.parse(f"localhost/{name}"))


def _containerfile(context: str) -> str:
    if not os.path.isdir(context):
        raise Invalid(f"{context}: is no directory", hint="name the one that COPY may take from")
    for name in FILES:
        if os.path.isfile(f"{context}/{name}"):
            return f"{context}/{name}"
    raise Invalid(f"{context}: has neither a Containerfile nor a Dockerfile")


def _read(file: str) -> str:
    try:
        with open(file, encoding="utf-8", errors="replace") as found:
            return found.read()
    except OSError as error:
        raise Invalid(f"{file}: cannot be read: {error.strerror}") from error


def _hand_over(store: Store, space: workspace.Workspace, name: str, number: int) -> None:
    """Put an image of the store into buildah's storage, if it is there."""
    image = store.find(name)
    if image is None or not store.is_whole(image):
        return  # a registry has it, or buildah says that none does
    full = reference.parse(name)
    known = str(full) if full.registry else _name_of(store, image, name)
    layout = f"{space.path}/base-{number}"
    export.write(store, image, known, layout)
    # Not by buildah's pull: it makes a name of the directory's, which ~/.local cannot be part of.
    storage = f"containers-storage:[vfs@{space.path}/root+{space.path}/run]{known}"
    words = ("--insecure-policy", "copy", "--quiet", f"oci:{layout}:{known}", storage)
    _tool(space, ("skopeo", *words), "skopeo copy")


def _registries(names: Iterable[str]) -> set[str]:
    """Where these images may come from."""
    known = registries.read()
    return {
        place.registry
        for name in names
        for place in registries.places(reference.parse(name), known)
    }


def _name_of(store: Store, image: Image, name: str) -> str:
    """The full name by which the store knows a short one."""
    own = [known for known, owner in store.names().items() if owner == image.id]
    return next(spelling for spelling in spellings(name) if spelling in own)


def _run(
    space: workspace.Workspace,
    command: str,
    *words: str,
    shown: bool = False,
    keep: tuple[int, ...] = (),
) -> str:
    """Run buildah on its storage in `space` and return its output; it ends with podpy.

    What a build says is `shown` on standard error while it goes on.
    """
    storage = (
        "--storage-driver", "vfs", "--root", f"{space.path}/root", "--runroot", f"{space.path}/run",
    )  # fmt: skip
    argv = ("buildah", *storage, command, *words)
    return _tool(space, argv, f"buildah {command}", shown=shown, keep=keep)


def _tool(
    space: workspace.Workspace,
    argv: Sequence[str],
    about: str,
    *,
    shown: bool = False,
    keep: tuple[int, ...] = (),
) -> str:
    child = proc.start(
        (*proc.ending_with_podpy(), *argv),
        stdout=sys.stderr.fileno() if shown else proc.PIPE,
        stderr=proc.PIPE,
        pass_fds=(space.lock, *keep),
        new_session=True,
    )
    # Its session is killed with it: what it has started for a RUN, too.
    out, said = proc.communicate(child, BUILD_SECONDS, about)
    complaint = said.decode(errors="replace").strip()
    if child.returncode != 0:
        raise Invalid(
            f"{about} failed: {_last(complaint)}",
            hint="an image that only podpy has must be named as `podpy image ls` names it",
        )
    return (out or b"").decode(errors="replace")


def _last(complaint: str) -> str:
    """What a failed build says last: what came before it has been shown or is skopeo's talk."""
    return "\n".join(complaint.splitlines()[-5:]) or "without a word"
