"""Secrets of Podman's that a container has, as files or as variables: facts in, Secrets named out.

`podman inspect` tells neither where they are nor which are variables; the command that made the
container does. Without one there are the files, where Podman puts them by itself.
"""

from __future__ import annotations

import base64

from manifests.quadlet.drafting import label
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from manifests.inspected.draft import Draft
    from manifests.inspected.facts import Facts

MASKED = "*******"
"""What `podman inspect` tells in place of a secret's value."""
_DIRECTORY = "/run/secrets"
_FLAG = "--secret"
_MODE = 0o444


class Given(Value):
    """A secret as a container has it: as the variable `env`, or else as the file at `path`."""

    secret: str
    env: str = ""
    path: str = ""
    mode: int = _MODE
    owner: str = "0"


def read(draft: Draft, facts: Facts, made: dict[str, Any]) -> None:
    """Give the container its secrets, as those of Kubernetes."""
    for one in of(facts):
        name = draft.secret(one.secret)
        if one.env:
            source = {"secretKeyRef": {"name": name, "key": one.secret}}
            made.setdefault("env", []).append({"name": one.env, "valueFrom": source})
            continue
        if one.owner not in ("", "0"):
            why = f"{one.secret}: its owner is root, not {one.owner}"
            draft.lose(facts.name, "Config.Secrets", why)
        files = {"secret": {"secretName": name, "defaultMode": one.mode}}
        volume = draft.volume(files, f"secret-{name}")
        mount = {"name": volume, "mountPath": one.path, "subPath": one.secret, "readOnly": True}
        made.setdefault("volumeMounts", []).append(mount)


def of(facts: Facts) -> list[Given]:
    """Return the secrets of a container."""
    said = [_given(word) for word in _words(facts.listed("Config.CreateCommand"))]
    files = {one.secret for one in said if not one.env}
    for raw in facts.listed("Config.Secrets"):
        name = raw.get("Name", "")
        if name not in files:
            owner = str(raw.get("UID") or 0)
            mode = raw.get("Mode") or _MODE
            path = f"{_DIRECTORY}/{name}"
            said.append(Given(secret=name, path=path, mode=mode, owner=owner))
    return said


def _words(command: list[Any]) -> Iterator[str]:
    """Give the values of --secret; what stands behind the image is the container's own."""
    for index, word in enumerate(command):
        if word == _FLAG and index + 1 < len(command):
            yield command[index + 1]
        elif isinstance(word, str) and word.startswith(f"{_FLAG}="):
            yield word.partition("=")[2]


def _given(word: str) -> Given:
    name, *options = word.split(",")
    fields = {key: value for key, _, value in (one.partition("=") for one in options)}
    target = fields.get("target", "") or name
    if fields.get("type") == "env":
        return Given(secret=name, env=target)
    mode = fields.get("mode", "")
    return Given(
        secret=name,
        path=target if target.startswith("/") else f"{_DIRECTORY}/{target}",
        mode=int(mode, 8) if mode.isdigit() else _MODE,
        owner=fields.get("uid", "0"),
    )


def document(secret: str, value: bytes, namespace: str) -> dict[str, Any]:
    """Return the Secret that holds a secret of Podman's under its name."""
    place = {"namespace": namespace} if namespace not in ("", "default") else {}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": label(secret), **place},
        "data": {secret: base64.b64encode(value).decode()},
    }
