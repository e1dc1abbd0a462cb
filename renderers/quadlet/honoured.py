"""Which fields of a pod's specification the files carry; all others that are set are told of.

A place that is added to manifests/ is told of, until it is written here. Pure.
"""

from __future__ import annotations

import functools

from manifests import codec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.pod import PodSpec
    from manifests.problems import FieldPath

HONOURED = frozenset(
    {
        *("hostNetwork", "hostname", "restartPolicy", "terminationGracePeriodSeconds"),
        *("activeDeadlineSeconds", "hostAliases", "dnsConfig"),
        *("securityContext", "containers[].securityContext", "hostPID", "hostIPC", "dnsPolicy"),
        *("volumes[].name", "volumes[].emptyDir", "volumes[].hostPath"),
        *("volumes[].persistentVolumeClaim", "volumes[].ephemeral.volumeClaimTemplate.spec"),
        *("volumes[].configMap", "volumes[].secret", "volumes[].downwardAPI"),
        *("volumes[].projected", "volumes[].image"),
        *("containers[].name", "containers[].image", "containers[].imagePullPolicy"),
        *("containers[].command", "containers[].args", "containers[].workingDir"),
        *("containers[].env", "containers[].envFrom", "containers[].ports"),
        *("containers[].resources.limits", "containers[].resources.requests"),
        *("containers[].volumeMounts[].name", "containers[].volumeMounts[].mountPath"),
        *("containers[].volumeMounts[].readOnly", "containers[].volumeMounts[].subPath"),
        "containers[].volumeMounts[].subPathExpr",
        "containers[].volumeMounts[].mountPropagation",
        *("containers[].lifecycle", "containers[].restartPolicy"),
        *("containers[].startupProbe", "containers[].livenessProbe"),
        *("containers[].readinessProbe", "containers[].tty", "containers[].stdin"),
    }
)
"""Places below a pod's specification; what is below one is honoured with it."""


_SAME = {"initContainers": "containers"}


def others(spec: PodSpec, honoured: frozenset[str] = HONOURED) -> Iterator[FieldPath]:
    """Yield the paths of set fields that no place covers, as near the top as can be."""
    return _others(codec.encode(spec), honoured, _parents(honoured))


@functools.cache
def _parents(honoured: frozenset[str]) -> frozenset[str]:
    """Return the places that one of `honoured` is below of."""
    return frozenset(
        place[:end]
        for place in honoured
        for end, sign in enumerate(place)
        if sign == "." or place.startswith("[]", end)
    )


def _others(
    raw: object,
    honoured: frozenset[str],
    parents: frozenset[str],
    path: FieldPath = (),
    place: str = "",
) -> Iterator[FieldPath]:
    if place in honoured:
        return
    if isinstance(raw, list) and raw and place in parents:
        for index, item in enumerate(raw):
            yield from _others(item, honoured, parents, (*path, index), f"{place}[]")
    elif isinstance(raw, dict) and (not place or place in parents):
        for key, item in raw.items():
            below = f"{place}.{key}" if place else _SAME.get(key, str(key))
            yield from _others(item, honoured, parents, (*path, key), below)
    else:
        yield path
