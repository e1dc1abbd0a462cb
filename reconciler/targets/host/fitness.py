"""Find what keeps this host from making any pod: every reason, before anything is changed.

A pass asks `unfit` when it is about to make pods; `podpy doctor` asks the parts. What is tried is
tried once a boot: that a runtime is remembered says that all trials went well.
"""

from __future__ import annotations

import os

from manifests.faults import Fault, HostFault
from manifests.value import Value
from reconciler.targets.host import networks
from runtime import locks, proc, space

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.targets.host.base import Base
    from reconciler.workloads.expand import WantedPod
    from runtime.kernel.inside import Inside
    from runtime.paths import Paths

POD_BYTES, POD_INODES = 64 << 10, 24
"""What making a pod takes of each file system: its directories, its files in /etc, its log."""
SPARE_BYTES, SPARE_INODES = 512 << 10, 40
"""What podpy needs besides: its database's log, and what every pass writes."""


class Tool(Value):
    """A program that podpy runs: what for, its package, and whether podpy needs it to run pods."""

    name: str
    purpose: str
    package: str
    essential: bool = True


CONMON = Tool(name="conmon", purpose="keeps containers", package="conmon")
DNSMASQ = Tool(name="dnsmasq", purpose="answers names of pods", package="dnsmasq-base")
TOOLS = (
    CONMON,
    Tool(name="skopeo", purpose="fetches images", package="skopeo"),
    DNSMASQ,
    Tool(name="nft", purpose="shows and loads rules", package="nftables"),
    Tool(name="buildah", purpose="builds images", package="buildah", essential=False),
    Tool(name="git", purpose="fetches what Syncs follow", package="git", essential=False),
)


def unfit(base: Base, wanted: Sequence[WantedPod]) -> tuple[Fault, ...]:
    """Return all that keeps the host from making these pods; changes nothing."""
    short = tuple(disks(base.paths, len(wanted)))
    known = base.knows_engine()  # And conmon with it.
    bridged = any(_bridged(base, item) for item in wanted)
    needed = (*(() if known else (CONMON,)), *((DNSMASQ,) if bridged else ()))
    absent = [tool for tool in needed if proc.find(tool.name) is None]
    missing = tuple(lacking(tool) for tool in absent)
    if known or short or CONMON in absent:
        return (*short, *missing)
    return (*missing, *_tried(base))


def disks(paths: Paths, pods: int) -> Iterator[HostFault]:
    """Yield what is short on the file systems that take so many new pods."""
    seen: set[int] = set()
    for directory in (paths.state_dir, paths.run_dir, paths.log_dir):
        device = os.stat(space.existing(directory)).st_dev
        short = None if device in seen else disk(directory, pods)
        seen.add(device)
        if short is not None:
            yield short


def disk(directory: str, pods: int) -> HostFault | None:
    """Return what is short on one of them for so many new pods."""
    size, inodes = SPARE_BYTES + POD_BYTES * pods, SPARE_INODES + POD_INODES * pods
    return space.shortage(directory, size, inodes)


def lacking(tool: Tool) -> HostFault:
    """The fault of a tool that is not on this host."""
    return HostFault(
        f"{tool.name}: is not installed ({tool.purpose})",
        hint=f"install the package {tool.package}",
    )


def _bridged(base: Base, item: WantedPod) -> bool:
    try:
        return bool(networks.bridge_of(base, item.pod))
    except Fault:  # The pod's own: its network is not declared.
        return False


def _tried(base: Base) -> tuple[Fault, ...]:
    """Try what the first pod of this boot needs; processes that would try at once take turns."""
    import shutil

    from reconciler.targets.host import trials
    from runtime.kernel import namespaces

    place = f"{base.paths.state_dir}/trial"
    with locks.held(base.paths, ["the trial of this host"]):
        if base.knows_engine():
            return ()
        shutil.rmtree(place, ignore_errors=True)  # Left by a podpy that was killed.
        try:
            os.mkdir(place, mode=0o700)
            with namespaces.scratch() as inside:
                faults = [
                    *_of("overlayfs", inside, trials.overlay, place),
                    *_of("nftables", inside, trials.rules),
                ]
                if not faults:
                    given = (base.paths.run_dir, base.pod_cgroups, base.paths.instance)
                    faults += _of("OCI runtime", inside, trials.runtime, *given)
        except (Fault, OSError) as error:
            faults = [worded("namespaces", error)]
        finally:
            shutil.rmtree(place, ignore_errors=True)
    return tuple(faults)


def _of(
    subject: str, inside: Inside, trial: Callable[..., object], *given: object
) -> Iterator[Fault]:
    try:
        inside.call(trial, *given)
    except (Fault, OSError) as error:
        yield worded(subject, error)


def worded(subject: str, error: Fault | OSError) -> HostFault:
    """Return the fault of a trial: whatever the kernel says to it, the host is to blame."""
    if isinstance(error, Fault):
        return HostFault(f"{subject}: {error.message}", hint=error.hint)
    return HostFault(
        f"{subject}: does not work: {error.strerror or error}", hint="see podpy doctor, and dmesg"
    )
