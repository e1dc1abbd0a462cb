from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from manifests.inspected import pod
from manifests.inspected.facts import Subject, Unit
from tests.unit.inspected import samples

if TYPE_CHECKING:
    from manifests.inspected.draft import Draft


def drafted(**changes: Any) -> Draft:
    given = {key.replace("__", "."): value for key, value in changes.items()}
    return pod.convert(samples.alone(samples.facts(given)))


def first(draft: Draft) -> dict[str, Any]:
    found: dict[str, Any] = draft.spec["containers"][0]
    return found


def lost(draft: Draft) -> list[str]:
    return [one.field for one in draft.losses]


def test_what_the_image_and_podman_bring_is_left_out() -> None:
    draft = drafted()

    claim, made = draft.documents("")
    assert claim["metadata"] == {"name": "data"}
    assert made["metadata"] == {"name": "shop", "labels": {"app": "shop"}}
    assert made["spec"] == {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 10,
        "containers": [
            {
                "name": "shop",
                "image": "localhost/demo:1",
                "imagePullPolicy": "IfNotPresent",
                "command": ["sh"],
                "args": ["-c", "exec httpd -f"],
                "env": [{"name": "LEVEL", "value": "debug"}],
                "ports": [{"containerPort": 80, "hostPort": 8080, "hostIP": "127.0.0.1"}],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }
        ],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    }
    assert draft.losses == []


@pytest.mark.parametrize(
    ("image", "path", "arguments", "wanted"),
    [
        ({"Entrypoint": ["/run"], "Cmd": ["a"]}, "/run", ["a"], {}),
        ({"Entrypoint": ["/run"], "Cmd": ["a"]}, "/run", ["b"], {"args": ["b"]}),
        # No words of its own: Kubernetes would take the image's.
        ({"Entrypoint": ["/run"], "Cmd": ["a"]}, "/run", [], {"command": ["/run"]}),
        ({"Entrypoint": ["/run"]}, "/x", ["$(A)"], {"command": ["/x"], "args": ["$$(A)"]}),
        ({"Cmd": ["sh"]}, "/run/podman-init", ["--", "sh"], {}),
    ],
)
def test_entry_point_and_arguments_are_the_pods_where_they_are_not_the_images(
    image: dict[str, Any], path: str, arguments: list[str], wanted: dict[str, Any]
) -> None:
    one = samples.facts({"Path": path, "Args": arguments}, image)

    made = first(pod.convert(samples.alone(one)))
    assert {key: made[key] for key in ("command", "args") if key in made} == wanted


@pytest.mark.parametrize(
    ("changes", "path", "wanted"),
    [
        ({"HostConfig.Memory": 67108864}, "resources", {"limits": {"memory": "64Mi"}}),
        ({"HostConfig.NanoCpus": 500000000}, "resources", {"limits": {"cpu": "500m"}}),
        (
            {"HostConfig.CpuQuota": 25000, "HostConfig.CpuPeriod": 100000},
            "resources",
            {"limits": {"cpu": "250m"}},
        ),
        ({"Config.User": "1000:50"}, "securityContext", {"runAsUser": 1000, "runAsGroup": 50}),
        (
            {"HostConfig.CapAdd": ["CAP_NET_ADMIN"], "HostConfig.CapDrop": ["CAP_CHOWN"]},
            "securityContext",
            {"capabilities": {"add": ["NET_ADMIN"], "drop": ["CHOWN"]}},
        ),
        (
            {"HostConfig.SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]},
            "securityContext",
            {"allowPrivilegeEscalation": False, "seccompProfile": {"type": "Unconfined"}},
        ),
        ({"Config.StopSignal": "SIGQUIT"}, "lifecycle", {"stopSignal": "SIGQUIT"}),
        ({"Config.Tty": True}, "tty", True),
        ({"Config.WorkingDir": "/srv"}, "workingDir", "/srv"),
    ],
)
def test_fields_of_a_container_are_kept(changes: dict[str, Any], path: str, wanted: object) -> None:
    draft = pod.convert(samples.alone(samples.facts(changes)))

    assert first(draft)[path] == wanted
    assert draft.losses == []


def test_a_health_check_ends_the_container_only_where_podmans_does() -> None:
    check = {"Test": ["CMD-SHELL", "test -e /x"], "Interval": 5 * 10**9, "Retries": 2}

    told = first(drafted(Config__Healthcheck=check))
    acting = first(drafted(Config__Healthcheck=check, Config__HealthcheckOnFailureAction="restart"))

    assert (
        told["readinessProbe"]
        == acting["livenessProbe"]
        == {
            "exec": {"command": ["/bin/sh", "-c", "test -e /x"]},
            "periodSeconds": 5,
            "timeoutSeconds": 30,
            "failureThreshold": 2,
        }
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"HostConfig.Devices": [{"PathOnHost": "/dev/kvm"}]}, "HostConfig.Devices"),
        ({"HostConfig.OomScoreAdj": 100}, "HostConfig.OomScoreAdj"),
        ({"HostConfig.Init": True}, "HostConfig.Init"),
        ({"HostConfig.ExtraHosts": ["up:host-gateway"]}, "HostConfig.ExtraHosts"),
        ({"HostConfig.MemorySwap": 5, "HostConfig.Memory": 1}, "HostConfig.MemorySwap"),
        ({"Config.Secrets": [{"Name": "key", "UID": 7}]}, "Config.Secrets"),
        ({"HostConfig.SecurityOpt": ["mask=/proc/x"]}, "HostConfig.SecurityOpt"),
    ],
)
def test_what_is_lost_is_named(changes: dict[str, Any], field: str) -> None:
    draft = pod.convert(samples.alone(samples.facts(changes)))

    assert lost(draft) == [field]


@pytest.mark.parametrize(
    "changes",
    [
        {"HostConfig.NetworkMode": "container:abc"},
        {"HostConfig.UsernsMode": "private"},
        {"Config.User": "nobody"},
        {"Rootfs": "/srv/root"},
        {"Config.Env": ["WORD=*******"]},
    ],
)
def test_what_a_pod_cannot_do_without_is_refused(changes: dict[str, Any]) -> None:
    draft = pod.convert(samples.alone(samples.facts(changes)))

    assert [one.fatal for one in draft.losses] == [True]


def test_a_network_of_its_own_keeps_the_address() -> None:
    draft = drafted(
        HostConfig__NetworkMode="backend",
        NetworkSettings__Networks={
            "backend": {"IPAddress": "10.99.1.7", "Aliases": ["shop", "till"]},
            "other": {"IPAddress": "10.99.2.7"},
        },
    )

    assert draft.annotations == {
        "podpy.dev/network": "backend",
        "podpy.dev/address": "10.99.1.7",
    }
    assert lost(draft) == [
        "NetworkSettings.Networks.other",
        "NetworkSettings.Networks.backend.Aliases",
    ]


def test_mounts_become_volumes() -> None:
    bind = {"Type": "bind", "Source": "/etc/conf", "Destination": "/conf", "RW": False}
    anonymous = {**samples.SHOP["Mounts"][0], "Name": "f" * 64, "Destination": "/cache"}
    draft = drafted(Mounts=[bind, anonymous], HostConfig__Tmpfs={"/scratch": "size=1m,rw"})

    assert draft.spec["volumes"] == [
        {"name": "conf", "hostPath": {"path": "/etc/conf"}},
        {"name": "shop-cache", "persistentVolumeClaim": {"claimName": "shop-cache"}},
        {"name": "tmpfs--scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
    ]
    assert [(one.volume, one.claim) for one in draft.taken] == [("f" * 64, "shop-cache")]
    assert first(draft)["volumeMounts"][0] == {
        "name": "conf",
        "mountPath": "/conf",
        "readOnly": True,
    }


def test_secrets_are_where_the_command_that_made_the_container_puts_them() -> None:
    words = ["--secret", "key,type=env,target=WORD", "--secret=key,target=/etc/word,mode=0400"]
    draft = drafted(
        Config__Env=["key=*******"],
        Config__Secrets=[{"Name": "key"}, {"Name": "other"}],
        Config__CreateCommand=["podman", "run", *words, "demo"],
    )

    assert draft.secrets == ["key", "other"]
    assert first(draft)["env"] == [
        {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "key", "key": "key"}}}
    ]
    files = [(one["mountPath"], one["subPath"]) for one in first(draft)["volumeMounts"][1:]]
    assert files == [("/etc/word", "key"), ("/run/secrets/other", "other")]
    modes = [one["secret"]["defaultMode"] for one in draft.spec["volumes"][1:]]
    assert modes == [0o400, 0o444]
    assert draft.losses == []


def test_sysctls_come_from_the_configuration_that_the_container_was_made_of() -> None:
    oci = {"linux": {"sysctl": {"net.core.somaxconn": "9", "net.ipv4.ping_group_range": "0 0"}}}
    draft = pod.convert(samples.alone(samples.facts({}, oci=oci)))

    assert draft.spec["securityContext"] == {
        "sysctls": [{"name": "net.core.somaxconn", "value": "9"}]
    }


def test_a_pod_of_podmans_has_its_infra_containers_ports_and_short_names() -> None:
    infra = samples.facts({"Name": "abc-infra", "Config.Hostname": "web"})
    main, side = samples.facts({"Name": "web-main"}), samples.facts({"Name": "side"})
    subject = Subject(
        name="web", face=infra, containers=(main, side), pod="1", labels={"tier": "front"}
    )
    draft = pod.convert(subject)

    assert [one["name"] for one in draft.spec["containers"]] == ["main", "side"]
    assert [len(one.get("ports", ())) for one in draft.spec["containers"]] == [1, 0]
    assert "hostname" not in draft.spec
    assert draft.labels == {"tier": "front", "app": "shop"}


def test_a_unit_says_whether_its_container_starts_again() -> None:
    unit = Unit(name="shop.service", restart="on-failure")
    draft = pod.convert(samples.alone(samples.facts({}, unit=unit)))

    assert draft.spec["restartPolicy"] == "OnFailure"
