"""Say which of a pod's containers waits for which: init containers, sidecars, others. Pure.

systemd fails the start of what requires a unit that fails, even where that is tried again and
succeeds later; so an init container starts what comes after it, too, once it has succeeded.
"""

from __future__ import annotations

from manifests.strenum import StrEnum
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container
    from manifests.problems import FieldPath
    from renderers.quadlet.rendering import Rendering


class Role(StrEnum):
    INIT = "init container"
    SIDECAR = "sidecar"
    MAIN = "container"


class Step(Value):
    """A container with its place; `required` must have succeeded, `wanted` must run.

    `following` are started once it has succeeded. All are names of units, without their suffix.
    """

    path: FieldPath
    name: str
    role: Role
    container: Container
    required: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    following: tuple[str, ...] = ()


def steps(rendering: Rendering) -> tuple[Step, ...]:
    """Return the pod's containers in the order of their starts."""
    spec, stem = rendering.spec, rendering.source.stem
    found: list[Step] = []
    required: list[str] = []
    wanted: list[str] = []
    mains = tuple(f"{stem}-{one.name}" for one in spec.containers)
    for index, one in enumerate(spec.init_containers):
        name = f"{stem}-{one.name}"
        role = Role.INIT if one.restart_policy is None else Role.SIDECAR
        later = spec.init_containers[index + 1 :]
        following = (f"{stem}-{later[0].name}",) if later else mains
        found.append(
            Step(
                path=("initContainers", index),
                name=name,
                role=role,
                container=one,
                required=tuple(required),
                wanted=tuple(wanted),
                following=following if role is Role.INIT else (),
            )
        )
        (required if role is Role.INIT else wanted).append(name)
    for index, one in enumerate(spec.containers):
        found.append(
            Step(
                path=("containers", index),
                name=mains[index],
                role=Role.MAIN,
                container=one,
                required=tuple(required),
                wanted=tuple(wanted),
            )
        )
    return tuple(found)
