"""Annotations that tell podpy what Kubernetes has no field for: their names, values and meanings.

They stand on a Pod or on a workload's template, HOSTS on any object; `kube play` writes its flags
into them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "podpy.dev/"
NETWORK = "podpy.dev/network"
"""The pod's Network: what it is without one is manifests.references' to say."""
ADDRESS = "podpy.dev/address"
"""The address that the pod wants in its network."""
MAC = "podpy.dev/mac"
"""The hardware address of its link."""
LOG_DRIVER = "podpy.dev/log-driver"
"""What becomes of its containers' output: one of LOG_DRIVERS."""
LOG_SIZE = "podpy.dev/log-max-size"
"""How large a container's log may grow, as 10m."""
HOSTS = "podpy.dev/hosts"
"""Which hosts an object is for: names, * and ? in them, commas between; on any object."""
HOSTS_FILE = "podpy.dev/hosts-file"
HOSTNAME_FILE = "podpy.dev/hostname-file"
"""Whose /etc/hosts and /etc/hostname a container has: the pod's, or its image's."""

RECLAIM = "podpy.dev/reclaim"
"""What becomes of a claim's data when the claim is removed: one of RECLAIMS."""

TEMPLATE_HASH = "podpy.dev/template-hash"
"""podpy's own mark on the pods of workloads: which template they were made from."""

SUPERVISOR = "podpy.dev/supervisor"
"""Who starts and restarts the pod's containers: podpy, unless it is SYSTEMD."""
SYSTEMD = "systemd"
SOCKET = "podpy.dev/socket"
WATCHDOG = "podpy.dev/watchdog"
OF_UNITS = (SOCKET, WATCHDOG)
"""What is asked of units of systemd's: renderers.unit_annotations reads them."""

WAVE = "podpy.dev/wave"
DEPENDS_ON = "podpy.dev/depends-on"
HOOK = "podpy.dev/hook"
HOOK_DELETE_POLICY = "podpy.dev/hook-delete-policy"
ORDER = (WAVE, DEPENDS_ON, HOOK, HOOK_DELETE_POLICY)
"""When an object begins; they stand on the object itself: manifests.ordering reads them."""

KNOWN = (
    RECLAIM,
    *(NETWORK, ADDRESS, MAC, LOG_DRIVER, LOG_SIZE, HOSTS_FILE, HOSTNAME_FILE),
    *(HOSTS, TEMPLATE_HASH, SUPERVISOR),
    *OF_UNITS,
    *ORDER,
)
K8S_FILE = "k8s-file"
NO_LOG = "none"
LOG_DRIVERS = (K8S_FILE, NO_LOG)
KEEP, TRASH = "keep", "trash"
RECLAIMS = (KEEP, TRASH)
IMAGES = "image"
PODS = "pod"

_CHOICES = {
    RECLAIM: RECLAIMS,
    LOG_DRIVER: LOG_DRIVERS,
    HOSTS_FILE: (PODS, IMAGES),
    HOSTNAME_FILE: (PODS, IMAGES),
    SUPERVISOR: (SYSTEMD,),
}
_SHIFTS = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40}
SMALLEST_LOG = 1024


def unknown(annotations: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (annotation, that it is unknown) of those that podpy's prefix has and nobody knows."""
    for key in annotations:
        if key.startswith(PREFIX) and key not in KNOWN:
            from schemas import suggestions

            # Without the prefix: with it all of them are much alike.
            names = [name.removeprefix(PREFIX) for name in KNOWN]
            close = suggestions.closest(key.removeprefix(PREFIX), names)
            meant = f'; did you mean "{PREFIX}{close}"?' if close else ""
            yield key, f"unknown annotation of podpy{meant}"


def faults(annotations: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (annotation, what is wrong with its value)."""
    for key, value in annotations.items():
        if key.startswith(PREFIX):
            message = fault(key, value)
            if message:
                yield key, message


def fault(key: str, value: str) -> str:
    """Return what is wrong with the value of one of podpy's annotations; "" if nothing is."""
    if key == ADDRESS:
        from manifests.checks import names

        return names.address(value)
    if key == MAC:
        return _mac_fault(value)
    if key == LOG_SIZE:
        return _size_fault(value)
    if key == HOSTS:
        return next(filter(None, map(host_fault, hosts(value))), "")
    choices = _CHOICES.get(key)
    if choices is None or value in choices:
        return ""
    return f'"{value}" must be {" or ".join(choices)}'


def hosts(value: str) -> tuple[str, ...]:
    """Return the patterns that the annotation of hosts holds."""
    return tuple(part.strip() for part in value.split(","))


def host_fault(pattern: str) -> str:
    """Return what is wrong with a pattern of hosts' names; "" if nothing is."""
    if pattern and all(sign.isascii() and (sign.isalnum() or sign in ".-*?") for sign in pattern):
        return ""
    return f'"{pattern}" must be the name of a host, as web-1, or a pattern of names, as web-*'


def _mac_fault(value: str) -> str:
    import re

    if not re.fullmatch("[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}", value):
        return f'"{value}" must be a hardware address, as 92:d0:c6:0a:29:33'
    if int(value[:2], 16) & 1:
        return f'"{value}" is an address of a group: the first pair must be even'
    if not int(value.replace(":", ""), 16):
        return f'"{value}" is no address of a link'
    return ""


def log_bytes(text: str) -> int | None:
    """Return the bytes of a size as Podman's --log-opt max-size takes it; None if it is none."""
    import re

    found = re.fullmatch(r"(\d+)([bkmgt]?)(?:i?b)?", text, re.IGNORECASE)
    return int(found[1]) << _SHIFTS[found[2].lower()] if found else None


def _size_fault(value: str) -> str:
    if (log_bytes(value) or 0) >= SMALLEST_LOG:
        return ""
    return f'"{value}" must be a size of at least {SMALLEST_LOG} bytes, as 10m'
