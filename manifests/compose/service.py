"""One service of a Compose file in, a Pod out, or a Deployment where it has replicas.

What the service mounts is manifests.compose.mounts; the top of the file manifests.compose.reading.
"""

from __future__ import annotations

import shlex

from manifests import settings
from manifests.compose import checks, confinement, environment, mounts, networking, tables
from manifests.compose.book import text
from manifests.compose.draft import CONTAINER, ServiceDraft, object_name
from manifests.quadlet import drafting, durations
from manifests.quadlet.drafting import Draft, literal
from manifests.quadlet.remarks import Grade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.compose.book import Book
    from manifests.problems import FieldPath

_RESTARTS = {
    "no": "Never",
    "always": "Always",
    "unless-stopped": "Always",
    "on-failure": "OnFailure",
    "none": "Never",
    "any": "Always",
}
_PULLS = {
    "always": "Always",
    "never": "Never",
    "missing": "IfNotPresent",
    "if_not_present": "IfNotPresent",
}
_GRACE = 10
"""Seconds that Compose gives a container to stop in, where nothing says so."""


def draft(book: Book, name: str, raw: dict[str, Any]) -> Draft | None:
    """Return the object of a service; None for one that is left out, which is told."""
    service = ServiceDraft(book, name, raw)
    for key in raw:
        if key in tables.UNSUPPORTED:
            service.say(f"is not supported: {tables.UNSUPPORTED[key]}", key)
        elif key not in tables.HONOURED and not key.startswith("x-"):
            book.unknown(service.at_key(key), tables.KNOWN)
    if raw.get("profiles"):
        service.say("is left out: it runs only where a profile is chosen", "profiles")
        return None
    _name(service)
    _image(service)
    _command(service)
    environment.read(service)
    networking.read(service)
    mounts.read(service)
    confinement.read(service)
    checks.read(service)
    _labels(service)
    _ending(service)
    _order(service)
    return _replicated(service)


def _name(service: ServiceDraft) -> None:
    made = object_name(service.book, service.service)
    key = ("container_name",) if "container_name" in service.given else ()
    service.set(("metadata", "name"), made, *key)
    service.push(("spec", "containers"), {"name": made}, *key)
    given = text(service.given.get("container_name")) or service.service
    if given != made:
        service.say(f'"{given}" is called "{made}"', *key, grade=Grade.TOLD)


def _image(service: ServiceDraft) -> None:
    given = service.given
    image = text(given.get("image"))
    if "build" in given:
        project = drafting.label(text(service.book.raw.get("name"))) or "compose"
        image = image or f"localhost/{project}-{service.service}"
        service.say(f"is not supported: have {image} built, and podpy image load it", "build")
        service.set((*CONTAINER, "imagePullPolicy"), "Never", "build")
    if not image:
        service.book.wrong(service.path, "image or build is required")
        return
    service.set((*CONTAINER, "image"), image, "image" if "image" in given else "build")
    policy = text(given.get("pull_policy"))
    if policy in _PULLS:
        service.set((*CONTAINER, "imagePullPolicy"), _PULLS[policy], "pull_policy")
    elif policy:
        service.say(f"is not supported: {policy}", "pull_policy")
    elif "build" not in given:
        # Else Kubernetes would ask for :latest each time; Compose does not.
        service.set((*CONTAINER, "imagePullPolicy"), "IfNotPresent", "image")


def _command(service: ServiceDraft) -> None:
    for key, field in (("entrypoint", "command"), ("command", "args")):
        given = service.given.get(key)
        if given is None:
            continue
        words = [text(one) for one in given] if isinstance(given, list) else _split(service, key)
        if words and words != [""]:
            service.set((*CONTAINER, field), [literal(one) for one in words], key)
        else:
            service.say("is not supported: an empty one, which takes back the image's", key)
    if "working_dir" in service.given:
        service.set((*CONTAINER, "workingDir"), text(service.given["working_dir"]), "working_dir")
    for key, field in (("stdin_open", "stdin"), ("tty", "tty")):
        if service.given.get(key):
            service.set((*CONTAINER, field), True, key)
    if service.given.get("init"):
        service.say("is not supported: the first process of the container is its own", "init")


def _split(service: ServiceDraft, key: str) -> list[str]:
    try:
        return shlex.split(text(service.given[key]))
    except ValueError as error:
        service.book.wrong(service.at_key(key), f"cannot be split into words: {error}")
        return []


def _labels(service: ServiceDraft) -> None:
    book, given = service.book, service.given
    for key in ("labels", "annotations"):
        for name, (path, value) in book.pairs(given.get(key), service.at_key(key)).items():
            _label(service, name, text(value), path, annotation=key == "annotations")
    logging = book.mapping(given.get("logging"), service.at_key("logging"))
    driver = text(logging.get("driver"))
    if driver in ("json-file", "local", "none"):
        value = settings.NO_LOG if driver == "none" else settings.K8S_FILE
        service.set(("metadata", "annotations", settings.LOG_DRIVER), value, "logging", "driver")
    elif driver:
        service.say(f"is not supported: {driver}", "logging", "driver")
    options = service.at_key("logging", "options")
    for name, (path, value) in book.pairs(logging.get("options"), options).items():
        if name == "max-size":
            place = ("metadata", "annotations", settings.LOG_SIZE)
            service.put(place, text(value), book.entry(path))
        else:
            book.say(path, f"is not supported: {name}")


def _label(
    service: ServiceDraft, name: str, value: str, path: FieldPath, *, annotation: bool
) -> None:
    from manifests.checks import names

    entry = service.book.entry(path)
    if names.qualified(name.lower() if annotation else name):
        service.book.say(path, f"{names.qualified(name)}; it is left out")
    elif annotation or names.label_value(value):
        service.put(("metadata", "annotations", name), value, entry)
        if not annotation:
            message = "is an annotation here: its value is not one of a label"
            service.book.say(path, message, Grade.TOLD)
    else:
        service.put(("metadata", "labels", name), value, entry)


def _ending(service: ServiceDraft) -> None:
    given = service.given
    if "stop_signal" in given:
        signal = text(given["stop_signal"]).upper()
        name = signal if signal.startswith("SIG") else f"SIG{signal}"
        service.set((*CONTAINER, "lifecycle", "stopSignal"), name, "stop_signal")
    grace = ("spec", "terminationGracePeriodSeconds")
    service.set(grace, _GRACE)
    if "stop_grace_period" in given:
        try:
            seconds = durations.seconds(text(given["stop_grace_period"]))
            service.set(grace, -int(-seconds // 1), "stop_grace_period")
        except ValueError as error:
            service.book.wrong(service.at_key("stop_grace_period"), str(error))
    _restart(service)


def _restart(service: ServiceDraft) -> None:
    book, given = service.book, service.given
    deploy = book.mapping(given.get("deploy"), service.at_key("deploy"))
    policy = book.mapping(deploy.get("restart_policy"), service.at_key("deploy", "restart_policy"))
    word = text(given.get("restart"))
    keys: tuple[str, ...] = ("restart",)
    if given.get("restart") is False:  # YAML's own reading of no
        word = "no"
    if "condition" in policy:
        word, keys = text(policy["condition"]), ("deploy", "restart_policy", "condition")
    name, _, times = word.partition(":")
    if name and name not in _RESTARTS:
        known = "no, always, on-failure, unless-stopped"
        book.wrong(service.at_key(*keys), f'"{word}" must be one of {known}')
    if times:
        service.say("is not supported: it is tried again for ever, ever more slowly", *keys)
    for key in policy:
        if key != "condition":
            path = service.at_key("deploy", "restart_policy", key)
            book.say(path, "is not supported: the waits are those of Kubernetes")
    value = _RESTARTS.get(name, "Never")
    service.set(("spec", "restartPolicy"), value, *(keys if word else ()))


def _order(service: ServiceDraft) -> None:
    book, given = service.book, service.given
    listed = given.get("depends_on")
    named = (
        {text(item): (path, {}) for path, item in book.items(listed, service.at_key("depends_on"))}
        if isinstance(listed, list)
        else book.pairs(listed, service.at_key("depends_on"))
    )
    services = book.mapping(book.raw.get("services"), ("services",))
    found = []
    for name, (path, options) in named.items():
        if name not in services:
            book.wrong(path, f'there is no service "{name}"')
            continue
        for option, value in book.mapping(options, path).items():
            if (option == "restart" and value) or (option == "required" and value is False):
                book.say((*path, option), f"is not supported: {option}")
        found.append(f"{_kind(services[name])}/{object_name(book, name)}")
    if found:
        service.set(("metadata", "annotations", settings.DEPENDS_ON), ",".join(found), "depends_on")


def _kind(raw: object) -> str:
    return "Deployment" if isinstance(raw, dict) and _replicas(raw) != 1 else "Pod"


def _replicas(raw: dict[str, Any]) -> int:
    deploy = raw.get("deploy")
    count = deploy.get("replicas") if isinstance(deploy, dict) else None
    given = raw.get("scale") if count is None else count
    return given if isinstance(given, int) else 1


def _replicated(service: ServiceDraft) -> Draft:
    """Return the pod, or the Deployment of it where there is to be another number than one."""
    for key in service.book.mapping(service.given.get("deploy"), service.at_key("deploy")):
        if key not in ("replicas", "resources", "restart_policy", "mode"):
            service.say(f"is not supported: {key}", "deploy", key)
    count = _replicas(service.given)
    if count == 1:
        return service
    keys = ("deploy", "replicas") if "deploy" in service.given else ("scale",)
    entry = service.book.entry(service.at_key(*keys))
    labels = {"app": service.name, **(service.at(("metadata", "labels")) or {})}
    service.put(("metadata", "labels"), labels, entry)
    made = drafting.templated(service, "apps/v1", "Deployment")
    made.put(("spec", "replicas"), count, entry)
    made.put(("spec", "selector", "matchLabels"), {"app": labels["app"]}, entry)
    if service.raw["spec"].pop("restartPolicy", "Always") != "Always":
        message = "is not supported for several replicas: they are always restarted"
        service.say(message, *keys)
    service.say("its pods are not found by the service's name", *keys, grade=Grade.TOLD)
    return made
