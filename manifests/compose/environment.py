"""environment, env_file, secrets and configs of a service: variables and files of its container."""

from __future__ import annotations

import os

from manifests.compose.book import text
from manifests.quadlet import drafting
from manifests.quadlet.drafting import Draft, literal
from manifests.quadlet.environment import variables_of
from manifests.quadlet.remarks import Grade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.compose.book import Book
    from manifests.compose.draft import ServiceDraft
    from manifests.problems import FieldPath

_CONTAINER = ("spec", "containers", 0)
_KINDS = {"secrets": "Secret", "configs": "ConfigMap"}


def read(service: ServiceDraft) -> None:
    """Read all that gives the container of a service variables or files of the file's own."""
    book, given = service.book, service.given
    pairs = book.pairs(given.get("environment"), service.at_key("environment"))
    for name, (path, value) in pairs.items():
        if value is None:
            book.say(path, "has no value, and the environment of Compose is not known here")
        else:
            variable = {"name": name, "value": literal(text(value))}
            service.add((*_CONTAINER, "env"), variable, book.entry(path))
    files = book.items(given.get("env_file"), service.at_key("env_file"))
    for number, (path, item) in enumerate(files):
        options = item if isinstance(item, dict) else {"path": item}
        _file(service, path, options, number)
    for kind in _KINDS:
        for path, item in book.items(given.get(kind), service.at_key(kind)):
            _mount(service, kind, path, item if isinstance(item, dict) else {"source": item})


def _file(service: ServiceDraft, path: FieldPath, options: dict[str, Any], number: int) -> None:
    book = service.book
    name = text(options.get("path"))
    data = book.member(name)
    if data is None:
        if options.get("required") is False:
            book.say(path, f"{book.beside(name)} is not there, and need not be", Grade.TOLD)
        else:
            book.say(path, f"{book.beside(name)} cannot be read", Grade.MISSING)
        return
    entry = book.entry(path)
    secret = Draft("v1", "Secret", entry)
    secret.put(
        ("metadata", "name"), f"{service.name}-env{f'-{number + 1}' if number else ''}", entry
    )
    secret.put(("stringData",), {}, entry)
    found, bare = variables_of(data.decode(errors="replace"))
    for key, value in found:
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        secret.put(("stringData", key), value[1:-1] if quoted else value, entry)
    for line in bare:
        book.say(path, f"line {line} of the file has no value, and is left out")
    service.beside.append(secret)
    service.add((*_CONTAINER, "envFrom"), {"secretRef": {"name": secret.name}}, entry)


def _mount(service: ServiceDraft, kind: str, path: FieldPath, item: dict[str, Any]) -> None:
    """Mount one secret or config: a key of its own name in an object of its own."""
    book = service.book
    source = text(item.get("source"))
    declared = book.mapping(book.raw.get(kind), (kind,))
    if source not in declared:
        book.wrong(path, f'"{source}" is not declared below {kind}')
        return
    front = "/run/secrets" if kind == "secrets" else "/"
    target = os.path.join(front, text(item.get("target")) or source)
    file: dict[str, Any] = {"key": source, "path": os.path.basename(target)}
    mode = item.get("mode")
    if mode is not None:
        file["mode"] = mode if isinstance(mode, int) else int(text(mode), 8)
    for key in ("uid", "gid"):
        if text(item.get(key)) not in ("", "0"):
            book.say((*path, key), f"is not supported: {key}")
    name = object_name(source, declared[source])
    held = {"secretName": name} if kind == "secrets" else {"name": name}
    volume = {"secret" if kind == "secrets" else "configMap": {**held, "items": [file]}}
    entry = book.entry(path)
    mount = {
        "name": service.volume(volume, f"{kind[:-1]}-{source}", entry),
        "mountPath": target,
        "subPath": os.path.basename(target),
        "readOnly": True,
    }
    service.add((*_CONTAINER, "volumeMounts"), mount, entry)


def object_name(source: str, raw: object) -> str:
    """Return the name of the object that a secret or config is."""
    given = raw.get("name") if isinstance(raw, dict) else None
    return drafting.label(text(given) or source, 253)


def objects(book: Book, kind: str, environ: dict[str, str]) -> None:
    """Make the Secrets, or ConfigMaps, that the top of the file declares."""
    for source, raw in book.mapping(book.raw.get(kind), (kind,)).items():
        path = (kind, source)
        given = book.mapping(raw, path)
        if given.get("external"):
            message = f"must be there already: the key {source} of {object_name(source, raw)}"
            book.say(path, message, Grade.TOLD)
            continue
        data = _content(book, path, given, environ)
        if data is None:
            continue
        draft = Draft("v1", _KINDS[kind], book.entry(path))
        draft.put(("metadata", "name"), object_name(source, raw), book.entry(path))
        _hold(draft, source, data, kind)
        book.drafts.append(draft)


def _content(
    book: Book, path: FieldPath, given: dict[str, Any], environ: dict[str, str]
) -> bytes | None:
    if "file" in given:
        data = book.member(text(given["file"]))
        if data is None:
            place = book.beside(text(given["file"]))
            book.say((*path, "file"), f"{place} cannot be read", Grade.MISSING)
        return data
    if "content" in given:
        return text(given["content"]).encode()
    name = text(given.get("environment"))
    if name in environ:
        return environ[name].encode()
    message = f"the variable {name} is not set" if name else "file or external is required"
    book.wrong(path, message)
    return None


def _hold(draft: Draft, key: str, data: bytes, kind: str) -> None:
    import base64

    if kind == "secrets":
        draft.put(("data", key), base64.b64encode(data).decode(), draft.top)
        return
    try:
        draft.put(("data", key), data.decode(), draft.top)
    except UnicodeDecodeError:
        draft.put(("binaryData", key), base64.b64encode(data).decode(), draft.top)
