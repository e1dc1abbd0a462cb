"""Render how names are found: a pod's hosts and resolv.conf, and a name server's records. Pure.

The files are put in place by reconciler.targets.host, the records served by runtime.net.dns.
"""

from __future__ import annotations

from manifests.pod import DNSPolicy
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.pod import DNSConfig, Pod

DOMAIN = "cluster.local"
_NAMESERVERS = 3
_SEARCHES = 32
_SEARCH_LENGTH = 2048
"""What the C libraries read of a resolv.conf, and so what Kubernetes writes."""

_LOCALHOST = """\
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""


class Entry(Value):
    """A pod that other pods find by its name, or by `aliases`, in its namespace."""

    address: str
    name: str
    namespace: str
    aliases: tuple[str, ...] = ()


class Resolver(Value):
    """What a resolv.conf says; options as they are written (`ndots:5`)."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def records(entries: Iterable[Entry]) -> str:
    """Return the name server's records as a hosts file; the first name is the address's own."""
    lines = []
    for entry in entries:
        names = dict.fromkeys((entry.name, *entry.aliases))
        full = " ".join(f"{name}.{entry.namespace}.svc.{DOMAIN}" for name in names)
        lines.append(f"{entry.address}\t{full}\n")
    return "".join(sorted(lines))


def hosts(pod: Pod, address: str, hostname: str, host: str = "") -> str:
    """Return the pod's /etc/hosts.

    `address` is "" for a pod without a network. A pod on the host's network has what the host's
    own file (`host`) says, as in Kubernetes.
    """
    if pod.spec.host_network and host:
        text = host if host.endswith("\n") else f"{host}\n"
    else:
        full = fqdn(pod, hostname)
        names = f"{full}\t{short(hostname)}" if full else hostname
        text = f"{_LOCALHOST}{address or '127.0.1.1'}\t{names}\n"
    aliases = [f"{a.ip}\t{' '.join(a.hostnames)}\n" for a in pod.spec.host_aliases if a.hostnames]
    return "".join([text, *aliases])


def fqdn(pod: Pod, hostname: str) -> str:
    """Return the pod's name in its subdomain; "" where it has none."""
    if not pod.spec.subdomain:
        return ""
    space = f"{pod.metadata.namespace}.svc.{DOMAIN}"
    return f"{short(hostname)}.{pod.spec.subdomain}.{space}"


def short(hostname: str) -> str:
    """Return a host name without its domain."""
    return hostname.partition(".")[0]


def resolver(pod: Pod, gateway: str, host: str) -> str:
    """Return the pod's resolv.conf: its dnsPolicy, then its dnsConfig on top.

    `gateway` is the address of its network's name server, "" where it has none: then cluster
    policies give what the host has (`host`, the text of its resolv.conf), as in Kubernetes.
    """
    spec = pod.spec
    of_host = read(host)
    match spec.dns_policy:
        case DNSPolicy.NONE:
            found = Resolver()
        case DNSPolicy.CLUSTER_FIRST | DNSPolicy.CLUSTER_FIRST_WITH_HOST_NET if gateway:
            found = _cluster_first(pod.metadata.namespace, gateway, of_host)
        case _:
            found = _of_host(of_host, gateway)
    return write(_merged(found, spec.dns_config))


def _cluster_first(namespace: str, gateway: str, host: Resolver) -> Resolver:
    own = (f"{namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN)
    return Resolver(nameservers=(gateway,), searches=(*own, *host.searches), options=("ndots:5",))


def _of_host(host: Resolver, gateway: str) -> Resolver:
    """A name server on the host's loopback is not the pod's; the network's asks it instead."""
    if not gateway:
        return host
    reached = tuple(s for s in host.nameservers if not s.startswith("127.") and s != "::1")
    return host.replace(nameservers=reached or (gateway,))


def _merged(found: Resolver, config: DNSConfig) -> Resolver:
    options = {option.partition(":")[0]: option for option in found.options}
    for option in config.options:
        given = option.name if option.value is None else f"{option.name}:{option.value}"
        options[option.name] = given
    return Resolver(
        nameservers=tuple(dict.fromkeys((*found.nameservers, *config.nameservers))),
        searches=tuple(dict.fromkeys((*found.searches, *config.searches))),
        options=tuple(options.values()),
    )


def read(text: str) -> Resolver:
    """Read a resolv.conf as resolv.conf(5) has it: of `domain` and `search`, the last counts."""
    nameservers: list[str] = []
    searches: tuple[str, ...] = ()
    options: list[str] = []
    for line in text.splitlines():
        word, *rest = line.split("#")[0].split(";")[0].split() or [""]
        if word == "nameserver" and rest:
            nameservers.append(rest[0])
        elif word in ("domain", "search") and rest:
            searches = tuple(name for name in rest if name != ".")
        elif word == "options":
            options.extend(rest)
    return Resolver(nameservers=tuple(nameservers), searches=searches, options=tuple(options))


def write(resolver: Resolver) -> str:
    """Return the text of a resolv.conf, cut to what is read of one."""
    lines = [f"nameserver {server}" for server in resolver.nameservers[:_NAMESERVERS]]
    searches = list(resolver.searches[:_SEARCHES])
    while len(" ".join(searches)) > _SEARCH_LENGTH:
        searches.pop()
    if searches:
        lines.append(f"search {' '.join(searches)}")
    if resolver.options:
        lines.append(f"options {' '.join(resolver.options)}")
    return "".join(f"{line}\n" for line in lines)
