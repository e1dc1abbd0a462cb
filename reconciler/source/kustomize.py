"""Build a kustomization by the program kustomize, or kubectl: a revision's files in, YAML out.

It sees a copy of the files, no network, no plugin and no setting of this user. What a revision
names outside of itself is refused before the program starts.
"""

from __future__ import annotations

import os
import posixpath
import re

from manifests.faults import HostFault, Invalid
from manifests.yaml import reader
from reconciler.source import scratch
from runtime import proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from manifests.sources import File

SECONDS = 60.0
NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_LISTS = (
    "resources",
    "bases",
    "components",
    "crds",
    "configurations",
    "generators",
    "transformers",
)
_REMOTE = re.compile(r"://|^[^/]+@|^(github|gitlab|bitbucket)\.|[?&]ref=|^[^/]+:")
_NOISE = re.compile(r"^(?:E\d{4} .*? err=|[Ee]rror: )")
_HELM = ("helmCharts", "helmChartInflationGenerator", "helmGlobals")


def build(files: Sequence[File], path: str, place: str) -> bytes:
    """Return what the kustomization at `path` comes to. Raises Invalid or HostFault.

    `place` is a directory that is made for it, on tmpfs, and removed.
    """
    if not any(
        file.name in [f"{path}/{name}" if path else name for name in NAMES] for file in files
    ):
        raise Invalid(
            f'the source has no kustomization at "{path or "."}"',
            hint="spec.path is its directory, from the source's root",
        )
    wrong = [problem for file in files for problem in _foreign(file)]
    if wrong:
        raise Invalid("\n".join(wrong))
    with scratch.emptied(place) as copy:
        for file in files:
            where = f"{copy}/{file.name}"
            os.makedirs(os.path.dirname(where), mode=0o700, exist_ok=True)
            with open(where, "wb") as out:
                out.write(file.data)
        return _run(f"{copy}/{path}".rstrip("/"), copy)


def _run(directory: str, home: str) -> bytes:
    words = program()
    if words is None:
        raise HostFault(
            "neither kustomize nor kubectl is on this host",
            hint="install one of them, or commit what kustomize build prints",
        )
    child = proc.start(
        (*proc.ending_with_podpy(), "unshare", "--net", "--", *words, directory),
        stdout=proc.PIPE,
        stderr=proc.PIPE,
        env={"PATH": proc.SYSTEM_PATH, "HOME": home, "GIT_ALLOW_PROTOCOL": ""},
        new_session=True,
    )
    stdout, stderr = proc.communicate(child, SECONDS, "kustomize")
    if child.returncode:
        said = stderr.decode(errors="replace").replace(f"{home}/", "").strip()
        raise Invalid(f"kustomize: {_NOISE.sub('', said)[-2000:]}")
    return stdout


def program() -> tuple[str, ...] | None:
    """Return the words before the directory; None where the host has no such program."""
    restricted = "--load-restrictor=LoadRestrictionsRootOnly"
    if path := proc.find("kustomize"):
        return path, "build", restricted
    if path := proc.find("kubectl"):
        return path, "kustomize", restricted
    return None


def _foreign(file: File) -> Iterator[str]:
    """Tell of what a kustomization names that is not in its source."""
    if posixpath.basename(file.name) not in NAMES:
        return
    reading = reader.read(file.data.decode(errors="replace"), file.name)
    # What podpy cannot read, the program might.
    yield from map(str, reading.problems)
    for document in reading.documents:
        raw = document.value
        if not isinstance(raw, dict):
            continue
        for key in _HELM:
            if key in raw:
                hint = "commit what helm template prints"
                yield f"{file.name}: {key}: charts are not fetched; {hint}"
        for key in _LISTS:
            listed = raw.get(key)
            for one in listed if isinstance(listed, list) else ():
                if isinstance(one, str) and (why := _outside(file.name, one)):
                    yield f"{file.name}: {key}: {why}"


def _outside(file: str, named: str) -> str:
    if "\n" in named:
        return ""  # a resource that is written where its name could stand
    if _REMOTE.search(named):
        return f'"{named}" is not in the source, and nothing is fetched for it'
    place = posixpath.normpath(posixpath.join(posixpath.dirname(file), named))
    if named.startswith("/") or place == ".." or place.startswith("../"):
        return f'"{named}" leads out of the source'
    return ""
