"""ports, expose, networks and what else gives a service names and addresses."""

from __future__ import annotations

from manifests import publishing, settings
from manifests.compose.book import text
from manifests.compose.draft import CONTAINER
from manifests.quadlet import drafting
from manifests.quadlet.remarks import Grade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.compose.book import Book
    from manifests.compose.draft import ServiceDraft
    from manifests.problems import FieldPath


def read(service: ServiceDraft) -> None:
    """Read all that a service says of its network."""
    _ports(service)
    _network(service)
    _host(service)


def _ports(service: ServiceDraft) -> None:
    book, given = service.book, service.given
    host = given.get("network_mode") == "host"
    for path, item in book.items(given.get("ports"), service.at_key("ports")):
        word = _port(item) if isinstance(item, dict) else text(item)
        try:
            found = list(publishing.read(word))
        except ValueError as error:
            book.wrong(path, f'"{word}": {error}')
            continue
        if found and not found[0].given and not host:
            message = f"Compose takes any port of the host; here it is {found[0].host}"
            book.say(path, message, Grade.TOLD)
        for one in () if host else found:
            service.add((*CONTAINER, "ports"), one.raw(), book.entry(path))
    for path, item in book.items(given.get("expose"), service.at_key("expose")):
        number, _, protocol = text(item).partition("/")
        try:
            numbers = publishing.numbers(number)
        except ValueError:
            book.wrong(path, f'"{item}" is no port, as 80 or 8000-8010/udp')
            continue
        sort = {"protocol": protocol.upper()} if protocol not in ("", "tcp") else {}
        for port in numbers:
            service.add((*CONTAINER, "ports"), {"containerPort": port, **sort}, book.entry(path))


def _port(item: dict[str, Any]) -> str:
    """Write the long form of a port as the short one."""
    published, address = text(item.get("published")), text(item.get("host_ip"))
    host = f"[{address}]" if ":" in address else address
    front = f"{host}:{published}:" if host else f"{published}:" if published else ""
    return f"{front}{text(item.get('target'))}/{text(item.get('protocol')) or 'tcp'}"


def _network(service: ServiceDraft) -> None:
    book, given = service.book, service.given
    mode = text(given.get("network_mode"))
    if mode == "host":
        service.set(("spec", "hostNetwork"), True, "network_mode")
    elif mode == "none":
        service.set(("metadata", "annotations", settings.NETWORK), "none", "network_mode")
    elif mode and mode != "bridge":
        service.say(f"is not supported: {mode}", "network_mode")
    listed = given.get("networks")
    named = (
        {text(item): (path, None) for path, item in book.items(listed, service.at_key("networks"))}
        if isinstance(listed, list)
        else book.pairs(listed, service.at_key("networks"))
    )
    for number, (name, (path, options)) in enumerate(named.items()):
        declared = book.mapping(book.raw.get("networks"), ("networks",))
        if name != "default" and name not in declared:
            book.wrong(path, f'the network "{name}" is not declared below networks')
        elif number:
            book.say(path, "is not supported: a pod joins one network, the first named")
        else:
            _join(service, name, path, book.mapping(options, path))


def _join(service: ServiceDraft, name: str, path: FieldPath, options: dict[str, Any]) -> None:
    book = service.book
    if name != "default":
        joined = network_name(book, name)
        service.put(("metadata", "annotations", settings.NETWORK), joined, book.entry(path))
    for option, value in options.items():
        if option == "ipv4_address":
            address = ("metadata", "annotations", settings.ADDRESS)
            service.put(address, text(value), book.entry((*path, option)))
        elif option == "mac_address":
            service.put(
                ("metadata", "annotations", settings.MAC), text(value), book.entry((*path, option))
            )
        elif option == "aliases":
            others = [one for one in value or () if one not in (service.name, service.service)]
            if others:
                book.say((*path, option), "is not supported: a pod is found by its own name")
        elif option not in ("priority", "gw_priority"):
            book.say((*path, option), f"is not supported: {option}")


def network_name(book: Book, name: str) -> str:
    """Return the name of the Network that a name below networks stands for."""
    declared = book.mapping(book.raw.get("networks"), ("networks",)).get(name)
    given = declared.get("name") if isinstance(declared, dict) else None
    return drafting.label(text(given) or name)


def _host(service: ServiceDraft) -> None:
    book, given = service.book, service.given
    if "hostname" in given:
        name = text(given["hostname"])
        own = drafting.label(name.partition(".")[0])
        service.set(("spec", "hostname"), own, "hostname")
        if own != name:
            message = f'it is "{own}": Kubernetes has no domains or other signs in it'
            service.say(f"is not supported as it is: {message}", "hostname")
    for key, field in (("pid", "hostPID"), ("ipc", "hostIPC")):
        mode = text(given.get(key))
        if mode == "host":
            service.set(("spec", field), True, key)
        elif mode and mode not in ("private", "shareable"):
            service.say(f"is not supported: {mode}", key)
    hosts = given.get("extra_hosts")
    if isinstance(hosts, list):
        hosts = dict(_host_line(text(one)) for one in hosts)
    for name, (path, address) in book.pairs(hosts, service.at_key("extra_hosts")).items():
        if settings.fault(settings.ADDRESS, text(address)):
            book.say(path, f'is not supported: "{text(address)}" is no address')
        else:
            alias = {"ip": text(address), "hostnames": [name]}
            service.add(("spec", "hostAliases"), alias, book.entry(path))
    for key, field in (("dns", "nameservers"), ("dns_search", "searches")):
        for path, item in book.items(given.get(key), service.at_key(key)):
            service.add(("spec", "dnsConfig", field), text(item), book.entry(path))
    for path, item in book.items(given.get("dns_opt"), service.at_key("dns_opt")):
        name, colon, value = text(item).partition(":")
        option = {"name": name, "value": value} if colon else {"name": name}
        service.add(("spec", "dnsConfig", "options"), option, book.entry(path))


def _host_line(line: str) -> tuple[str, str]:
    """Read NAME=ADDRESS or NAME:ADDRESS."""
    sign = "=" if "=" in line else ":"
    name, _, address = line.partition(sign)
    return name, address.strip("[]")
