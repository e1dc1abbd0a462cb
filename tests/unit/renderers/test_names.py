"""hosts, resolv.conf and records, as Kubernetes documents them."""

from __future__ import annotations

import pytest

from manifests.container import Container
from manifests.meta import ObjectMeta
from manifests.pod import DNSConfig, DNSOption, DNSPolicy, HostAlias, Pod, PodSpec
from renderers import names

HOST = "# made by hand\nnameserver 192.0.2.53\nsearch example.org\noptions timeout:1 attempts:2\n"


def pod(**spec: object) -> Pod:
    containers = (Container(name="app", image="app"),)
    return Pod(
        metadata=ObjectMeta(name="web", namespace="shop"),
        spec=PodSpec(containers=containers, **spec),  # type: ignore[arg-type]
    )


def test_a_pod_is_found_by_its_name_and_its_aliases() -> None:
    web = names.Entry(address="10.64.0.5", name="web-1", namespace="shop", aliases=("web", "web-1"))
    cache = names.Entry(address="10.64.0.4", name="cache", namespace="other")

    assert names.records([web, cache]) == (
        "10.64.0.4\tcache.other.svc.cluster.local\n"
        "10.64.0.5\tweb-1.shop.svc.cluster.local web.shop.svc.cluster.local\n"
    )


def test_a_pod_knows_itself_and_its_host_aliases() -> None:
    aliases = (HostAlias(ip="192.0.2.7", hostnames=("db", "db.example.org")), HostAlias(ip="::2"))

    text = names.hosts(pod(host_aliases=aliases), "10.64.0.5", "web")

    assert text.startswith("127.0.0.1\tlocalhost\n::1\tlocalhost ")
    assert text.endswith("10.64.0.5\tweb\n192.0.2.7\tdb db.example.org\n")


def test_a_pod_without_a_network_still_knows_its_name() -> None:
    assert "127.0.1.1\tweb\n" in names.hosts(pod(), "", "web")


def test_a_pod_on_the_hosts_network_has_the_hosts_file() -> None:
    aliases = (HostAlias(ip="192.0.2.7", hostnames=("db",)),)
    subject = pod(host_network=True, host_aliases=aliases)

    assert names.hosts(subject, "", "h", "127.0.0.1 here") == "127.0.0.1 here\n192.0.2.7\tdb\n"


def test_cluster_first_asks_the_network_and_searches_the_cluster_before_the_hosts_domains() -> None:
    assert names.resolver(pod(), "10.64.0.1", HOST) == (
        "nameserver 10.64.0.1\n"
        "search shop.svc.cluster.local svc.cluster.local cluster.local example.org\n"
        "options ndots:5\n"
    )


@pytest.mark.parametrize(
    ("policy", "gateway"), [(DNSPolicy.DEFAULT, "10.64.0.1"), (DNSPolicy.CLUSTER_FIRST, "")]
)
def test_the_hosts_own_resolver_is_taken_as_it_is(policy: DNSPolicy, gateway: str) -> None:
    assert names.resolver(pod(dns_policy=policy), gateway, HOST) == (
        "nameserver 192.0.2.53\nsearch example.org\noptions timeout:1 attempts:2\n"
    )


def test_a_server_on_the_hosts_loopback_is_asked_through_the_network() -> None:
    subject = pod(dns_policy=DNSPolicy.DEFAULT)
    on_host = "nameserver 127.0.0.53\n"

    assert names.resolver(subject, "10.64.0.1", on_host) == "nameserver 10.64.0.1\n"
    assert names.resolver(subject, "", on_host) == on_host


def test_none_is_what_dns_config_says_and_nothing_else() -> None:
    config = DNSConfig(
        nameservers=("1.2.3.4",),
        searches=("ns1.svc.cluster-domain.example",),
        options=(DNSOption(name="ndots", value="2"), DNSOption(name="edns0")),
    )

    assert names.resolver(pod(dns_policy=DNSPolicy.NONE, dns_config=config), "10.64.0.1", HOST) == (
        "nameserver 1.2.3.4\nsearch ns1.svc.cluster-domain.example\noptions ndots:2 edns0\n"
    )


def test_dns_config_adds_to_a_policy_and_overrides_its_options() -> None:
    config = DNSConfig(
        nameservers=("10.64.0.1", "1.2.3.4"),
        searches=("svc.cluster.local", "x.org"),
        options=(DNSOption(name="ndots", value="1"), DNSOption(name="timeout", value="3")),
    )

    assert names.resolver(pod(dns_config=config), "10.64.0.1", HOST) == (
        "nameserver 10.64.0.1\nnameserver 1.2.3.4\n"
        "search shop.svc.cluster.local svc.cluster.local cluster.local example.org x.org\n"
        "options ndots:1 timeout:3\n"
    )


def test_limits_of_the_c_libraries_are_kept() -> None:
    many = names.Resolver(
        nameservers=tuple(f"192.0.2.{number}" for number in range(9)),
        searches=tuple(f"{number}.org" for number in range(99)),
    )
    long = names.Resolver(searches=("a" * 1500, "b" * 500, "c" * 500))

    assert names.read(names.write(many)) == many.replace(
        nameservers=many.nameservers[:3], searches=many.searches[:32]
    )
    assert names.read(names.write(long)).searches == ("a" * 1500, "b" * 500)


@pytest.mark.parametrize(
    ("text", "searches"),
    [
        ("domain a.org\nsearch b.org c.org\n", ("b.org", "c.org")),
        ("search b.org c.org\ndomain a.org\n", ("a.org",)),
        ("search .\n", ()),
        ("search a.org # b.org\n; search c.org\nsearch\n", ("a.org",)),
    ],
)
def test_the_last_search_of_a_resolv_conf_counts(text: str, searches: tuple[str, ...]) -> None:
    assert names.read(text).searches == searches
