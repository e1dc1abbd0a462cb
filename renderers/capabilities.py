"""Turn a container's capability requests into the set that its process gets. Pure.

Called by the reconciler before renderers.oci_config and renderers.seccomp, which want the set.
"""

from __future__ import annotations

from manifests import capabilities
from manifests.faults import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

ALL = "ALL"

_DEFAULT = """
CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE
SYS_CHROOT KILL AUDIT_WRITE
"""

KNOWN = tuple(f"CAP_{name}" for name in capabilities.NAMES)
DEFAULT = frozenset(f"CAP_{name}" for name in _DEFAULT.split())
"""What containerd and Docker give a container that asks for nothing."""


def resolve(
    add: Iterable[str] = (),
    drop: Iterable[str] = (),
    *,
    privileged: bool = False,
    available: Collection[str] = KNOWN,
) -> tuple[str, ...]:
    """Return the capabilities of a container, sorted as the kernel numbers them.

    `add` and `drop` are securityContext.capabilities as written ("NET_ADMIN", "CAP_NET_ADMIN",
    "ALL"). As in containerd, ALL is looked at first and single names after it, drops last: so
    `drop: [ALL], add: [CHOWN]` is CHOWN alone. `available` is what this host can give
    (runtime.oci.host.capabilities): what is asked for in bulk, by ALL or privileged, is cut to it,
    while a single name outside it raises Invalid, as does a name that Linux does not know.
    """
    wanted_add = [_named(name) for name in add]
    wanted_drop = [_named(name) for name in drop]
    if privileged:
        return _in_order(set(available))
    chosen = set(DEFAULT) & set(available)
    if ALL in wanted_add:
        chosen = set(available)
    if ALL in wanted_drop:
        chosen = set()
    single = {name for name in wanted_add if name != ALL}
    missing = _in_order(single - set(available) - set(wanted_drop))
    if missing:
        raise Invalid(
            f"capabilities {', '.join(missing)} cannot be given: podpy itself does not have them",
            hint="run podpy with these capabilities, or remove them from capabilities.add",
        )
    return _in_order((chosen | single) - set(wanted_drop))


def from_mask(mask: int) -> tuple[str, ...]:
    """Return the names of the bits set in `mask`, a Cap* line of /proc/PID/status."""
    return tuple(name for bit, name in enumerate(KNOWN) if mask >> bit & 1)


def _named(name: str) -> str:
    upper = name.upper()
    if upper == ALL:
        return ALL
    full = upper if upper.startswith("CAP_") else f"CAP_{upper}"
    if full not in KNOWN:
        raise Invalid(f'capability "{name}" is unknown to Linux', hint="see capabilities(7)")
    return full


def _in_order(names: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in KNOWN if name in names)
