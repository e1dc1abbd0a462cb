"""Ask Podman what it has on this host: words of a command line in, subjects with their facts out.

`podman` is called as the user would, so that the environment says whose storage is meant
(CONTAINERS_STORAGE_CONF, CONTAINERS_CONF). Nothing is changed here.
"""

from __future__ import annotations

import json
import os

from manifests.faults import HostFault, Invalid
from manifests.inspected.facts import Facts, Subject, Unit, find
from manifests.value import Value
from runtime import files, proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

ASK_SECONDS = 60.0
UNIT_LABEL = "PODMAN_SYSTEMD_UNIT"
_QUADLETS = (".container", ".pod", ".kube")


class Volume(Value):
    """A named volume: where its data is. `foreign` says why this is not podpy's to take."""

    name: str
    path: str
    foreign: str = ""


def program() -> str:
    """Return where podman is. Raises HostFault where it is not."""
    found = proc.find("podman")
    if found is None:
        raise HostFault("podman: not found on this host: there is nothing to adopt")
    return found


def ask(*words: str) -> Any:
    """Return the JSON that `podman WORDS` prints. Raises HostFault with its complaint."""
    told = proc.check(program(), *words, timeout=ASK_SECONDS).text
    try:
        return json.loads(told or "[]")
    except ValueError as error:
        raise HostFault(f"podman {words[0]} {words[1]}: its answer is no JSON") from error


def subjects(names: Sequence[str]) -> tuple[Subject, ...]:
    """Return those of these names: containers and pods; all that run where none is named.

    A container of a pod means the whole pod. Raises Invalid for a name that Podman does not know.
    """
    listed = ask("ps", "--all", "--pod", "--format", "json")
    rows = [row for row in listed if not row.get("IsInfra")]
    if names:
        chosen = [_row for name in names for _row in _named(rows, name)]
    else:
        chosen = [row for row in rows if row.get("State") == "running"]
    pods = dict.fromkeys(row["Pod"] for row in chosen if row.get("Pod"))
    alone = dict.fromkeys(row["Id"] for row in chosen if not row.get("Pod"))
    # What keeps a unit of `podman kube play` alive has nothing of its own to take over.
    facts = [one for one in inspected(alone) if not one.at("IsService")]
    return (
        *(Subject(name=one.name, face=one, containers=(one,)) for one in facts),
        *(_pod(pod) for pod in pods),
    )


def _named(rows: Iterable[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    found = [
        row
        for row in rows
        if name in (*row.get("Names", ()), row.get("PodName"), _unit_of(row))
        or (len(name) >= 12 and (row["Id"].startswith(name) or row["Pod"].startswith(name)))
    ]
    if not found:
        raise Invalid(f'Podman has no container or pod "{name}"', hint="podman ps -a")
    return found


def _unit_of(row: dict[str, Any]) -> str:
    return str((row.get("Labels") or {}).get(UNIT_LABEL, ""))


def _pod(pod: str) -> Subject:
    told = ask("pod", "inspect", pod)
    # A list since Podman 5.
    raw = told[0] if isinstance(told, list) else told
    infra = raw.get("InfraContainerID", "")
    members = [one["Id"] for one in raw.get("Containers", ()) if one["Id"] != infra]
    facts = inspected([infra, *members] if infra else members)
    by_id = {one.id: one for one in facts}
    containers = tuple(by_id[one] for one in members if one in by_id)
    if not containers:
        raise Invalid(f"pod {raw['Name']} of Podman's has no containers", hint="podman pod ps")
    face = by_id.get(infra, containers[0])
    return Subject(
        name=raw["Name"],
        face=face,
        containers=containers,
        pod=pod,
        labels=raw.get("Labels") or {},
    )


def inspected(ids: Iterable[str]) -> tuple[Facts, ...]:
    """Return the facts of containers; of one that is gone there are none."""
    wanted = list(ids)
    if not wanted:
        return ()
    raws = ask("container", "inspect", *wanted)
    images: dict[str, Any] = {}
    for raw in raws:
        number = raw.get("Image", "")
        if number and number not in images:
            images[number] = ask("image", "inspect", number)[0].get("Config") or {}
    return tuple(
        Facts(
            raw=raw,
            image=images.get(raw.get("Image", ""), {}),
            oci=files.read_json(raw.get("OCIConfigPath") or "/nowhere") or {},
            unit=_unit(find(raw, "Config.Labels") or {}),
        )
        for raw in raws
    )


def _unit(labels: dict[str, str]) -> Unit | None:
    """Return the unit of systemd's that a container's label names."""
    name = labels.get(UNIT_LABEL, "")
    if not name or proc.find("systemctl") is None:
        return None
    asked = ("show", "--property", "Restart,SourcePath,FragmentPath,LoadState", "--", name)
    told = proc.run("systemctl", *asked, timeout=ASK_SECONDS)
    said = dict(line.partition("=")[::2] for line in told.text.splitlines())
    if said.get("LoadState") != "loaded":
        return None
    source = said.get("SourcePath", "")
    quadlet = source.endswith(_QUADLETS)
    file = source if quadlet else said.get("FragmentPath", "")
    return Unit(name=name, restart=said.get("Restart", ""), file=file, quadlet=quadlet)


def volumes(names: Iterable[str]) -> dict[str, Volume]:
    """Return where the data of these volumes is."""
    wanted = list(names)
    if not wanted:
        return {}
    return {raw["Name"]: _volume(raw) for raw in ask("volume", "inspect", *wanted)}


def _volume(raw: dict[str, Any]) -> Volume:
    path = raw.get("Mountpoint", "")
    foreign = ""
    if raw.get("Driver", "local") not in ("", "local"):
        foreign = f"its driver {raw['Driver']} keeps the data, not a directory"
    elif (raw.get("Options") or {}).keys() - {"o", "SIZE", "INODES"}:
        foreign = "its data is on a device, or mounted from elsewhere"
    elif os.path.ismount(path):
        foreign = "something is mounted in its place"
    return Volume(name=raw["Name"], path=path, foreign=foreign)


def secret(name: str) -> bytes:
    """Return what a secret of Podman's holds. Raises HostFault where this Podman does not tell."""
    told: str = ask("secret", "inspect", "--showsecret", name)[0].get("SecretData", "")
    if "\ufffd" in told:
        raise HostFault(
            f"secret {name}: Podman tells only text, and it holds something else",
            hint="write a Secret by hand, and mount it",
        )
    return told.encode()


def users(volume: str) -> tuple[str, ...]:
    """Return the names of the containers that have a volume, those that do not run, too."""
    rows = ask("ps", "--all", "--filter", f"volume={volume}", "--format", "json")
    return tuple(row["Names"][0] for row in rows)


def networks(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what Podman tells of these networks."""
    return {name: ask("network", "inspect", name)[0] for name in names}


def members(network: str) -> tuple[str, ...]:
    """Return the names of the containers in a network that run."""
    rows = ask("ps", "--pod", "--filter", f"network={network}", "--format", "json")
    return tuple(row["PodName"] or row["Names"][0] for row in rows)
