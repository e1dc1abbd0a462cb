"""The keys of [Kube]: the manifests that a .kube file names, with what it says of their pods."""

from __future__ import annotations

from manifests import documents, podman, support
from manifests.quadlet import container, pods, tables
from manifests.quadlet.environment import path_beside
from manifests.quadlet.pods import PodDraft
from manifests.quadlet.reader import Reader
from manifests.quadlet.remarks import Grade
from manifests.quadlet.tables import Table
from manifests.sources import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.documents import Document
    from manifests.problems import Problem
    from manifests.quadlet.units import Unit, Units

TABLE = Table(
    honoured=frozenset(
        {
            *("ConfigMap", "LogDriver", "LogOpt", "Network", "PublishPort", "ServiceName"),
            *("SetWorkingDirectory", "Yaml"),
        }
    ),
    unsupported={
        **tables.OLD_NAMESPACES,
        **tables.ARGUMENTS,
        "PodmanArgs": "podpy is not run by Podman",
    },
    told={
        "AutoUpdate": "images change when the manifest does",
        "ExitCodePropagation": "there is no service that would fail with it",
        "KubeDownForce": "a claim's data go to the trash when the claim is deleted",
    },
    harmless={"UserNS": ("host",)},
)


def read(unit: Unit, units: Units) -> tuple[list[Document], list[Problem], Reader]:
    """Return the documents that the unit stands for, problems of their texts, and remarks."""
    reader = Reader(unit)
    tables.judge(reader, TABLE)
    tables.check_mappings(reader)
    _check_directory(reader)
    found: list[Document] = []
    problems: list[Problem] = []
    named = reader.listed("Yaml")
    if not named:
        reader.say(unit.last("Yaml") or unit.top, "Yaml is required", Grade.WRONG)
    for key, words in (("Yaml", named), ("ConfigMap", reader.listed("ConfigMap"))):
        for word in words:
            path = path_beside(unit.path, word.value)
            text = units.text(path)
            if text is None:
                reader.say(word.entry, f"{path} cannot be read", Grade.MISSING)
                continue
            made, wrong = documents.parse([File(name=path, data=text.encode())])
            problems.extend(wrong)
            for document in made:
                if key == "ConfigMap" and document.kind != "ConfigMap":
                    reader.say(word.entry, f"{path} holds a {document.kind}", Grade.WRONG)
            found.extend(made)
    said = _said_of_pods(reader, units)
    return [_changed(document, said) for document in found], problems, reader


def _check_directory(reader: Reader) -> None:
    given = reader.text("SetWorkingDirectory")
    if given is None:
        return
    word = given.value.lower()
    if word not in ("yaml", "unit"):
        reader.say(given.entry, f'"{given.value}" must be yaml or unit', Grade.WRONG)
    elif word == "yaml" and len(reader.listed("Yaml")) > 1:
        reader.say(given.entry, "yaml needs a single Yaml", Grade.WRONG)
    elif word == "unit" and reader.listed("Yaml") and "/" in reader.listed("Yaml")[0].value:
        message = "paths are relative to the directory of the manifest"
        reader.say(given.entry, f"is not supported: {message}")


def _said_of_pods(reader: Reader, units: Units) -> PodDraft:
    """Return a pod of nothing but what the unit says of each of its pods."""
    said = PodDraft(units, reader.unit.top)
    pods.network(reader, said)
    container.logs(reader, said)
    said.put(("spec", "containers"), [{}], reader.unit.top)
    pods.ports(reader, said)
    return said


def _changed(document: Document, said: PodDraft) -> Document:
    """Return a document as the unit has it: its pods in the network, with the ports."""
    path = podman.pod_path(document.kind)
    if not path or not isinstance(support.at(document.raw, path), dict):
        return document.replace(podman=True)
    draft = podman.Draft(document.kind, document.raw, document.file)
    annotations = said.at(("metadata", "annotations"))
    if annotations:
        draft.edit((*path[:-1], "metadata", "annotations")).update(annotations)
    if said.at(("spec", "hostNetwork")):
        draft.edit(path)["hostNetwork"] = True
    ports = said.at(("spec", "containers", 0, "ports")) or []
    if ports and isinstance(support.at(draft.raw, (*path, "containers")), list):
        _publish(draft, (*path, "containers"), [dict(one) for one in ports])
    return document.replace(raw=draft.raw, podman=True)


def _publish(draft: podman.Draft, path: tuple[str | int, ...], ports: list[dict[str, Any]]) -> None:
    """Give the ports to the containers that name them, the others to the first container."""
    left = list(ports)
    pod = podman.mapping(support.at(draft.raw, path[:-1]))
    for index, held in podman.items(pod, "containers"):
        for number, port in podman.items(held, "ports"):
            inner = port.get("containerPort")
            found = next((one for one in left if one["containerPort"] == inner), None)
            if found is not None:
                draft.edit((*path, index, "ports", number)).update(found)
                left.remove(found)
    if left and isinstance(support.at(draft.raw, (*path, 0)), dict):
        if support.at(draft.raw, (*path, 0, "ports")) is None:
            draft.edit((*path, 0))["ports"] = []
        draft.edit((*path, 0, "ports")).extend(left)
