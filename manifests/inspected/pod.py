"""What a subject is as a whole: name, network, ports, labels, restarts; facts in, a draft out."""

from __future__ import annotations

from manifests import settings
from manifests.checks import names
from manifests.inspected import container
from manifests.inspected.draft import Draft
from manifests.quadlet.drafting import label
from manifests.references import NO_NETWORK
from manifests.value import EMPTY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from manifests.inspected.facts import Facts, Subject

DEFAULT_NETWORKS = ("podman", "podman-default-kube-network")
_LOGS = ("k8s-file", "json-file", "journald", "")
_PODMANS = ("PODMAN_SYSTEMD_UNIT", "io.containers.", "io.podman.", "io.buildah.")
_RESTARTS = {"always": "Always", "unless-stopped": "Always", "on-failure": "OnFailure"}
_UNIT_RESTARTS = {"always": "Always", "no": "Never", "": "Always"}
_STRENGTH = ("Never", "OnFailure", "Always")


def convert(subject: Subject) -> Draft:
    """Return the Pod in the making, with what of the containers it does not keep."""
    name = label(subject.name) or "unnamed"
    draft = Draft(name)
    if name != subject.name:
        draft.told.append(f"{subject.name} is called {name}: names are host names")
    draft.spec["restartPolicy"] = _restarts(draft, subject)
    grace = max((one.number("Config.StopTimeout") for one in subject.containers), default=10)
    draft.spec["terminationGracePeriodSeconds"] = grace
    _network(draft, subject.face)
    _host_name(draft, subject)
    _names_of_hosts(draft, subject.face)
    _labels(draft, subject.name, subject.labels, EMPTY)
    for one in subject.containers:
        _namespaces(draft, one)
        _labels(draft, one.name, one.mapping("Config.Labels"), one.image.get("Labels") or EMPTY)
        _logs(draft, one)
    made = [container.convert(draft, one, _inner(subject, one)) for one in subject.containers]
    published = ports(subject.face)
    if published and not draft.spec.get("hostNetwork"):
        made[0]["ports"] = published
    draft.spec["containers"] = made
    return draft


def _inner(subject: Subject, one: Facts) -> str:
    return container.container_name(subject.name if subject.pod else "", one.name)


def _restarts(draft: Draft, subject: Subject) -> str:
    """Return the pod's restart policy: the strongest of its containers', or what the unit says."""
    found = {}
    for one in subject.containers:
        if one.unit is not None:
            found[one.name] = _UNIT_RESTARTS.get(one.unit.restart, "OnFailure")
            continue
        found[one.name] = _RESTARTS.get(one.text("HostConfig.RestartPolicy.Name"), "Never")
        count = one.number("HostConfig.RestartPolicy.MaximumRetryCount")
        if count:
            field = "HostConfig.RestartPolicy.MaximumRetryCount"
            draft.lose(one.name, field, f"{count}: podpy goes on trying, with pauses")
    strongest = max(found.values(), key=_STRENGTH.index, default="Always")
    for name, policy in found.items():
        if policy != strongest:
            why = f"{policy}: a pod has one policy, {strongest}"
            draft.lose(name, "HostConfig.RestartPolicy", why)
    return strongest


def _network(draft: Draft, face: Facts) -> None:
    mode = face.text("HostConfig.NetworkMode")
    kind = mode.partition(":")[0]
    if kind == "host":
        draft.spec["hostNetwork"] = True
    elif kind == "none":
        draft.annotations[settings.NETWORK] = NO_NETWORK
    elif kind in ("container", "ns", "slirp4netns", "pasta"):
        why = f"{mode}: the pod cannot join it"
        draft.lose(face.name, "HostConfig.NetworkMode", why, fatal=True)
    else:
        _join(draft, face)


def joined(face: Facts) -> tuple[str, ...]:
    """Return the networks of Podman's that a container is in."""
    return tuple(face.mapping("NetworkSettings.Networks"))


def _join(draft: Draft, face: Facts) -> None:
    networks = joined(face)
    for other in networks[1:]:
        field = f"NetworkSettings.Networks.{other}"
        draft.lose(face.name, field, f"a pod joins one network, here {networks[0]}")
    for name in networks[:1]:
        given = face.mapping("NetworkSettings.Networks").get(name) or {}
        address = given.get("IPAddress") or face.text("NetworkSettings.IPAddress")
        if name in DEFAULT_NETWORKS:
            if address:
                told = f"{draft.name}: address {address}: podpy's default network gives another"
                draft.told.append(told)
            return
        draft.annotations[settings.NETWORK] = label(name)
        if address:
            draft.annotations[settings.ADDRESS] = address
        for alias in given.get("Aliases") or ():
            if alias not in (draft.name, face.id[:12], face.name):
                field = f"NetworkSettings.Networks.{name}.Aliases"
                draft.lose(face.name, field, f"{alias}: the pod is found as {draft.name}")


def ports(face: Facts) -> list[dict[str, Any]]:
    """Return the ports that are published, as a Pod has them."""
    bound = face.mapping("NetworkSettings.Ports") or face.mapping("HostConfig.PortBindings")
    found = []
    for key, places in bound.items():
        number, _, protocol = key.partition("/")
        for place in places or ():
            one: dict[str, Any] = {"containerPort": int(number), "hostPort": int(place["HostPort"])}
            if place.get("HostIp") not in ("", "0.0.0.0", None):  # noqa: S104 (all addresses)
                one["hostIP"] = place["HostIp"]
            if protocol not in ("", "tcp"):
                one["protocol"] = protocol.upper()
            found.append(one)
    return found


def _host_name(draft: Draft, subject: Subject) -> None:
    given = subject.face.text("Config.Hostname")
    if not given or given in (subject.face.id[:12], draft.name) or draft.spec.get("hostNetwork"):
        return
    if subject.pod and given == subject.name:
        return
    own = label(given.partition(".")[0])
    draft.spec["hostname"] = own
    if own != given:
        draft.lose(subject.name, "Config.Hostname", f'"{given}" is "{own}" here')


def _names_of_hosts(draft: Draft, face: Facts) -> None:
    dns: dict[str, Any] = {}
    for path, field in (("HostConfig.Dns", "nameservers"), ("HostConfig.DnsSearch", "searches")):
        if words := face.listed(path):
            dns[field] = list(words)
    options = [word.partition(":") for word in face.listed("HostConfig.DnsOptions")]
    if options:
        dns["options"] = [{"name": n, "value": v} if c else {"name": n} for n, c, v in options]
    if dns:
        draft.spec["dnsConfig"] = dns
    for word in face.listed("HostConfig.ExtraHosts"):
        name, _, address = word.partition(":")
        if settings.fault(settings.ADDRESS, address):
            draft.lose(face.name, "HostConfig.ExtraHosts", f'{word}: "{address}" is no address')
            continue
        alias = {"ip": address, "hostnames": name.split(";")}
        draft.spec.setdefault("hostAliases", []).append(alias)


def _namespaces(draft: Draft, one: Facts) -> None:
    for path, field in (("HostConfig.PidMode", "hostPID"), ("HostConfig.IpcMode", "hostIPC")):
        mode = one.text(path)
        if mode == "host":
            draft.spec[field] = True
        elif mode.partition(":")[0] not in ("", "private", "shareable", "container"):
            draft.lose(one.name, path, f"{mode}: has no place in a Pod")


def _labels(draft: Draft, name: str, given: Mapping[str, str], of_image: Mapping[str, str]) -> None:
    for key, value in given.items():
        if key.startswith(_PODMANS) or of_image.get(key) == value:
            continue
        if fault := names.qualified(key):
            draft.lose(name, "Config.Labels", f"{key}: {fault}")
        elif names.label_value(value):
            draft.annotations.setdefault(key, value)
            draft.told.append(f"{name}: label {key} is an annotation: its value is none of one")
        else:
            draft.labels.setdefault(key, value)


def _logs(draft: Draft, one: Facts) -> None:
    driver = one.text("HostConfig.LogConfig.Type")
    if driver == "none":
        draft.annotations[settings.LOG_DRIVER] = settings.NO_LOG
    elif driver not in _LOGS:
        draft.lose(one.name, "HostConfig.LogConfig.Type", f"{driver}: podpy logs reads files")
    elif driver == "journald":
        draft.told.append(f"{one.name}: logs in the journal: podpy keeps files (podpy logs)")
