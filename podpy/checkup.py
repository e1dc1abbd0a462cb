"""Examine a host: paths in, findings out. Nothing is changed.

What has to be tried (namespaces, overlayfs, rules, a container) is tried in namespaces made for it
as the first pod's would be, and taken away again.
"""

from __future__ import annotations

import contextlib
import os
import sys

from manifests.faults import Fault
from manifests.strenum import StrEnum
from manifests.value import Value
from podpy import tables
from runtime import space

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.kernel.inside import Inside
    from runtime.paths import Paths

OLDEST_PYTHON = (3, 11)
ENOUGH_DISK = 1 << 30
_TRIAL, _RUN, _POD = ".podpy-doctor-", "run", "pods/doctor"


class Verdict(StrEnum):
    GOOD = "good"
    WARNING = "warning"
    MISSING = "missing"


class Finding(Value):
    """What was found about one subject; `hint` says what to do about it."""

    verdict: Verdict
    subject: str
    text: str
    hint: str = ""


def examine(paths: Paths) -> tuple[Finding, ...]:
    """Return what every check found."""
    findings = [_python()]
    if os.geteuid() != 0:
        from podpy import checkup_rootless

        findings += checkup_rootless.examine(paths)
    findings += [_rights(), *_tools(), *_libraries(), *_kernel_settings()]
    if os.geteuid() == 0:
        findings += _trials(paths)
    findings += [*_directories(paths), _registries()]
    if os.geteuid() == 0:
        from podpy import checkup_wishes

        findings += checkup_wishes.examine(paths)
    return tuple(findings)


def good(subject: str, text: str) -> Finding:
    return Finding(verdict=Verdict.GOOD, subject=subject, text=text)


def warning(subject: str, text: str, hint: str = "") -> Finding:
    return Finding(verdict=Verdict.WARNING, subject=subject, text=text, hint=hint)


def missing(subject: str, text: str, hint: str = "") -> Finding:
    return Finding(verdict=Verdict.MISSING, subject=subject, text=text, hint=hint)


def told(fault: Fault, subject: str) -> str:
    """The message of a fault without the subject that stands beside it."""
    return fault.message.removeprefix(f"{subject}: ")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return missing("python", version, f"install Python {oldest} or newer")
    return good("python", f"{version} ({sys.executable})")


def _rights() -> Finding:
    if os.geteuid() != 0:
        return warning("rights", "an ordinary user's: nothing was tried, for want of the above")
    from runtime.oci import host
    from runtime.rootless import mode

    held = bin(host.capabilities()).count("1")
    limit = host.hard_limit("RLIMIT_NOFILE")
    files = "unlimited" if limit is None else str(limit)
    who = "root" if mode.user() is None else "root in this user's namespaces"
    return good("rights", f"{who} with {held} capabilities, at most {files} open files a process")


def _tools() -> Iterator[Finding]:
    from reconciler.targets.host import fitness
    from runtime import proc

    for tool in fitness.TOOLS:
        path = proc.find(tool.name)
        if path is None:
            verdict = missing if tool.essential else warning
            fault = fitness.lacking(tool)
            yield verdict(tool.name, told(fault, tool.name), fault.hint)
            continue
        try:
            said = proc.run(path, "--version", timeout=10).text.strip().split("\n")[0]
        except Fault as fault:
            yield warning(tool.name, f"{path}: {fault.message}")
            continue
        yield good(tool.name, f"{said or path} ({tool.purpose})")


def _libraries() -> Iterator[Finding]:
    from importlib.util import find_spec

    if find_spec("_ruamel_yaml") is None:
        yield warning(
            "ruamel.yaml.clib",
            "not installed: reading YAML takes five times longer",
            "install it into podpy's environment: pip install ruamel.yaml.clib",
        )
    if find_spec("jsonschema") is None:
        yield missing("jsonschema", "not installed", "install podpy's dependencies")


def _kernel_settings() -> Iterator[Finding]:
    release = os.uname().release
    yield good("kernel", f"{os.uname().sysname} {release} {os.uname().machine}")
    yield from _cgroups()
    yield from _apparmor()
    yield _forwarding()


def _cgroups() -> Iterator[Finding]:
    from runtime.kernel import cgroups

    try:
        seen = cgroups.view()
    except Fault as fault:
        yield missing("cgroups", fault.message, fault.hint)
        return
    if seen.version is cgroups.Version.NONE:
        yield warning(
            "cgroups",
            "none are this user's: pods run, but without limits",
            "they have them with cgroup v2 and a systemd of the user's: log in by ssh, or loginctl "
            "enable-linger",
        )
        return
    lacking = sorted({"memory", "cpu", "pids"} - seen.controllers)
    text = f"{seen.version} with {', '.join(sorted(seen.controllers)) or 'no controllers'}"
    if lacking:
        hint = "limits of these are not enforced: boot with the controllers enabled"
        yield warning("cgroups", f"{text}; not {', '.join(lacking)}", hint)
    else:
        yield good("cgroups", text)


def _apparmor() -> Iterator[Finding]:
    """Silent where the kernel has none: that is an ordinary host, too."""
    from renderers import apparmor as profile
    from runtime.kernel import apparmor

    if not apparmor.enabled():
        return
    if apparmor.can_load():
        yield good("AppArmor", f"on; containers that name no profile run under {profile.NAME}")
    else:
        yield warning(
            "AppArmor",
            "on, but apparmor_parser is not installed: containers are not confined by it",
            "install the package apparmor",
        )


def _forwarding() -> Finding:
    with open("/proc/sys/net/ipv4/ip_forward", encoding="ascii") as file:
        forwards = file.read().strip() == "1"
    if forwards:
        return good("ip_forward", "on")
    return good("ip_forward", "off; podpy turns it on with its first network")


def _trials(paths: Paths) -> Iterator[Finding]:
    """What is tried as the first pod would: in pinned namespaces, taken off again at the end."""
    from reconciler.targets.host import trials
    from runtime.image import workspace
    from runtime.kernel import namespaces

    above = space.existing(paths.run_dir)
    workspace.sweep(above, _TRIAL, _unpin)
    with contextlib.ExitStack() as held:
        try:
            place = held.enter_context(workspace.made(above, _TRIAL)).path
        except OSError as error:
            text = f"{paths.run_dir} cannot be made: {error.strerror}"
            yield missing("run_dir", text, "make it writable, or choose another PODPY_ROOT")
            return
        # A directory below it: both a workspace and what pins namespaces lock their own.
        run_dir = f"{place}/{_RUN}"
        pod_dir = f"{run_dir}/{_POD}"
        os.makedirs(pod_dir)
        try:
            inside = namespaces.create(pod_dir, hostname="doctor")
        except (Fault, OSError) as error:
            hint = error.hint if isinstance(error, Fault) else ""
            yield missing("namespaces", str(error), hint)
            return
        try:
            with inside:
                yield good("namespaces", "mount, network, ipc and uts are made and pinned")
                yield _tried("overlayfs", "mounts on podpy's disk", inside, _overlay, paths)
                yield _tried("nftables", "NAT rules can be loaded", inside, trials.rules)
                yield _engine(paths, inside, run_dir)
        finally:
            _unpin(place)
    yield from _firewall(paths)
    yield _connections()
    yield _host_namespaces()


def _unpin(place: str) -> None:
    """Let go of the namespaces of a trial, so that its directory can be removed."""
    from runtime.kernel import namespaces

    namespaces.remove(f"{place}/{_RUN}/{_POD}")
    namespaces.release(f"{place}/{_RUN}")


def _tried(
    subject: str, text: str, inside: Inside, trial: Callable[..., None], *given: object
) -> Finding:
    try:
        inside.call(trial, *given)
    except (Fault, OSError) as error:
        hint = error.hint if isinstance(error, Fault) else ""
        return missing(subject, f"does not work: {error}", hint)
    return good(subject, text)


def _overlay(paths: Paths) -> None:
    """Mount an overlay whose directories lie where podpy's do."""
    from reconciler.targets.host import trials
    from runtime.image import workspace

    above = space.existing(paths.state_dir)
    workspace.sweep(above, _TRIAL)
    with workspace.made(above, _TRIAL) as place:
        trials.overlay(place.path)


def _engine(paths: Paths, inside: Inside, run_dir: str) -> Finding:
    """Find the OCI runtime by running a container, as the first pod does."""
    from reconciler.targets.host import trials
    from runtime.kernel import cgroups

    try:
        seen = inside.call(cgroups.view)
        found = inside.call(trials.runtime, run_dir, seen, f"{paths.instance}-doctor")
    except (Fault, OSError) as error:
        hint = error.hint if isinstance(error, Fault) else ""
        return missing("OCI runtime", str(error), hint)
    version = ".".join(map(str, found.version))
    text = f"{found.kind} {version} runs containers ({found.path})"
    if found.reason:
        return warning("OCI runtime", f"{text}; chosen because {found.reason}", "install crun")
    return good("OCI runtime", text)


def _firewall(paths: Paths) -> Iterator[Finding]:
    """Chains of others that drop what pods send out, or what comes for them."""
    from podpy import checkup_network

    try:
        found = checkup_network.blocks(paths.instance)
    except Fault as fault:
        yield warning("firewall", fault.message, fault.hint)
        return
    for block in found:
        yield warning("firewall", block.text, block.hint)
    if not found:
        yield good("firewall", "no other table drops what pods send out")


def _connections() -> Finding:
    from runtime.net import connections

    if connections.available():
        return good("connections", "UDP clients follow a port of the host to its next pod")
    return warning(
        "connections",
        "the kernel lists none: a UDP client must be silent for half a minute, or take another "
        "socket, to reach the next pod",
        "modprobe nf_conntrack_netlink",
    )


def _host_namespaces() -> Finding:
    """Restarts without an agent go back to the host's namespaces by way of a process in them."""
    from runtime.kernel import home

    if home.reachable() is None:
        return warning(
            "restarts",
            "no process outside of this session is in the host's namespaces and can be entered",
            "a container is restarted only while one is: podpy's name servers are, as long as pods "
            "are on a network",
        )
    return good("restarts", "the host's namespaces can be entered again at a container's end")


def _directories(paths: Paths) -> Iterator[Finding]:
    for path, purpose in (
        (paths.state_dir, "images and volumes"),
        (paths.run_dir, "what runs"),
        (paths.log_dir, "logs"),
    ):
        yield _disk(path, purpose, scarce=path != paths.run_dir)
    from podpy.commands import volume

    trash = volume.in_trash(paths)
    if trash:
        yield good("trash", f"{trash} (podpy undo brings back, podpy volume prune empties)")
    yield _run_dir(paths)


def _disk(path: str, purpose: str, *, scarce: bool) -> Finding:
    """Whether a pod can be made there: what a pass asks, too. `scarce` disks are to have more."""
    from reconciler.targets.host import fitness

    short = fitness.disk(path, 1)
    if short is not None:
        return missing("disk", short.message, short.hint)
    held = space.room(path)
    inodes = "" if held.inodes is None else f", {held.inodes} inodes"
    text = f"{path}: {tables.size(held.for_all)}{inodes} free ({purpose})"
    if scarce and held.for_all < ENOUGH_DISK:
        return warning("disk", text, "podpy image prune --all removes unused images")
    return good("disk", text)


def _run_dir(paths: Paths) -> Finding:
    from runtime.kernel import mounts

    place = os.path.realpath(space.existing(paths.run_dir))
    holding = [
        mount
        for mount in mounts.table()
        if place == mount.target or place.startswith(f"{mount.target.rstrip('/')}/")
    ]
    kind = max(holding, key=lambda mount: len(mount.target)).kind if holding else ""
    if kind == "tmpfs":
        return good("run_dir", f"{paths.run_dir} is on tmpfs")
    return good("run_dir", f"{paths.run_dir}: podpy mounts a tmpfs there ({kind} now)")


def _registries() -> Finding:
    from runtime.image import reference, registries

    try:
        known = registries.read()
    except Fault as fault:
        return warning("registries.conf", fault.message, fault.hint)
    if not known.search:
        return warning(
            "registries.conf",
            f"no unqualified-search-registries: short names mean {reference.DEFAULT_REGISTRY}",
            "set it in /etc/containers/registries.conf, or write full image names",
        )
    return good("registries.conf", f"short names are looked for in {', '.join(known.search)}")
