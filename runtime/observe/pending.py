"""Read and write the pods that are wanted and could not be made: a state each, with why not.

They look like pods whose containers wait, so what shows pods can show them; nothing else takes
them for pods. A pod is in two places while its record is being forgotten, or where one that it was
to replace runs on: what the host has counts.
"""

from __future__ import annotations

import os

from manifests import codec
from manifests.observed import PodState
from runtime import files
from runtime.paths import fitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.pod import Pod
    from runtime.paths import Paths

_END = ".json"


def write(paths: Paths, state: PodState) -> None:
    """Save the pod, in place of what was saved of one of its name."""
    os.makedirs(paths.pending, mode=0o700, exist_ok=True)
    files.write_json(_path(paths, state.pod), codec.encode(state))


def read(paths: Paths) -> tuple[PodState, ...]:
    """Return all of them; a file that podpy did not write is passed over."""
    try:
        names = sorted(name for name in os.listdir(paths.pending) if name.endswith(_END))
    except FileNotFoundError:
        return ()
    found = (_restored(files.read_json(f"{paths.pending}/{name}")) for name in names)
    return tuple(state for state in found if state is not None)


def beside(paths: Paths, there: Iterable[PodState]) -> tuple[PodState, ...]:
    """Return those that are not among the pods `there`."""
    known = {_key(state.pod) for state in there}
    return tuple(state for state in read(paths) if _key(state.pod) not in known)


def remove(paths: Paths, pod: Pod) -> None:
    """Forget the pod; gone already is success."""
    files.unlink(_path(paths, pod))


def _restored(raw: object) -> PodState | None:
    try:
        return None if raw is None else codec.restore(PodState, raw)
    except ValueError:
        return None


def _key(pod: Pod) -> tuple[str, str]:
    return pod.metadata.namespace, pod.metadata.name


def _path(paths: Paths, pod: Pod) -> str:
    return f"{paths.pending}/{fitted('_'.join(_key(pod)), _END)}"
