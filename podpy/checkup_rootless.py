"""Examine what an ordinary user needs to run pods, and enter their namespaces if it is all there.

For podpy.checkup: what is tried afterwards is tried inside, as the user's first pod would.
"""

from __future__ import annotations

import os
import pwd

from manifests.faults import Fault
from podpy.checkup import Finding, Verdict, good, missing, told, warning
from runtime import files, proc, systemd
from runtime.rootless import subids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.paths import Paths

TUN = "/dev/net/tun"
LINGER = "/var/lib/systemd/linger"
# Debian's and Ubuntu's own switches, and the kernel's limit: the values that they must be between.
SWITCHES = (
    ("kernel.unprivileged_userns_clone", 1, 1),
    ("kernel.apparmor_restrict_unprivileged_userns", 0, 0),
    ("user.max_user_namespaces", 1, 1 << 31),
)
OVERLAY_KERNEL = (5, 11)
_SETUID = 0o4000


def examine(paths: Paths) -> tuple[Finding, ...]:
    """Return what was found. Afterwards this process is inside, where nothing was missing."""
    name = pwd.getpwuid(os.getuid()).pw_name
    found = [
        *_maps(name),
        *_network(),
        *_switches(),
        _kernel(os.uname().release),
        _lingering(name),
    ]
    if not any(one.verdict is Verdict.MISSING for one in found):
        found.append(_entered(paths))
    return tuple(found)


def _entered(paths: Paths) -> Finding:
    from functools import partial

    from podpy import context
    from runtime.rootless import entering

    try:
        entering.enter(paths, partial(context.hook, paths))
    except Fault as fault:
        return missing("namespaces", fault.message, fault.hint)
    return good("namespaces", "this user is root in some of their own, which have a network")


def _maps(name: str) -> Iterator[Finding]:
    for tool in ("newuidmap", "newgidmap"):
        path = proc.find(tool)
        if path is None:
            yield missing(tool, "is not installed", "install the package uidmap")
        elif not os.stat(path).st_mode & _SETUID and not _has_capabilities(path):
            hint = f"as root: chmod u+s {path}"
            yield missing(tool, f"{path} has no right to map the numbers of others", hint)
    for path in (subids.SUBUID, subids.SUBGID):
        try:
            spans = subids.read(path, (name, str(os.getuid())))
        except Fault as fault:
            yield missing(path, told(fault, path), fault.hint)
            continue
        count = sum(span.count for span in spans)
        if count < subids.LEAST:
            text = f"{count} numbers for {name}: images with users above that cannot be unpacked"
            yield warning(path, text, f"give {name} {subids.LEAST} of them")
        else:
            yield good(path, f"{count} numbers for {name}")


def _has_capabilities(path: str) -> bool:
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False


def _network() -> Iterator[Finding]:
    if proc.find("slirp4netns") is None:
        hint = "install the package slirp4netns"
        yield missing("slirp4netns", "is not installed (the way out of a user's network)", hint)
    else:
        yield good("slirp4netns", "installed (the way out of a user's network)")
    try:
        os.close(os.open(TUN, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        hint = "as root: modprobe tun, chmod 666 /dev/net/tun"
        yield missing(TUN, f"cannot be opened by this user: {error.strerror}", hint)


def _switches() -> Iterator[Finding]:
    for name, least, most in SWITCHES:
        held = files.number(f"/proc/sys/{name.replace('.', '/')}")
        if held is not None and not least <= held <= most:
            yield missing(
                name,
                f"is {held}: users may not have namespaces of their own",
                f"as root: sysctl -w {name}={min(most, 10000)}, and in /etc/sysctl.d to keep it",
            )


def _kernel(release: str) -> Finding:
    numbers = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    if numbers < OVERLAY_KERNEL:
        return missing(
            "overlayfs", f"Linux {release}: users have it from 5.11 on", "a newer kernel"
        )
    return good("overlayfs", f"Linux {release} has it for users")


def _lingering(name: str) -> Finding:
    if not systemd.booted():
        return good("lingering", "no systemd ends what a user leaves")
    if os.path.exists(f"{LINGER}/{name}"):
        return good("lingering", f"what {name} runs outlives their sessions")
    hint = f"loginctl enable-linger {name}"
    return warning("lingering", f"pods of {name} end with their last session", hint)
