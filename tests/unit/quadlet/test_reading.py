"""What units mean as objects, key by key."""

import re

import pytest

from manifests.config import Secret
from manifests.quadlet import reading
from tests.unit.quadlet.conftest import Units, raw, said

IMAGE = "[Container]\nImage=docker.io/library/a:1\n"


def test_a_container_is_a_pod(units: Units) -> None:
    loaded = units(
        {
            "web.container": """[Unit]
Description=The shop
After=network-online.target

[Container]
Image=docker.io/library/nginx:1.27
ContainerName=shop
Entrypoint=["/bin/a", "b c"]
Exec=--x "y z" $$(HOME) 100%%
Environment=A=1 "B=x y" C=$$(A)
PublishPort=127.0.0.1:8080:80/tcp
PublishPort=53:53/udp
Label=app=web
Annotation=example.com/x="y z"
HostName=front
AddHost=db:10.0.0.9
DNS=9.9.9.9
User=1000
Group=1001
GroupAdd=27
AddCapability=CAP_NET_ADMIN net_raw
DropCapability=all
SeccompProfile=unconfined
StopSignal=INT
StopTimeout=25
Memory=64m
PodmanArgs=--cpus 0.5 --privileged
WorkingDir=/srv
Pull=always
Sysctl=net.core.somaxconn=10
PidsLimit=50
Ulimit=nofile=1:2

[Service]
Restart=on-failure
RuntimeMaxSec=1min 30s

[Install]
WantedBy=default.target
"""
        },
        apply=True,
    )

    assert raw(loaded, "Pod") == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "shop",
            "namespace": "default",
            "labels": {"app": "web"},
            "annotations": {
                "example.com/x": "y z",
                "io.podman.annotations.pids-limit/shop": "50",
                "io.podman.annotations.ulimit": "nofile=1:2",
            },
        },
        "spec": {
            "containers": [
                {
                    "name": "shop",
                    "image": "docker.io/library/nginx:1.27",
                    "imagePullPolicy": "Always",
                    "command": ["/bin/a", "b c"],
                    "args": ["--x", "y z", "$$(HOME)", "100%"],
                    "workingDir": "/srv",
                    "env": [
                        {"name": "A", "value": "1"},
                        {"name": "B", "value": "x y"},
                        {"name": "C", "value": "$$(A)"},
                    ],
                    "ports": [
                        {"containerPort": 80, "hostPort": 8080, "hostIP": "127.0.0.1"},
                        {"containerPort": 53, "hostPort": 53, "protocol": "UDP"},
                    ],
                    "resources": {
                        "limits": {"memory": "64Mi", "cpu": "500m"},
                        "requests": {"memory": "64Mi", "cpu": "500m"},
                    },
                    "securityContext": {
                        "runAsUser": 1000,
                        "runAsGroup": 1001,
                        "privileged": True,
                        "capabilities": {"add": ["NET_ADMIN", "NET_RAW"], "drop": ["ALL"]},
                        "seccompProfile": {"type": "Unconfined"},
                    },
                    "lifecycle": {"stopSignal": "SIGINT"},
                }
            ],
            "restartPolicy": "OnFailure",
            "terminationGracePeriodSeconds": 25,
            "activeDeadlineSeconds": 90,
            "hostname": "front",
            "hostAliases": [{"ip": "10.0.0.9", "hostnames": ["db"]}],
            "dnsConfig": {"nameservers": ["9.9.9.9"]},
            "securityContext": {
                "supplementalGroups": [27],
                "sysctls": [{"name": "net.core.somaxconn", "value": "10"}],
            },
        },
    }


def test_mounts_become_volumes(units: Units) -> None:
    loaded = units(
        {
            "web.container": IMAGE
            + """Volume=data.volume:/data:ro
Volume=named:/named
Volume=./html:/html
Volume=/host:/host:rslave
Volume=/anonymous
Volume=scratch.volume:/scratch
Volume=bound.volume:/bound
Mount=type=image,source=x.image,destination=/image
Tmpfs=/run:size=10m
ShmSize=1g
Timezone=Europe/Berlin
""",
            "data.volume": "[Volume]\nVolumeName=stuff\nLabel=a=b\nUser=7\n",
            "scratch.volume": "[Volume]\nType=tmpfs\nDevice=tmpfs\nOptions=size=1048576\n",
            "bound.volume": "[Volume]\nType=bind\nDevice=/srv\n",
            "x.image": "[Image]\nImage=docker.io/library/x:2\n",
        }
    )

    spec = raw(loaded, "Pod")["spec"]
    volumes = {one["name"]: one for one in spec["volumes"]}
    found = {}
    for mount in spec["containers"][0]["volumeMounts"]:
        name = mount.pop("name")
        source = {key: value for key, value in volumes[name].items() if key != "name"}
        found[mount.pop("mountPath")] = (source, mount)
    here = found["/html"][0]["hostPath"]["path"]
    assert here.startswith("/")
    assert here.endswith("/html")
    image = {"reference": "docker.io/library/x:2", "pullPolicy": "IfNotPresent"}
    zone = {"path": "/usr/share/zoneinfo/Europe/Berlin", "type": "File"}
    assert found == {
        "/data": ({"persistentVolumeClaim": {"claimName": "stuff"}}, {"readOnly": True}),
        "/named": ({"persistentVolumeClaim": {"claimName": "named"}}, {}),
        "/html": ({"hostPath": {"path": here}}, {}),
        "/host": ({"hostPath": {"path": "/host"}}, {"mountPropagation": "HostToContainer"}),
        "/anonymous": ({"emptyDir": {}}, {}),
        "/scratch": ({"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}, {}),
        "/bound": ({"hostPath": {"path": "/srv"}}, {}),
        "/image": ({"image": image}, {}),
        "/run": ({"emptyDir": {"medium": "Memory", "sizeLimit": "10Mi"}}, {}),
        "/dev/shm": ({"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}, {}),
        "/etc/localtime": ({"hostPath": zone}, {"readOnly": True}),
    }
    claim = raw(loaded, "PersistentVolumeClaim", "stuff")
    assert claim["metadata"]["labels"] == {"a": "b"}
    assert claim["metadata"]["annotations"] == {"volume.podman.io/uid": "7"}
    assert 'claim "named" is not declared; it is made' in "\n".join(said(loaded))


def test_a_pod_holds_its_containers_and_what_runs_before_them(units: Units) -> None:
    loaded = units(
        {
            "app.pod": "[Pod]\nPublishPort=80:80\nVolume=/srv:/srv\nLabel=a=b\nStopTimeout=5\n",
            "app-web.container": "[Unit]\nAfter=app-prepare.container\n" + IMAGE + "Pod=app.pod\n"
            "[Service]\nRestart=always\n",
            "side.container": IMAGE + "Pod=app.pod\nStopTimeout=9\n[Service]\nRestart=always\n",
            "early.container": "[Unit]\nBefore=side.container\n" + IMAGE + "Pod=app.pod\n"
            "[Service]\nRestart=always\n",
            "app-prepare.container": IMAGE + "Pod=app.pod\n[Service]\nType=oneshot\n",
        }
    )

    pod = raw(loaded, "Pod")
    spec = pod["spec"]
    assert [one["name"] for one in spec["containers"]] == ["web", "side"]
    assert [one["name"] for one in spec["initContainers"]] == ["prepare", "early"]
    assert spec["initContainers"][1]["restartPolicy"] == "Always"
    assert spec["containers"][0]["ports"] == [{"containerPort": 80, "hostPort": 80}]
    assert all(one["volumeMounts"][0]["mountPath"] == "/srv" for one in spec["containers"])
    assert spec.get("restartPolicy", "Always") == "Always"
    assert spec["terminationGracePeriodSeconds"] == 9
    assert pod["metadata"] == {"name": "app", "namespace": "default", "labels": {"a": "b"}}


def test_containers_of_one_pod_that_restart_differently_are_told_of(units: Units) -> None:
    loaded = units(
        {
            "app.pod": "[Pod]\n",
            "a.container": IMAGE + "Pod=app.pod\n[Service]\nRestart=always\n",
            "b.container": IMAGE + "Pod=app.pod\n[Service]\nRestart=no\n",
        }
    )

    message = "is not supported here: the pod's Always holds for all its containers"
    assert said(loaded) == [f"b.container:5: warning: [Service] Restart: {message}"]


def test_units_that_come_after_others_wait_for_them(units: Units) -> None:
    loaded = units(
        {
            "web.container": "[Unit]\nAfter=db.service app-pod.service nfs.service\n"
            + IMAGE
            + "Network=shop.network:ip=10.1.2.3\n",
            "db.container": "[Unit]\nBefore=late.container\n" + IMAGE,
            "late.container": IMAGE,
            "app.pod": "[Pod]\n",
            "a.container": IMAGE + "Pod=app.pod\n",
            "shop.network": "[Network]\nSubnet=10.1.2.0/24\nGateway=10.1.2.1\nInternal=true\n"
            "Options=mtu=1400\n",
        }
    )

    annotations = raw(loaded, "Pod", "web")["metadata"]["annotations"]
    assert annotations == {
        "podpy.dev/network": "shop",
        "podpy.dev/address": "10.1.2.3",
        "podpy.dev/depends-on": "Pod/db,Pod/app",
    }
    late = raw(loaded, "Pod", "late")["metadata"]["annotations"]
    assert late == {"podpy.dev/depends-on": "Pod/db"}
    network = {"subnet": "10.1.2.0/24", "gateway": "10.1.2.1", "mtu": 1400, "internal": True}
    assert raw(loaded, "Network")["spec"] == network
    assert "podpy does not wait for nfs.service" in said(loaded)[0]


def test_a_file_of_variables_becomes_a_secret(units: Units) -> None:
    loaded = units(
        {
            "web.container": IMAGE + "EnvironmentFile=./web.env\nSecret=key,type=env,target=KEY\n",
            "web.env": "# no\nPASSWORD=p w\nEMPTY=\n\nHERE\n",
        }
    )

    container = raw(loaded, "Pod")["spec"]["containers"][0]
    secret = next(one.object for one in loaded.objects if isinstance(one.object, Secret))
    assert secret.metadata.name == "web-env"
    assert {key: bytes(value) for key, value in secret.content().items()} == {
        "PASSWORD": b"p w",
        "EMPTY": b"",
    }
    assert container["envFrom"] == [{"secretRef": {"name": "web-env"}}]
    reference = {"secretKeyRef": {"name": "key", "key": "key"}}
    assert container["env"] == [{"name": "KEY", "valueFrom": reference}]
    assert any("line 5 of the file has no value" in one for one in said(loaded))
    assert not any("p w" in one for one in said(loaded))


def test_health_checks_become_probes(units: Units) -> None:
    loaded = units(
        {
            "a.container": IMAGE + "HealthCmd=curl -f localhost\nHealthOnFailure=kill\n"
            "HealthInterval=1m30s\nHealthRetries=5\nHealthStartPeriod=10s\nNotify=healthy\n",
            "b.container": IMAGE + 'HealthCmd=["CMD", "/ok"]\nHealthStartupCmd=/up\n',
        }
    )

    one = raw(loaded, "Pod", "a")["spec"]["containers"][0]
    probe = {
        "exec": {"command": ["/bin/sh", "-c", "curl -f localhost"]},
        "periodSeconds": 90,
        "timeoutSeconds": 30,
        "failureThreshold": 5,
        "initialDelaySeconds": 10,
    }
    assert one["livenessProbe"] == one["readinessProbe"] == probe
    other = raw(loaded, "Pod", "b")["spec"]["containers"][0]
    assert other["readinessProbe"]["exec"] == {"command": ["/ok"]}
    assert other["startupProbe"]["exec"] == {"command": ["/bin/sh", "-c", "/up"]}
    assert "livenessProbe" not in other


def test_a_kube_file_brings_its_manifests_as_it_says(units: Units) -> None:
    loaded = units(
        {
            "shop.kube": "[Kube]\nYaml=app.yaml\nConfigMap=more.yaml\nNetwork=shop.network\n"
            "PublishPort=8080:80\n",
            "app.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n"
            "  containers:\n  - {name: a, image: a}\n"
            "  - {name: b, image: b, ports: [{containerPort: 80}]}\n",
            "more.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n",
            "shop.network": "[Network]\n",
            "web.container": "[Unit]\nAfter=shop.kube\n" + IMAGE + "ContainerName=later\n",
        }
    )

    pod = raw(loaded, "Pod", "web")
    assert pod["metadata"]["annotations"] == {"podpy.dev/network": "shop"}
    assert pod["spec"]["containers"][1]["ports"] == [{"containerPort": 80, "hostPort": 8080}]
    later = raw(loaded, "Pod", "later")["metadata"]["annotations"]
    assert later == {"podpy.dev/depends-on": "Pod/web"}
    assert raw(loaded, "ConfigMap", "more")
    assert next(one for one in loaded.objects if one.object.metadata.name == "web").line == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[Container]\nExec=x\n", "[Container]: Image is required"),
        (IMAGE + "Pod=x.pod\n", "[Container] Pod: x.pod is not among the units"),
        (IMAGE + "Pod=x\n", "[Container] Pod: x is no .pod file"),
        (IMAGE + "Volume=x.volume:/x\n", "[Container] Volume: x.volume is not among the units"),
        (IMAGE + "Network=x.network\n", "[Container] Network: x.network is not among the units"),
        (IMAGE + "Group=1\n", "[Container] Group: needs User"),
        (IMAGE + "Mount=type=bind,dst=/x\n", "[Container] Mount: source is required for type=bind"),
        (IMAGE + "UserNS=auto\nRemapUsers=auto\n", "[Container] RemapUsers: cannot stand beside UserNS"),  # noqa: E501
        (IMAGE + "ReloadCmd=x\nReloadSignal=y\n", "[Container] ReloadSignal: cannot stand beside ReloadCmd"),  # noqa: E501
        ("[Unit]\nAfter=x.pod\n" + IMAGE, "[Unit] After: x.pod is not among the units"),
        (IMAGE + "PublishPort=x\n", '[Container] PublishPort: "x": is not [[IP:]HOST:]CONTAINER[/PROTOCOL]'),  # noqa: E501
        (IMAGE + "HealthCmd=a\nHealthInterval=x\n", '[Container] HealthInterval: "x" is no span of time, as 90s or 1m30s'),  # noqa: E501
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(units: Units, text: str, message: str) -> None:
    loaded = units({"web.container": text}, apply=True)

    errors = [str(one).partition(": ")[2] for one in loaded.errors]
    assert message in errors
    assert not loaded.objects


@pytest.mark.parametrize(
    "line",
    [
        "AddDevice=/dev/fuse",
        "PodmanArgs=--annoy=1",
        "UIDMap=0:1:2",
        "LogDriver=journald",
        "User=nobody",
        "GlobalArgs=--log-level=debug",
        "Network=x.container",
        "Exec='\\.'",
        "PublishPort=${PORT}:80",
        "DNS=none",
        "RunInit=yes",
    ],
)
def test_what_is_not_honoured_is_refused_by_apply_and_told_by_play(units: Units, line: str) -> None:
    files = {"web.container": f"{IMAGE}{line}\n", "x.container": IMAGE}

    assert [one.line for one in units(files, apply=True).errors] == [3]
    told = units(files)
    assert not told.errors
    assert told.unsupported[0].line == 3


@pytest.mark.parametrize(
    "line", ["UserNS=host", "RunInit=no", "CgroupsMode=split", "SecurityLabelDisable=false"]
)
def test_what_changes_nothing_is_let_through(units: Units, line: str) -> None:
    assert not said(units({"web.container": f"{IMAGE}{line}\n"}, apply=True))


def test_labels_that_kubernetes_does_not_take_are_annotations(units: Units) -> None:
    rule = 'Label="traefik.rule=Host(`a`)"\n'
    loaded = units({"web.container": IMAGE + rule}, apply=True)

    assert raw(loaded, "Pod")["metadata"]["annotations"] == {"traefik.rule": "Host(`a`)"}
    assert "is an annotation here" in said(loaded)[0]


def test_names_that_are_no_host_names_are_changed_and_told(units: Units) -> None:
    loaded = units({"my_web.container": IMAGE + "ContainerName=My_Web\n"}, apply=True)

    assert raw(loaded, "Pod")["metadata"]["name"] == "my-web"
    assert '"My_Web" is called "my-web"' in said(loaded)[0]


def test_images_and_builds_are_judged_and_named(units: Units) -> None:
    loaded = units(
        {
            "a.container": "[Container]\nImage=x.image\n",
            "b.container": "[Container]\nImage=x.build\n",
            "x.image": "[Image]\nImage=docker.io/library/x:1\nPolicy=always\nArch=arm64\n",
            "x.build": "[Build]\nImageTag=localhost/x\nSetWorkingDirectory=unit\n",
        }
    )

    one, other = (raw(loaded, "Pod", name)["spec"]["containers"][0] for name in "ab")
    assert (one["image"], one["imagePullPolicy"]) == ("docker.io/library/x:1", "Always")
    assert (other["image"], other["imagePullPolicy"]) == ("localhost/x", "Never")
    assert len(loaded.unsupported) == 2


def test_checks_of_objects_name_the_key(units: Units) -> None:
    loaded = units({"web.container": IMAGE + "WorkingDir=/x\nEnvironment=A-=1 1=2\n"})

    assert all(one.startswith("web.container:4: ") for one in said(loaded))
    assert all("[Container] Environment" in one for one in said(loaded))


_VALUES = ("5", "x:y:z", "true", "=", '["a"', '"', "%%$$", "a,b=c,d", ".volume", "../..:/x:ro,zz")


@pytest.mark.parametrize("section", sorted(reading.TABLES))
def test_odd_values_are_told_of_and_break_nothing(units: Units, section: str) -> None:
    first = "Image=a\n" if section == "Container" else ""
    for key in sorted(reading.TABLES[section].keys):
        for value in _VALUES:
            text = f"[{section}]\n{first}{key}={value}\n"
            loaded = units({f"x.{section.lower()}": text, "y.container": IMAGE})
            assert loaded.objects or loaded.errors


def test_a_container_that_comes_to_an_end_is_a_job(units: Units) -> None:
    loaded = units(
        {
            "load.container": "[Unit]\nStartLimitBurst=4\n"
            + IMAGE
            + "[Service]\nType=oneshot\nRestart=on-failure\nRuntimeMaxSec=60\n",
            "once.container": IMAGE + "[Service]\nType=oneshot\n",
            "web.container": "[Unit]\nAfter=load.service\n" + IMAGE,
        },
        apply=True,
    )

    job = raw(loaded, "Job", "load")["spec"]
    assert (job["backoffLimit"], job["activeDeadlineSeconds"]) == (3, 60)
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert raw(loaded, "Job", "once")["spec"]["backoffLimit"] == 0
    annotations = raw(loaded, "Pod", "web")["metadata"]["annotations"]
    assert annotations == {"podpy.dev/depends-on": "Job/load"}


def test_commands_that_kubernetes_has_fields_for(units: Units) -> None:
    loaded = units(
        {
            "web.container": IMAGE
            + "ContainerName=web\nVolume=/srv:/srv\n[Service]\n"
            + "ExecStartPre=/usr/bin/mkdir -p /srv\n"
            + "ExecStartPost=-/usr/bin/podman exec web sh -c 'echo $$(A)'\n"
            + "ExecStop=podman exec -i web drain\n"
        },
        apply=True,
    )

    spec = raw(loaded, "Pod")["spec"]
    assert spec["containers"][0]["lifecycle"] == {
        "postStart": {"exec": {"command": ["sh", "-c", "echo $(A)"]}},
        "preStop": {"exec": {"command": ["drain"]}},
    }
    assert spec["volumes"][0]["hostPath"] == {"path": "/srv", "type": "DirectoryOrCreate"}


@pytest.mark.parametrize("command", ["/bin/true", "podman exec other x", "mkdir -p /elsewhere"])
def test_other_commands_are_not_supported(units: Units, command: str) -> None:
    text = f"{IMAGE}[Service]\nExecStartPre={command}\nExecStartPost={command}\n"

    assert [one.line for one in units({"web.container": text}).unsupported] == [4, 5]


def test_a_network_alias_that_begins_the_name_is_the_pods(units: Units) -> None:
    loaded = units({"shop-web.container": IMAGE + "NetworkAlias=shop\n"}, apply=True)

    assert raw(loaded, "Pod", "shop")["spec"]["containers"][0]["name"] == "web"


def test_kube_units_may_repeat_an_object(units: Units) -> None:
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
    loaded = units(
        {
            "a.kube": "[Kube]\nYaml=a.yaml\n",
            "b.kube": "[Kube]\nYaml=b.yaml\n",
            "a.yaml": config,
            "b.yaml": config,
        },
        apply=True,
    )

    assert raw(loaded, "ConfigMap")


def test_an_order_that_containers_of_a_pod_cannot_have_is_told(units: Units) -> None:
    loaded = units(
        {
            "app.pod": "[Pod]\n",
            "a.container": IMAGE + "Pod=app.pod\n[Service]\nRestart=on-failure\n",
            "b.container": "[Unit]\nAfter=a.container\n" + IMAGE + "Pod=app.pod\n"
            "[Service]\nRestart=on-failure\n",
        }
    )

    assert "b.container:2: warning: [Unit] After: is not supported here" in said(loaded)[0]


def test_flags_without_keys_are_read(units: Units) -> None:
    flags = '"--sysctl=net.ipv4.ip_local_port_range=1024 65535" -t --interactive --pid=host'
    loaded = units(
        {"web.container": f"{IMAGE}PodmanArgs={flags}\nEnvironment=NODE=%H\n"}, apply=True
    )

    spec = raw(loaded, "Pod")["spec"]
    sysctl = {"name": "net.ipv4.ip_local_port_range", "value": "1024 65535"}
    assert spec["securityContext"]["sysctls"] == [sysctl]
    assert spec["hostPID"]
    container = spec["containers"][0]
    assert (container["tty"], container["stdin"]) == (True, True)
    assert container["env"][0]["valueFrom"]["fieldRef"]["fieldPath"] == "spec.nodeName"


def test_what_a_timer_starts_is_a_cron_job(units: Units) -> None:
    files = {
        "report.container": IMAGE + "[Service]\nType=oneshot\nRestart=on-failure\n",
        "report.timer": "[Timer]\nOnCalendar=Mon..Fri 6:30 Europe/Paris\nPersistent=yes\n"
        "RandomizedDelaySec=60\n[Install]\nWantedBy=timers.target\n",
        "app.pod": "[Pod]\n",
        "a.container": IMAGE + "Pod=app.pod\n[Service]\nType=oneshot\n",
        "b.container": IMAGE + "Pod=app.pod\n[Service]\nType=oneshot\n",
        "other.timer": "[Timer]\nOnUnitActiveSec=1h\nUnit=app-pod.service\n"
        "[X-CronJob]\nConcurrencyPolicy=Replace\nFailedJobsHistoryLimit=0\n",
    }
    loaded = units(files, rendered=True)

    report = raw(loaded, "CronJob", "report")["spec"]
    assert report.pop("jobTemplate")["spec"]["backoffLimit"] == 4
    assert report == {
        "schedule": "30 6 * * 1-5",
        "timeZone": "Europe/Paris",
        "concurrencyPolicy": "Forbid",
    }
    other = raw(loaded, "CronJob", "other")["spec"]
    assert len(other.pop("jobTemplate")["spec"]["template"]["spec"]["containers"]) == 2
    assert other == {
        "schedule": "@every 3600s",
        "concurrencyPolicy": "Replace",
        "suspend": True,
        "failedJobsHistoryLimit": 0,
    }
    assert any("report.timer:4" in line and "on time" in line for line in said(loaded))
    alone = units(files, "report.container", rendered=True)
    assert [one.object.kind for one in alone.objects] == ["CronJob"]


@pytest.mark.parametrize(
    ("timer", "unit", "message"),
    [
        ("OnCalendar=*-*~1 0:00", "[Service]\nType=oneshot\n", "a.timer:2: .*end of a month"),
        ("OnBootSec=5min", "[Service]\nType=oneshot\n", "neither OnCalendar nor"),
        ("OnCalendar=daily", "[Service]\nRestart=always\n", "always restarted"),
    ],
)
def test_a_timer_that_cron_has_no_words_for_is_told(
    units: Units, timer: str, unit: str, message: str
) -> None:
    files = {"a.container": IMAGE + unit, "a.timer": f"[Timer]\n{timer}\n"}

    assert not units(files, rendered=True).objects
    (error,) = units(files, apply=True, rendered=True).errors
    assert re.search(message, str(error))


def test_directories_in_memory_are_not_one_another(units: Units) -> None:
    loaded = units(
        {
            "app.pod": "[Pod]\nShmSize=1m\n",
            "a.container": IMAGE + "Pod=app.pod\nReadOnly=true\nTmpfs=/x\nTmpfs=/y\n"
            "Volume=s.volume:/s\nVolume=/one\nVolume=/two\n",
            "b.container": IMAGE + "Pod=app.pod\nVolume=s.volume:/s\nVolume=/one\n",
            "s.volume": "[Volume]\nType=tmpfs\nDevice=tmpfs\nOptions=size=50%\n",
        }
    )

    mounts: dict[str, list[str]] = {}
    for container in raw(loaded, "Pod")["spec"]["containers"]:
        for one in container["volumeMounts"]:
            mounts.setdefault(one["name"], []).append(container["name"] + one["mountPath"])
    shared = [sorted(places) for places in mounts.values() if len(places) > 1]
    assert sorted(shared) == [["a/dev/shm", "b/dev/shm"], ["a/s", "b/s"]]
    assert sum(map(len, mounts.values())) == 12


def test_a_host_name_with_a_domain_loses_it_and_is_told(units: Units) -> None:
    loaded = units({"web.container": IMAGE + "HostName=mail.example.com\n"})

    assert raw(loaded, "Pod")["spec"]["hostname"] == "mail"
    assert loaded.unsupported[0].line == 3


def test_labels_of_one_pod_that_differ_are_told_of(units: Units) -> None:
    loaded = units(
        {
            "app.pod": "[Pod]\n",
            "a.container": IMAGE + "Pod=app.pod\nLabel=app=a\n",
            "b.container": IMAGE + "Pod=app.pod\nLabel=app=b\n",
        }
    )

    assert [(one.file[-11:], one.line) for one in loaded.unsupported] == [("b.container", 4)]
