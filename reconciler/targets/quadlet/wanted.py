"""Wished objects in, the files that a Sync wants to have with Quadlet out. Pure."""

from __future__ import annotations

import re

from manifests.faults import Invalid
from manifests.loaded import Loaded, Located
from manifests.value import EMPTY, Value
from reconciler.targets.quadlet import files, units
from renderers.quadlet_keys import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from manifests.problems import Problem
    from manifests.ref import Ref
    from reconciler.plan.wish import Wished
    from renderers.quadlet.unit import File

_ORIGIN = re.compile(rb"# Rendered by podpy render quadlet[^\n]*")


class Wanted(Value):
    """Files by name, whose each is (None: shared by several Syncs), and what of the manifests no
    file carries."""

    files: Mapping[str, File] = EMPTY
    owners: Mapping[str, Ref] = EMPTY
    lost: tuple[Problem, ...] = ()


def make(wished: Sequence[Wished], podman: str) -> Wanted:
    """Return the files for these objects, for a release of Podman.

    Raises Invalid where two objects would have one file, or one would name a Sync.
    """
    brought = next((item for item in wished if item.ref.kind == "Sync"), None)
    if brought is not None:
        raise Invalid(
            f"{brought.where}: {brought.ref}: a Sync with target: quadlet brings no Syncs",
            hint="bring it by one that has another target, or by a file in /etc/podpy/syncs.d",
        )
    made = files.make(_loaded(wished), files.Options(target=Target(podman)))
    return Wanted(
        files={file.name: _told(file, made.owners.get(file.name)) for file in made.files},
        owners=made.owners,
        lost=made.lost,
    )


def lossy(lost: Iterable[Problem]) -> Invalid:
    """Return the fault of a revision of which something would be lost."""
    return Invalid(
        "; ".join(f"{one.file}:{one.line}: {one.object} {one.path}: {one.message}" for one in lost),
        hint="allowUnsupported: true in the Sync has them left out",
    )


def _loaded(wished: Sequence[Wished]) -> Loaded:
    return Loaded(
        objects=tuple(
            Located(
                object=item.object,
                digest=item.digest,
                file=item.file,
                line=item.line,
                index=item.index,
            )
            for item in wished
        ),
        texts={item.file: item.text for item in wished if item.text is not None},
    )


def _told(file: File, of: Ref | None) -> File:
    """Have the first line of a unit say whose it is.

    What `podpy render` says there changes with a line anywhere above the object.
    """
    if units.service(file.name) is None:
        return file
    what = f"for {of}" if of else "for several"
    line = f"# Written by podpy {what}: changes by hand are undone".encode()
    return file.replace(content=_ORIGIN.sub(line, file.content, count=1))
