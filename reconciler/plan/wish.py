"""What a plan starts from: the wished objects, and what is remembered of earlier ones."""

from __future__ import annotations

from manifests import kinds
from manifests.ref import Ref
from manifests.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from manifests.kinds import Object
    from manifests.loaded import Elsewhere
    from manifests.places import Text
    from manifests.problems import FieldPath


class Wished(Value):
    """One object that the user wants, and where it is written: the `index`-th of its file.

    `text` is the file itself, where there is one.
    """

    ref: Ref
    object: Object
    digest: str
    file: str = ""
    line: int = 0
    index: int = 0
    text: Text | None = None

    @classmethod
    def of(cls, thing: Object, digest: str, file: str = "", line: int = 0) -> Self:
        """The wish for `thing`; `digest` tells whether it is as it was."""
        return cls(ref=kinds.ref(thing), object=thing, digest=digest, file=file, line=line)

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}" if self.file else ""

    def where_of(self, path: FieldPath) -> str:
        """Return where a field is written, or the nearest one above it."""
        return self._at(path)

    def where_in_pod(self, path: FieldPath) -> str:
        """Return where a field of the object's pods is written: in its template, or on itself."""
        part = kinds.pod_part(self.object)
        return self._at((*part[2][:-1], *path), path) if part else self.where

    def _at(self, *paths: FieldPath) -> str:
        file, line = self.text.where(self.index, paths) if self.text else ("", 0)
        return f"{file}:{line}" if line else self.where


class Remembered(Value):
    """One object as it was applied: `body` is its JSON text. A Secret comes without its content."""

    body: str
    digest: str
    applyset: str

    @property
    def object(self) -> Object:
        """The object itself, decoded each time: few of many are ever asked for."""
        import json

        return kinds.load(json.loads(self.body))


class Wish(Value):
    """The wished objects and how to take them.

    `applyset` names the source, `also` those whose objects go with its own; with `prune` an object
    that the source brought before and no longer holds is removed. `recreate` makes every pod anew,
    changed or not. `digests` gives the digest of every ConfigMap and Secret that a pod may show,
    wished or remembered. `elsewhere` are objects of the source that are for other hosts, and so
    count as absent.
    """

    objects: tuple[Wished, ...]
    applyset: str = ""
    also: frozenset[str] = frozenset()
    prune: bool = False
    recreate: bool = False
    remembered: Mapping[Ref, Remembered] = EMPTY
    digests: Mapping[Ref, str] = EMPTY
    elsewhere: tuple[Elsewhere, ...] = ()

    def owns(self, item: Remembered) -> bool:
        """Tell whether an object was brought from here, or from what goes with it."""
        return bool(self.applyset) and item.applyset in (self.applyset, *self.also)

    @property
    def gone(self) -> tuple[Ref, ...]:
        """The objects that the source has brought, and holds no longer."""
        wanted = {item.ref for item in self.objects}
        return tuple(
            ref for ref, item in self.remembered.items() if self.owns(item) and ref not in wanted
        )

    @property
    def pruned(self) -> tuple[Ref, ...]:
        """Those of them that are to be removed now."""
        return self.gone if self.prune else ()
