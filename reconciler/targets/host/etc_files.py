"""Write a pod's /etc/hosts, hostname and resolv.conf, and see what was changed of them by hand.

They are made once, as the kubelet makes them: a pod keeps the name servers that it began with. What
was written is remembered, so that a change of the host's own files is no drift. They lie on the
disk, as under the kubelet: containers may write to them, and could fill the host's memory.
"""

from __future__ import annotations

import os

from renderers import names
from runtime import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.observed import PodRecord
    from runtime.paths import Paths


def write(paths: Paths, record: PodRecord, hostname: str, resolver: str) -> None:
    """Write the files of a new pod."""
    texts = {
        "hosts": names.hosts(record.pod, record.address, hostname, _host_names(record)),
        "hostname": f"{hostname}\n",
        "resolv.conf": resolver,
    }
    files.write_json(_memory(paths, record.uid), texts)
    for name, text in texts.items():
        _write(paths, record.uid, name, text)


def changed(paths: Paths, uid: str) -> tuple[str, ...]:
    """Return the names of the files that are not as they were written."""
    texts = files.read_json(_memory(paths, uid)) or {}
    return tuple(name for name, text in texts.items() if not _holds(paths, uid, name, text))


def restore(paths: Paths, uid: str) -> None:
    """Write again what was changed, in place: containers have these very files mounted."""
    texts = files.read_json(_memory(paths, uid)) or {}
    for name in changed(paths, uid):
        _write(paths, uid, name, texts[name])


def _write(paths: Paths, uid: str, name: str, text: str) -> None:
    path = f"{paths.pod_etc(uid)}/{name}"
    os.makedirs(paths.pod_etc(uid), mode=0o755, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o644)


def _holds(paths: Paths, uid: str, name: str, text: str) -> bool:
    """Say whether the file holds this text; how large it has become is up to containers."""
    wanted = text.encode()
    try:
        with open(f"{paths.pod_etc(uid)}/{name}", "rb") as file:
            return file.read(len(wanted) + 1) == wanted
    except FileNotFoundError:
        return False


def _memory(paths: Paths, uid: str) -> str:
    return f"{paths.pod(uid)}/etc.json"


def _host_names(record: PodRecord) -> str:
    """The host's own /etc/hosts, for a pod that has the host's network."""
    if not record.pod.spec.host_network:
        return ""
    try:
        with open("/etc/hosts", encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""
