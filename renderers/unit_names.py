"""Name the units of systemd's that run a pod by podpy's own runtime. Pure.

    podpy-NAMESPACE-POD.slice                  its cgroup; systemd nests slices at hyphens
    podpy-NAMESPACE_POD.service                what its containers share, and their network
    podpy-NAMESPACE_POD_CONTAINER.service      one container; .socket, where it waits for others

No name of Kubernetes has an underscore, so no two pods' units have one name.
"""

from __future__ import annotations

_LONGEST = 255
"""systemd.unit(5): what a unit's name, its suffix included, may have."""


def stem(namespace: str, pod: str) -> str:
    """Return what the names of a pod's files begin with."""
    return f"podpy-{namespace}_{pod}"


def pod_service(namespace: str, pod: str) -> str:
    return f"{stem(namespace, pod)}.service"


def container_service(namespace: str, pod: str, container: str) -> str:
    return f"{stem(namespace, pod)}_{container}.service"


def container_socket(namespace: str, pod: str, container: str) -> str:
    return f"{stem(namespace, pod)}_{container}.socket"


def pod_slice(namespace: str, pod: str) -> str:
    # A hyphen of the name's own would put the slice of pod web-a into that of pod web.
    return f"podpy-{_escaped(namespace)}-{_escaped(pod)}.slice"


def too_long(name: str) -> bool:
    """Tell whether systemd takes no unit of that name."""
    return len(name) > _LONGEST


def _escaped(text: str) -> str:
    """Return one part of a slice's name, as systemd-escape(1) writes it."""
    return text.replace("-", r"\x2d")
