"""volumes, tmpfs and shm_size of a service: volumes of its pod."""

from __future__ import annotations

import os

from manifests.compose.book import text
from manifests.quadlet import drafting, durations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.compose.book import Book
    from manifests.compose.draft import ServiceDraft
    from manifests.problems import FieldPath

_MOUNTS = ("spec", "containers", 0, "volumeMounts")
_HARMLESS = ("consistency", "create_host_path")


def read(service: ServiceDraft) -> None:
    """Read all mounts of a service."""
    book, given = service.book, service.given
    for path, item in book.items(given.get("volumes"), service.at_key("volumes")):
        if isinstance(item, dict):
            _long(service, path, item)
        else:
            _short(service, path, text(item))
    for path, item in book.items(given.get("tmpfs"), service.at_key("tmpfs")):
        target, _, options = text(item).partition(":")
        words = dict(word.partition("=")[::2] for word in options.split(",") if word)
        _tmpfs(service, path, target, words.get("size", ""))
    if "shm_size" in given:
        path = service.at_key("shm_size")
        _tmpfs(service, path, "/dev/shm", text(given["shm_size"]))  # noqa: S108


def _short(service: ServiceDraft, path: FieldPath, word: str) -> None:
    """Read [SOURCE:]TARGET[:OPTIONS]."""
    source, colon, rest = word.partition(":")
    target, _, options = rest.partition(":")
    if not colon:
        source, target = "", source
    _mount(service, path, _source(service, path, source), target, options)


def _long(service: ServiceDraft, path: FieldPath, item: dict[str, Any]) -> None:
    sort, target = text(item.get("type")) or "volume", text(item.get("target"))
    source = text(item.get("source"))
    bind, volume, tmpfs = (
        service.book.mapping(item.get(key), (*path, key)) for key in ("bind", "volume", "tmpfs")
    )
    options = ["ro"] if item.get("read_only") else []
    if "propagation" in bind:
        options.append(text(bind["propagation"]))
    if "selinux" in bind:
        options.append(text(bind["selinux"]))
    for key in volume:
        if key not in ("subpath", "nocopy"):
            service.book.say((*path, "volume", key), f"is not supported: {key}")
    if sort == "tmpfs":
        _tmpfs(service, path, target, text(tmpfs.get("size")))
        return
    if sort == "image":
        found: dict[str, Any] | None = {"image": {"reference": source}}
    elif sort in ("bind", "volume"):
        if sort == "bind" and not source.startswith(("/", ".", "~")):
            source = f"./{source}"
        found = _source(service, path, source)
    else:
        service.book.say(path, f"is not supported: type {sort}")
        return
    _mount(service, path, found, target, ",".join(options), text(volume.get("subpath")))


def _source(service: ServiceDraft, path: FieldPath, source: str) -> dict[str, Any] | None:
    """Return the volume that a word means; None where it is none, which is told."""
    book = service.book
    if not source:
        # Each has one of its own.
        return {"emptyDir": {}}
    if source.startswith(("/", ".", "~")):
        source = os.path.expanduser(source)
        path_of_host = os.path.join(os.getcwd(), book.beside(source))
        return {"hostPath": {"path": os.path.normpath(path_of_host)}}
    declared = book.mapping(book.raw.get("volumes"), ("volumes",))
    if source not in declared:
        book.wrong(path, f'the volume "{source}" is not declared below volumes')
        return None
    return {"persistentVolumeClaim": {"claimName": claim_name(source, declared[source])}}


def claim_name(name: str, raw: object) -> str:
    """Return the name of the claim that a volume of the file is."""
    given = raw.get("name") if isinstance(raw, dict) else None
    return drafting.label(text(given) or name, 253)


def _mount(
    service: ServiceDraft,
    path: FieldPath,
    source: dict[str, Any] | None,
    target: str,
    options: str,
    subpath: str = "",
) -> None:
    """Mount; the options go on to manifests.podman, which knows them."""
    if source is None:
        return
    if not target.startswith("/"):
        service.book.wrong(path, f'"{target}" must be a path from the root')
        return
    entry = service.book.entry(path)
    kind, held = next(iter(source.items()))
    hint = target if kind == "emptyDir" else next(iter(held.values()))
    mount = {
        "name": service.volume(source, os.path.basename(str(hint)) or "root", entry),
        "mountPath": f"{target}:{options}" if options else target,
    }
    service.add(_MOUNTS, {**mount, "subPath": subpath} if subpath else mount, entry)


def _tmpfs(service: ServiceDraft, path: FieldPath, target: str, size: str) -> None:
    source: dict[str, Any] = {"medium": "Memory"}
    if size:
        try:
            source["sizeLimit"] = durations.amount(durations.size(size))
        except ValueError as error:
            service.book.wrong(path, str(error))
    _mount(service, path, {"emptyDir": source}, target, "")


def claims(book: Book) -> None:
    """Make the claims that the top of the file declares."""
    for name, raw in book.mapping(book.raw.get("volumes"), ("volumes",)).items():
        path: FieldPath = ("volumes", name)
        given = book.mapping(raw, path)
        if given.get("external"):
            continue
        draft = drafting.Draft("v1", "PersistentVolumeClaim", book.entry(path))
        draft.put(("metadata", "name"), claim_name(name, raw), book.entry(path))
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        draft.put(("spec",), spec, book.entry(path))
        for key in given:
            if key not in ("name", "labels", "external") and not (
                key == "driver" and given[key] == "local"
            ):
                book.say((*path, key), "is not supported: the claim is a directory of this host")
        book.drafts.append(draft)
