"""What a service may do and use: user, capabilities, profiles, and limits of its container."""

from __future__ import annotations

from manifests import podman_limits
from manifests.compose import tables
from manifests.compose.book import text
from manifests.compose.draft import CONTAINER
from manifests.quadlet import durations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.compose.draft import ServiceDraft
    from manifests.problems import FieldPath

_SECURITY = (*CONTAINER, "securityContext")


def read(service: ServiceDraft) -> None:
    """Read what a service says of its rights and limits."""
    _security(service)
    _resources(service)


def _security(service: ServiceDraft) -> None:
    book, given = service.book, service.given
    user, _, group = text(given.get("user")).partition(":")
    for value, field in ((user, "runAsUser"), (group, "runAsGroup")):
        if value.isdigit():
            service.set((*_SECURITY, field), int(value), "user")
        elif value:
            service.say(f'is not supported: "{value}" is no number; write its number', "user")
    for key, field in (("cap_add", "add"), ("cap_drop", "drop")):
        for path, item in book.items(given.get(key), service.at_key(key)):
            name = text(item).upper().removeprefix("CAP_")
            service.add((*_SECURITY, "capabilities", field), name, book.entry(path))
    for key, field in (("privileged", "privileged"), ("read_only", "readOnlyRootFilesystem")):
        if given.get(key):
            service.set((*_SECURITY, field), True, key)
    for path, item in book.items(given.get("group_add"), service.at_key("group_add")):
        if text(item).isdigit():
            groups = ("spec", "securityContext", "supplementalGroups")
            service.add(groups, int(item), book.entry(path))
        else:
            book.say(path, f'is not supported: "{item}" is no number')
    for name, (path, value) in book.pairs(given.get("sysctls"), service.at_key("sysctls")).items():
        sysctl = {"name": name, "value": text(value)}
        service.add(("spec", "securityContext", "sysctls"), sysctl, book.entry(path))
    for path, item in book.items(given.get("security_opt"), service.at_key("security_opt")):
        _option(service, path, text(item))
    if text(given.get("userns_mode")) not in ("", "host"):
        service.say(f"is not supported: {tables.USERS}", "userns_mode")


def _option(service: ServiceDraft, path: FieldPath, word: str) -> None:
    entry = service.book.entry(path)
    name, _, value = word.replace("=", ":", 1).partition(":")
    kind, _, detail = value.replace("=", ":", 1).partition(":")
    if name == "no-new-privileges" and value in ("", "true"):
        service.put((*_SECURITY, "allowPrivilegeEscalation"), False, entry)
    elif name in ("seccomp", "apparmor") and value == "unconfined":
        field = "seccompProfile" if name == "seccomp" else "appArmorProfile"
        service.put((*_SECURITY, field), {"type": "Unconfined"}, entry)
    elif name == "apparmor":
        profile = {"type": "Localhost", "localhostProfile": value}
        service.put((*_SECURITY, "appArmorProfile"), profile, entry)
    elif name == "label" and kind in ("type", "level", "user", "role"):
        service.put((*_SECURITY, "seLinuxOptions", kind), detail, entry)
    elif word not in ("label:disable", "label=disable", "no-new-privileges:false"):
        service.book.say(path, f"is not supported: {word}")


def _resources(service: ServiceDraft) -> None:
    book, given = service.book, service.given
    deploy = book.mapping(given.get("deploy"), service.at_key("deploy"))
    resources = book.mapping(deploy.get("resources"), service.at_key("deploy", "resources"))
    for kind, field in (("limits", "limits"), ("reservations", "requests")):
        path = service.at_key("deploy", "resources", kind)
        for name, value in book.mapping(resources.get(kind), path).items():
            _amount(service, field, name, value, (*path, name))
    for key, field, name in (
        ("cpus", "limits", "cpus"),
        ("mem_limit", "limits", "memory"),
        ("mem_reservation", "requests", "memory"),
        ("pids_limit", "limits", "pids"),
    ):
        if key in given:
            _amount(service, field, name, given[key], service.at_key(key))
    if "cpuset" in given:
        key = f"{podman_limits.PREFIX}{podman_limits.CPUS}/{service.name}"
        service.set(("metadata", "annotations", key), text(given["cpuset"]), "cpuset")
    limits = []
    for name, (path, value) in book.pairs(given.get("ulimits"), service.at_key("ulimits")).items():
        both = book.mapping(value, path) if isinstance(value, dict) else {}
        limits.append(f"{name}={both['soft']}:{both['hard']}" if both else f"{name}={value}")
    if limits:
        key = f"{podman_limits.PREFIX}{podman_limits.ULIMIT}"
        service.set(("metadata", "annotations", key), ",".join(limits), "ulimits")


def _amount(service: ServiceDraft, field: str, name: str, value: object, path: FieldPath) -> None:
    entry = service.book.entry(path)
    where = (*CONTAINER, "resources", field)
    try:
        if name == "cpus":
            service.put((*where, "cpu"), f"{round(float(text(value)) * 1000)}m", entry)
        elif name == "memory":
            service.put((*where, "memory"), durations.amount(durations.size(text(value))), entry)
        elif name == "pids":
            key = f"{podman_limits.PREFIX}{podman_limits.PIDS}/{service.name}"
            service.put(("metadata", "annotations", key), text(value), entry)
        else:
            service.book.say(path, f"is not supported: {name}")
    except ValueError as error:
        service.book.wrong(path, str(error))
