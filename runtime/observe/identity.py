"""Read what this host is known by: its name and labels, out of the kernel and podpy.toml.

    /etc/podpy/podpy.toml
        [host.labels]
        role = "web"
        "topology.kubernetes.io/zone" = "cellar"

What is wrong in the file is never passed over: a label that is lost would take objects with it.
"""

from __future__ import annotations

from manifests.checks import names
from manifests.faults import Invalid
from manifests.targeting import HostIdentity
from runtime import files
from runtime.image import manifest
from runtime.observe import facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runtime.paths import Paths

HOSTNAME, OS, ARCH = "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch"


def read(paths: Paths) -> HostIdentity:
    """Return this host's name and labels. Raises Invalid where the settings say something else."""
    name = facts.node_name()
    own = {HOSTNAME: name, OS: "linux", ARCH: manifest.platform().architecture}
    told = files.read_toml(paths.settings)
    told.pop("volumes", None)  # runtime.volume.trash reads that.
    given = _labels(paths.settings, told)
    for key in given:
        if key in own:
            raise Invalid(f'{paths.settings}: the label "{key}" is not given: podpy sees to it')
    return HostIdentity(name=name, labels={**own, **given})


def _labels(path: str, settings: dict[str, Any]) -> dict[str, str]:
    host = _table(path, settings, "", "host")
    labels: dict[str, str] = {}
    for key, value in _table(path, host, "host.", "labels").items():
        said = names.qualified(key) or (
            names.label_value(value) if isinstance(value, str) else "must be text, in quotes"
        )
        if said:
            raise Invalid(f'{path}: host.labels: "{key}": {said}')
        labels[key] = value
    return labels


def _table(path: str, holder: dict[str, Any], above: str, wanted: str) -> dict[str, Any]:
    """Return the one table that `holder` may have."""
    for key, value in holder.items():
        if key != wanted:
            raise Invalid(
                f'{path}: unknown setting "{above}{key}"', hint=f"podpy knows [{above}{wanted}]"
            )
        if not isinstance(value, dict):
            raise Invalid(f"{path}: {above}{key} must be a table: [{above}{key}]")
    found: dict[str, Any] = holder.get(wanted, {})
    return found
