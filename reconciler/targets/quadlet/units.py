"""What a Quadlet file stands for with systemd: its service, and which others it names. Pure."""

from __future__ import annotations

import re

from manifests.strenum import StrEnum
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from manifests.ref import Ref
    from renderers.quadlet.unit import File

_MADE_OF = {
    "container": "{}.service",
    "kube": "{}.service",
    **{kind: f"{{}}-{kind}.service" for kind in ("pod", "volume", "network", "image", "build")},
}
"""What podman-systemd.unit(5) calls the services that it makes of its files."""


class Role(StrEnum):
    """What is expected of a service.

    POD runs while its containers do; LASTING is started again whenever it ends, ONCE runs and may
    end well, INIT ends before others begin, JOB is a Job's and is done once.
    """

    POD = "pod"
    LASTING = "lasting"
    ONCE = "once"
    INIT = "init"
    JOB = "job"


class Service(Value):
    """A service that runs something: the file it is made of, whose it is, and in which pod.

    `mark` is the file's name by which systemd knows that a Job is done; `probed`: Podman looks
    after the health of the container.
    """

    name: str
    file: str
    of: Ref
    role: Role
    pod: str = ""
    container: str = ""
    mark: str = ""
    probed: bool = False
    image: str = ""
    pull: str = ""


def service(file: str) -> str | None:
    """Return the service that Quadlet makes of a file; None of one that is no unit."""
    stem, _, kind = file.rpartition(".")
    form = _MADE_OF.get(kind) if "/" not in file else None
    return form.format(stem) if form else None


def services(files: Mapping[str, File], owners: Mapping[str, Ref]) -> tuple[Service, ...]:
    """Return the services of pods and containers, in the order of their files."""
    return tuple(
        _service(file, owners[name], service(name) or "")
        for name, file in files.items()
        if name.endswith((".pod", ".container")) and name in owners
    )


def _service(file: File, of: Ref, name: str) -> Service:
    text = file.content.decode()
    pod = _value(text, "Pod")
    mark = _value(text, "ConditionPathExists")
    return Service(
        name=name,
        file=file.name,
        of=of,
        role=_role(file.name, text, of, pod),
        pod=(service(pod) or "") if pod else "",
        container=_value(text, "ContainerName"),
        mark=mark.rpartition("/")[2],
        probed="\nHealthCmd=" in text,
        image=_value(text, "Image"),
        pull=_value(text, "Pull"),
    )


def _role(name: str, text: str, of: Ref, pod: str) -> Role:
    if of.kind == "Job":
        return Role.JOB
    if name.endswith(".pod"):
        return Role.POD
    if pod and _value(text, "Type") == "oneshot":
        return Role.INIT
    return Role.LASTING if _value(text, "Restart") == "always" else Role.ONCE


def _value(text: str, key: str) -> str:
    found = re.search(rf"^{key}=(.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def naming(files: Mapping[str, File], changed: Collection[str]) -> Iterator[str]:
    """Yield the units that name one of these files, or of their directories: they use them."""
    tops = {name.partition("/")[0] for name in changed}
    if not tops:
        return
    words = "|".join(sorted(map(re.escape, tops)))
    sought = re.compile(rf"(?<![\w.-])(?:{words})(?![\w-])".encode())
    for name, file in files.items():
        if service(name) is not None and sought.search(file.content):
            yield name
