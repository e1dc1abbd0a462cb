"""Environment=, EnvironmentFile= and Secret=: variables of a container.

A file of variables may hold passwords, so it becomes a Secret, from which the container has them.
"""

from __future__ import annotations

import os

from manifests.quadlet import drafting
from manifests.quadlet.drafting import Draft, literal
from manifests.quadlet.remarks import Grade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.problems import FieldPath
    from manifests.quadlet.pods import PodDraft
    from manifests.quadlet.reader import Read, Reader

_HOST = "\0H"
"""Stands for %H, the name of the host, for which Kubernetes has a field: no value has a NUL."""
_SECRETS = "/run/secrets"


def read(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    """Read all that gives a container variables, into the container at `where`."""
    for name, one in reader.pairs("Environment", {"H": _HOST}).items():
        variable: dict[str, Any] = {"name": name, "value": literal(one.value)}
        if one.value == _HOST:
            variable = {"name": name, "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
        elif _HOST in one.value:
            reader.say(one.entry, "is left out: %H with more around it differs between hosts")
            continue
        pod.add((*where, "env"), variable, one.entry)
    for number, file in enumerate(reader.words("EnvironmentFile")):
        _file(reader, pod, where, file, number)
    for secret in reader.words("Secret"):
        _secret(reader, pod, where, secret)


def path_beside(unit_path: str, path: str) -> str:
    """Return where a file is that a unit names: relative to the unit's own directory."""
    return os.path.normpath(os.path.join(os.path.dirname(unit_path), path))


def _file(reader: Reader, pod: PodDraft, where: FieldPath, file: Read, number: int) -> None:
    path = path_beside(reader.unit.path, file.value)
    text = pod.units.text(path)
    if text is None:
        reader.say(file.entry, f"{path} cannot be read", Grade.MISSING)
        return
    container = str(pod.at((*where, "name")))
    stem = pod.name if container == pod.name else f"{pod.name}-{container}"
    secret = Draft("v1", "Secret", file.entry)
    secret.put(("metadata", "name"), f"{stem}-env{f'-{number + 1}' if number else ''}", file.entry)
    secret.put(("stringData",), {}, file.entry)
    found, bare = variables_of(text)
    for name, value in found:
        secret.put(("stringData", name), value, file.entry)
    for line in bare:
        # No word of the line itself: it may be a secret that was pasted without its name.
        reader.say(file.entry, f"line {line} of the file has no value, and is left out")
    pod.beside.append(secret)
    pod.add((*where, "envFrom"), {"secretRef": {"name": secret.name}}, file.entry)


def variables_of(text: str) -> tuple[list[tuple[str, str]], list[int]]:
    """Read a file as podman run --env-file does: no quotes, no escapes.

    With the variables come the numbers of the lines that give a name no value.
    """
    found: list[tuple[str, str]] = []
    bare: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.lstrip()
        name, equals, value = line.partition("=")
        if line and not line.startswith("#"):
            if equals:
                found.append((name.strip().removeprefix("export "), value))
            else:
                bare.append(number)
    return found, bare


def _secret(reader: Reader, pod: PodDraft, where: FieldPath, secret: Read) -> None:
    """Read NAME,type=env|mount,target=,mode=,uid=,gid=: the Secret NAME with a key NAME."""
    words = secret.value.split(",")
    given = dict(word.partition("=")[::2] for word in words)
    name = given.pop("source", "") or words[0]
    given.pop(name, None)
    sort, target = given.pop("type", "mount"), given.pop("target", "")
    mode = given.pop("mode", "")
    made = drafting.label(name, 253)
    for option, value in given.items():
        if value != "0":
            reader.say(secret.entry, f"is not supported: {option}={value} of {name}")
    reader.say(secret.entry, f"is the key {name} of the Secret {made}", Grade.TOLD)
    if sort == "env":
        reference = {"secretKeyRef": {"name": made, "key": name}}
        variable = {"name": target or name, "valueFrom": reference}
        pod.add((*where, "env"), variable, secret.entry)
        return
    path = os.path.join(_SECRETS, target or name)
    item = {"key": name, "path": os.path.basename(path)}
    if mode:
        try:
            item["mode"] = int(mode, 8)  # type: ignore[assignment]
        except ValueError:
            reader.say(secret.entry, f'mode "{mode}" must be an octal number', Grade.WRONG)
    source = {"secret": {"secretName": made, "items": [item]}}
    mount = {
        "name": pod.volume(source, f"secret-{made}", secret.entry),
        "mountPath": path,
        "subPath": os.path.basename(path),
        "readOnly": True,
    }
    there = pod.at((*where, "volumeMounts")) or ()
    if not any(one["mountPath"] == path for one in there):
        pod.add((*where, "volumeMounts"), mount, secret.entry)
