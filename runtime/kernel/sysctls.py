"""Read and write kernel settings, as they are for the calling thread and its namespaces.

Named `net.ipv4.ip_forward`, or `net/ipv4/conf/eth0.1/forwarding` where a part holds a dot.
"""

from __future__ import annotations

from manifests.faults import HostFault


def write(name: str, value: str) -> None:
    """Set a kernel setting; HostFault where the kernel refuses."""
    try:
        with open(_path(name), "w", encoding="ascii") as file:
            file.write(value)
    except (OSError, UnicodeEncodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise HostFault(f"sysctl {name} cannot be set to {value!r}: {why}") from error


def read(name: str) -> str:
    """Return a kernel setting; HostFault when there is none."""
    try:
        with open(_path(name), encoding="ascii") as file:
            return file.read().strip()
    except OSError as error:
        raise HostFault(f"sysctl {name} cannot be read: {error.strerror}") from error


def _path(name: str) -> str:
    path = name if "/" in name else name.replace(".", "/")
    if ".." in path.split("/"):
        raise HostFault(f"sysctl {name}: no such setting")
    return f"/proc/sys/{path}"
