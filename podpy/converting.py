"""For `podpy convert`: sources in whatever form in, objects out; objects in, files of YAML out."""

from __future__ import annotations

import os
import sys

from manifests import kinds, load
from manifests.faults import Invalid
from manifests.meta import DEFAULT_NAMESPACE
from manifests.problems import Severity
from manifests.sources import Bundle
from renderers import yaml_text
from renderers.quadlet.unit import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from manifests.kinds import Object
    from manifests.loaded import Loaded

_UNITS = (".container", ".pod", ".volume", ".network", ".kube", ".timer", ".service")


def load_all(sources: Sequence[str], namespace: str, *, rendered: bool) -> Loaded:
    """Load what sources hold; what podpy does not honour of it is a warning, as it is lost."""
    options = load.KUBE_PLAY.replace(
        namespace=namespace, missing=Severity.WARNING, rendered=rendered
    )
    return load.load([_source(one) for one in sources], options)


def _source(location: str) -> str | Bundle:
    """Return a source as it is, or the Compose file that it means."""
    from manifests.compose import gathering

    found = gathering.find(location, os.environ)
    return location if found is None else Bundle(name=location, files=(found,))


def kubernetes(loaded: Loaded, namespace: str) -> tuple[File, ...]:
    """Return a file of YAML for each object, in the order in which they are applied."""
    things = sorted(
        (located.object for located in loaded.objects),
        key=lambda thing: (kinds.ORDER[thing.kind], str(kinds.ref(thing))),
    )
    return tuple(_file(thing, namespace) for thing in things)


def quadlet(loaded: Loaded, podman: str, *, user: bool) -> tuple[tuple[File, ...], int]:
    """Return the files of Quadlet for a release of Podman, and how many fields are lost: each is
    told on stderr."""
    from reconciler.targets.quadlet import files as quadlet_files
    from renderers import quadlet_keys

    rendering = quadlet_files.Options(target=quadlet_keys.Target(podman), user=user)
    files, lost = quadlet_files.render(loaded, rendering)
    for problem in lost:
        print(problem.shown, file=sys.stderr)
    return files, len(lost)


def _file(thing: Object, namespace: str) -> File:
    raw = kinds.dump(thing)
    metadata = raw["metadata"]
    if not namespace and metadata.get("namespace") == DEFAULT_NAMESPACE:
        del metadata["namespace"]
    front = f"{metadata['namespace']}-" if "namespace" in metadata else ""
    secret = thing.kind == "Secret"
    return File(
        name=f"{front}{metadata['name']}.{thing.kind.lower()}.yaml",
        content=yaml_text.dumps(raw).encode(),
        mode=0o600 if secret else 0o644,
    )


def in_one(files: Sequence[File]) -> str:
    """Return files as one text: documents of YAML, or Podman's form for several units."""
    parts = []
    for file in files:
        stem, _, suffix = file.name.rpartition(".")
        if suffix == "yaml":
            parts.append(file.content.decode())
        elif f".{suffix}" in _UNITS and "/" not in file.name:
            parts.append(f"# FileName={stem}\n{file.content.decode()}")
        else:
            raise Invalid(f"{file.name} is no unit, and has no place in one text", hint="-o DIR")
    return "---\n".join(parts)
