"""A Compose file in, documents with what is wrong and what is left out of it, out. Pure.

    read(compose_set) -> Reading: for manifests.load, beside manifests.documents

A service is a Pod of its name, as others look for it by that; several replicas are a Deployment.
A volume is a claim, a network a Network, secrets and configs are Secrets and ConfigMaps.
"""

from __future__ import annotations

from manifests.compose import environment, interpolation, mounts, networking, service, tables
from manifests.compose.book import Book, text
from manifests.documents import Origin
from manifests.quadlet.drafting import Draft
from manifests.quadlet.environment import variables_of
from manifests.quadlet.reading import Reading
from manifests.yaml import limits, reader
from manifests.yaml.syntax import UndecodableError, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.documents import Document
    from manifests.problems import FieldPath
    from manifests.sources import ComposeSet

_NETWORK_KEYS = frozenset({"driver", "ipam", "internal", "name", "external", "labels"})


def read(given: ComposeSet) -> Reading:
    """Return what the services of a file stand for."""
    try:
        words = decode(given.data, given.name)
    except UndecodableError as error:
        return Reading(documents=(), problems=(error.problem,), remarks=())
    found = reader.read(words, given.name, limits.DEFAULT)
    raw = found.documents[0].value if found.documents else None
    if not isinstance(raw, dict):
        return Reading(documents=(), problems=found.problems, remarks=())
    members = {one.name: one.data for one in given.members}
    book = Book(Origin(given.name, words), raw, members)
    environ = {**_dotenv(book), **dict(given.environ)}
    _interpolate(book, environ)
    _top(book)
    services = book.mapping(book.raw.get("services"), ("services",))
    if not services:
        book.wrong(("services",), "there are none")
    for name, one in services.items():
        path = ("services", name)
        made = service.draft(book, name, book.mapping(one, path))
        if made is not None:
            book.drafts.append(made)
            book.drafts.extend(getattr(made, "beside", ()))
    mounts.claims(book)
    _networks(book)
    for kind in ("secrets", "configs"):
        environment.objects(book, kind, environ)
    documents: tuple[Document, ...] = tuple(
        draft.document(given.name, index) for index, draft in enumerate(book.drafts)
    )
    return Reading(documents=documents, problems=found.problems, remarks=tuple(book.said))


def _dotenv(book: Book) -> dict[str, str]:
    """Return what the file .env beside the Compose file sets."""
    data = book.member(".env")
    found, _ = variables_of((data or b"").decode(errors="replace"))
    return {name: value.strip().strip("\"'") for name, value in found}


def _interpolate(book: Book, environ: dict[str, str]) -> None:
    made = interpolation.Interpolation(environ)
    book.raw = made.whole(book.raw)
    for path, message in made.wrong:
        book.wrong(path, message)
    for path, name in made.unset:
        book.say(path, f"${name} is set nowhere: it is nothing here")


def _top(book: Book) -> None:
    for key in book.raw:
        if key in tables.TOP_UNSUPPORTED:
            book.say((key,), f"is not supported: {tables.TOP_UNSUPPORTED[key]}")
        elif key not in tables.TOP and not str(key).startswith("x-"):
            book.unknown((str(key),), tables.TOP)


def _networks(book: Book) -> None:
    """Make the Networks that the top of the file declares; the default one is podpy's own."""
    for name, raw in book.mapping(book.raw.get("networks"), ("networks",)).items():
        path: FieldPath = ("networks", name)
        given = book.mapping(raw, path)
        if given.get("external") or (name == "default" and not given):
            continue
        if name == "default":
            book.say(path, "is not supported: the default network is podpy's own")
            continue
        draft = Draft("podpy.dev/v1", "Network", book.entry(path))
        draft.put(("metadata", "name"), networking.network_name(book, name), book.entry(path))
        for key in given:
            if key not in _NETWORK_KEYS:
                book.say((*path, key), f"is not supported: {key}")
        if text(given.get("driver")) not in ("", "bridge"):
            book.say((*path, "driver"), "is not supported: pods of this network are on a bridge")
        if given.get("internal"):
            draft.put(("spec", "internal"), True, book.entry((*path, "internal")))
        _addresses(book, draft, path, given)
        book.drafts.append(draft)


def _addresses(book: Book, draft: Draft, path: FieldPath, given: dict[str, Any]) -> None:
    where = (*path, "ipam")
    configured = book.mapping(given.get("ipam"), where).get("config")
    for number, (place, item) in enumerate(book.items(configured, (*where, "config"))):
        if number:
            book.say(place, "is not supported: a network has one subnet")
            continue
        for key, value in book.mapping(item, place).items():
            if key in ("subnet", "gateway"):
                draft.put(("spec", key), text(value), book.entry((*place, key)))
            else:
                book.say((*place, key), f"is not supported: {key}")
