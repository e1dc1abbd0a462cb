"""reconciler.targets.host.container: a container's parts together, and the text they make."""

from __future__ import annotations

from typing import Any

import pytest

from manifests import codec
from manifests.codec import SecretBytes
from manifests.config import Secret
from manifests.faults import Invalid
from manifests.meta import ObjectMeta
from manifests.observed import PodRecord
from manifests.pod import Pod
from reconciler.targets.host import blocked, container, volumes
from reconciler.targets.host.container import Context, Engine, Image
from reconciler.targets.host.environment import HostFacts, Sources, Subject
from reconciler.targets.host.process import Identity
from renderers import oci_config
from runtime.paths import Paths

PATHS = Paths(state_dir="/lib", run_dir="/run", log_dir="/log", instance="pp")
FACTS = HostFacts(node="Here", addresses=("192.0.2.7",), cpus=2, memory=8 << 30)
IMAGE = Image(
    entrypoint=("/entry",), env=("PATH=/app",), working_dir="/srv", volumes=("/data",), user="app"
)
SECRET = Secret(metadata=ObjectMeta(name="s"), data={"key": SecretBytes(b"hush")})


def context(app: dict[str, Any], **spec: Any) -> Context:
    pod = codec.restore(
        Pod,
        {
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"containers": [{"name": "app", **app}], **spec},
        },
    )
    record = PodRecord(uid="u-1", pod=pod, spec_hash="x")
    sources = Sources(secrets={"s": SECRET})
    subject = Subject(record=record, container=pod.spec.containers[0], sources=sources, facts=FACTS)
    declared, bindings = container.prepare(
        subject, IMAGE, volumes.plan(record, sources, PATHS), PATHS
    )
    return Context(
        subject=subject,
        image=IMAGE,
        declared=declared,
        bindings=bindings,
        user=Identity(uid=33, gid=44, groups=(55,)),
        engine=Engine(cgroup_v2=False, machine="x86_64"),
        paths=PATHS,
        cgroup="/pp/u-1/app",
    )


def spec_of(app: dict[str, Any], **spec: Any) -> oci_config.ContainerSpec:
    return container.container_spec(context(app, **spec))


def test_a_plain_container_is_the_images() -> None:
    found = spec_of({})

    assert (found.argv, found.cwd) == (("/entry",), "/srv")
    assert (found.uid, found.gid, found.additional_gids) == (33, 44, (44, 55))
    assert found.env == ("PATH=/app", "HOSTNAME=web")
    assert found.cgroup == "/pp/u-1/app"
    assert found.oom_score_adj == 1000
    assert found.seccomp is oci_config.SeccompType.RUNTIME_DEFAULT
    assert [mount.destination for mount in found.mounts] == [
        "/data",
        "/dev/termination-log",
        "/dev/shm",
        "/etc/hosts",
        "/etc/hostname",
        "/etc/resolv.conf",
    ]


def test_what_the_manifest_declares_reaches_every_part() -> None:
    app = {
        "command": ["run", "$(MODE)"],
        "env": [
            {"name": "MODE", "value": "fast"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "key"}}},
        ],
        "tty": True,
        "volumeMounts": [{"name": "v", "mountPath": "/v", "subPathExpr": "$(MODE)"}],
        "resources": {"limits": {"cpu": "500m", "memory": "64Mi"}},
        "securityContext": {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]},
            "procMount": "Unmasked",
        },
    }

    found = spec_of(app, volumes=[{"name": "v"}])

    assert found.argv == ("run", "fast")
    assert "TOKEN=hush" in found.env
    assert found.mounts[0].source == "/run/pods/u-1/containers/app/subpaths/0"
    assert (found.readonly_rootfs, found.no_new_privileges, found.terminal) == (True, True, True)
    assert found.capabilities == ("CAP_CHOWN",)
    assert found.proc_mount is oci_config.ProcMount.UNMASKED
    assert found.resources.cpu_quota == 50_000
    assert found.oom_score_adj == -997
    assert "hush" not in repr(found)


def test_the_text_names_whose_container_it_is() -> None:
    config = oci_config.render(spec_of({}))

    assert config["annotations"] == {
        "io.kubernetes.container.name": "app",
        "io.kubernetes.pod.name": "web",
        "io.kubernetes.pod.namespace": "shop",
        "io.kubernetes.pod.uid": "u-1",
    }
    assert config["process"]["args"] == ["/entry"]


def test_a_privileged_container_gets_the_hosts_devices_and_all_capabilities() -> None:
    device = oci_config.Device(path="/dev/x", kind="c", major=1, minor=2)
    engine = Engine(cgroup_v2=True, machine="x86_64", devices=(device,))
    privileged = context({"securityContext": {"privileged": True}}).replace(engine=engine)

    found = container.container_spec(privileged)

    assert found.devices == (device,)
    assert len(found.capabilities) == len(engine.capabilities)
    assert found.seccomp is oci_config.SeccompType.UNCONFINED
    assert container.container_spec(context({}).replace(engine=engine)).devices == ()


def test_nobody_is_safer_from_the_oom_killer_than_podpy_may_make_them() -> None:
    fixed = context({"resources": {"limits": {"cpu": "1", "memory": "64Mi"}}})
    bound = Engine(cgroup_v2=True, machine="x86_64", lowest_oom_score_adj=0)

    assert container.container_spec(fixed).oom_score_adj == -997
    assert container.container_spec(fixed.replace(engine=bound)).oom_score_adj == 0
    assert container.container_spec(context({}).replace(engine=bound)).oom_score_adj == 1000


def test_an_unknown_capability_and_a_forbidden_root_are_refused() -> None:
    with pytest.raises(Invalid, match='capability "FLY" is unknown'):
        spec_of({"securityContext": {"capabilities": {"add": ["FLY"]}}})
    root = context({"securityContext": {"runAsNonRoot": True}}).replace(user=Identity())
    with pytest.raises(blocked.Blocked, match='Pod/shop/web container "app": container has run'):
        container.container_spec(root)


def test_a_localhost_profile_is_looked_up_below_its_root() -> None:
    wanted = {"seccompProfile": {"type": "Localhost", "localhostProfile": "strict.json"}}

    asked = context({"securityContext": wanted}).subject

    assert container.localhost_profile(asked, "/seccomp") == "/seccomp/strict.json"
    assert container.localhost_profile(context({}).subject, "/seccomp") is None


def test_the_host_name_is_the_pods_cut_to_what_linux_takes_or_the_hosts() -> None:
    def hostname(name: str = "web", **spec: Any) -> str:
        record = context({}, **spec).subject.record
        metadata = record.pod.metadata.replace(name=name)
        return container.hostname(record.replace(pod=record.pod.replace(metadata=metadata)), FACTS)

    assert hostname() == "web"
    assert hostname(hostname="db") == "db"
    assert hostname("a" * 62 + "-b") == "a" * 62
    assert hostname(hostNetwork=True) == "Here"
