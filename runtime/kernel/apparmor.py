"""Look at this host's AppArmor, and load a profile into it.

    enabled(), loaded() -> what the kernel has; load(text) -> the kernel has it

A loaded profile stays until the host is switched off. It belongs to no pod and no instance, so
nobody unloads it: a container of somebody else's may run under it.
"""

from __future__ import annotations

import os

from runtime import proc
from runtime.rootless import mode

PROFILES = "/sys/kernel/security/apparmor/profiles"
_ABI = "/etc/apparmor.d/abi/3.0"
_PARSER = "apparmor_parser"


def enabled() -> bool:
    """Say whether the kernel enforces profiles that podpy can see and load."""
    return os.path.exists(PROFILES) and not mode.active()


def loaded() -> frozenset[str]:
    """Return the names of the profiles that the kernel has; none where AppArmor is off."""
    try:
        with open(PROFILES, encoding="utf-8") as file:
            # "NAME (enforce)": a name may hold blanks.
            return frozenset(line.rpartition(" ")[0] for line in file)
    except FileNotFoundError:
        return frozenset()


def can_load() -> bool:
    """Say whether the program that compiles profiles is there."""
    return proc.find(_PARSER) is not None


def knows_abi() -> bool:
    """Say whether the parser knows the version of rules that <abi/3.0> names."""
    return os.path.exists(_ABI)


def load(text: str) -> None:
    """Compile the profile and give it to the kernel, in place of one of its name.

    Raises HostFault with the parser's words, TimedOut.
    """
    # Not from or to its cache: that is read and filled by file names, and this has none.
    parser = proc.find(_PARSER) or _PARSER
    proc.check(parser, "--replace", "--skip-cache", stdin=text.encode(), timeout=60)
