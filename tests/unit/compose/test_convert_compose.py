"""Compose files become objects: key by key, and whatever is wrong with them is told."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from manifests import kinds, load
from manifests.compose import tables
from manifests.compose.interpolation import Interpolation
from manifests.config import Secret
from podpy import converting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from manifests.loaded import Loaded

    Convert = Callable[..., Loaded]


@pytest.fixture
def convert(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Convert:
    """Load a Compose file, with others beside it, as `podpy convert` does."""
    monkeypatch.setenv("FROM_SHELL", "shell")

    def loaded(text: str, **others: str) -> Loaded:
        (tmp_path / "compose.yaml").write_text(text)
        for name, content in others.items():
            (tmp_path / name.replace("_dot_", ".")).write_text(content)
        return converting.load_all([str(tmp_path)], "", rendered=False)

    return loaded


def raw(loaded: Loaded, kind: str, name: str) -> dict[str, Any]:
    assert not loaded.errors, [str(one) for one in loaded.problems]
    found = [one.object for one in loaded.objects if one.object.kind == kind]
    return kinds.dump(next(one for one in found if one.metadata.name == name))


def said(loaded: Loaded) -> list[str]:
    return [re.sub(r"\S*/", "", one.shown, count=1) for one in loaded.problems]


SHOP = """
name: shop
services:
  web:
    image: "nginx:${TAG:-1.27}"
    container_name: front
    command: run --x "y z"
    entrypoint: [/bin/a, b]
    environment: {A: 1, B: "x $$(A)", C: true}
    env_file: [web.env]
    ports: ["127.0.0.1:8080:80", {target: 53, published: "53", protocol: udp}]
    expose: [9000]
    volumes:
      - data:/data:ro
      - ./html:/html
      - {type: bind, source: /srv, target: /srv, read_only: true}
      - {type: tmpfs, target: /run, tmpfs: {size: 10m}}
      - {type: volume, source: data, target: /sub, volume: {subpath: a}}
      - /anonymous
    tmpfs: /tmp
    networks: {back: {ipv4_address: 10.9.0.5}}
    depends_on: {db: {condition: service_healthy}}
    restart: unless-stopped
    user: "1000:1001"
    cap_add: [CAP_NET_ADMIN]
    cap_drop: [ALL]
    security_opt: [no-new-privileges:true]
    read_only: true
    working_dir: /srv
    hostname: www
    extra_hosts: ["db2:10.0.0.9"]
    stop_signal: SIGINT
    stop_grace_period: 1m30s
    labels: {app: web, traefik.rule: "Host(`a`)"}
    deploy:
      resources:
        limits: {cpus: "0.5", memory: 50M, pids: 9}
        reservations: {memory: 10M}
    secrets: [key]
    configs: [{source: site, target: /etc/site.conf, mode: 0440}]
    sysctls: {net.core.somaxconn: 10}
    ulimits: {nofile: {soft: 1, hard: 2}}
  db:
    image: postgres:16
    healthcheck: {test: [CMD-SHELL, pg_isready], interval: 10s, timeout: 3s, start_period: 1m}
    networks: [back]
  worker:
    image: worker
    deploy: {replicas: 3}
    restart: always
volumes:
  data: {name: stuff}
networks:
  back: {internal: true, ipam: {config: [{subnet: 10.9.0.0/24, gateway: 10.9.0.1}]}}
secrets:
  key: {file: key.txt}
configs:
  site: {content: "a=${FROM_SHELL}"}
"""


def test_a_file_becomes_objects(convert: Convert) -> None:
    loaded = convert(SHOP, web_dot_env="P=1\n# no\nQ='x y'\n", key_dot_txt="geheim")

    pod = raw(loaded, "Pod", "front")
    assert pod["metadata"]["labels"] == {"app": "web"}
    assert pod["metadata"]["annotations"] == {
        "traefik.rule": "Host(`a`)",
        "podpy.dev/network": "back",
        "podpy.dev/address": "10.9.0.5",
        "podpy.dev/depends-on": "Pod/db",
        "io.podman.annotations.pids-limit/front": "9",
        "io.podman.annotations.ulimit": "nofile=1:2",
    }
    spec = pod["spec"]
    container = spec["containers"][0]
    mounts = {one["mountPath"]: one for one in container.pop("volumeMounts")}
    volumes = {one["name"]: one for one in spec.pop("volumes")}
    html = volumes[mounts["/html"]["name"]]["hostPath"]["path"]
    assert html.endswith("/html")
    assert html.startswith("/")
    assert volumes[mounts["/data"]["name"]]["persistentVolumeClaim"] == {"claimName": "stuff"}
    assert mounts["/data"]["readOnly"]
    assert mounts["/srv"]["readOnly"]
    assert mounts["/sub"]["subPath"] == "a"
    assert volumes[mounts["/run"]["name"]]["emptyDir"] == {"medium": "Memory", "sizeLimit": "10Mi"}
    assert volumes[mounts["/tmp"]["name"]]["emptyDir"] == {"medium": "Memory"}
    assert volumes[mounts["/anonymous"]["name"]]["emptyDir"] == {}
    assert volumes[mounts["/run/secrets/key"]["name"]]["secret"]["secretName"] == "key"
    file = {"key": "site", "path": "site.conf", "mode": 0o440}
    assert volumes[mounts["/etc/site.conf"]["name"]]["configMap"] == {
        "name": "site",
        "items": [file],
    }
    assert container == {
        "name": "front",
        "image": "nginx:1.27",
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/a", "b"],
        "args": ["run", "--x", "y z"],
        "workingDir": "/srv",
        "env": [
            {"name": "A", "value": "1"},
            {"name": "B", "value": "x $$(A)"},
            {"name": "C", "value": "true"},
        ],
        "envFrom": [{"secretRef": {"name": "front-env"}}],
        "ports": [
            {"containerPort": 80, "hostPort": 8080, "hostIP": "127.0.0.1"},
            {"containerPort": 53, "hostPort": 53, "protocol": "UDP"},
            {"containerPort": 9000},
        ],
        "resources": {
            "limits": {"cpu": "500m", "memory": "50Mi"},
            "requests": {"cpu": "500m", "memory": "10Mi"},
        },
        "securityContext": {
            "runAsUser": 1000,
            "runAsGroup": 1001,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
        },
        "lifecycle": {"stopSignal": "SIGINT"},
    }
    assert spec["terminationGracePeriodSeconds"] == 90
    assert spec["hostname"] == "www"
    assert spec["hostAliases"] == [{"ip": "10.0.0.9", "hostnames": ["db2"]}]
    database = raw(loaded, "Pod", "db")["spec"]
    assert database["restartPolicy"] == "Never"
    assert database["containers"][0]["readinessProbe"] == {
        "exec": {"command": ["/bin/sh", "-c", "pg_isready"]},
        "timeoutSeconds": 3,
        "initialDelaySeconds": 60,
    }
    worker = raw(loaded, "Deployment", "worker")["spec"]
    assert worker["replicas"] == 3
    assert worker["selector"] == {"matchLabels": {"app": "worker"}}
    network = {"subnet": "10.9.0.0/24", "gateway": "10.9.0.1", "internal": True}
    assert raw(loaded, "Network", "back")["spec"] == network
    assert raw(loaded, "ConfigMap", "site")["data"] == {"site": "a=shell"}
    secrets = {
        one.object.metadata.name: {key: bytes(held) for key, held in one.object.content().items()}
        for one in loaded.objects
        if isinstance(one.object, Secret)
    }
    assert secrets == {"key": {"key": b"geheim"}, "front-env": {"P": b"1", "Q": b"x y"}}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("devices: [/dev/x]", "compose.yaml:4: warning: [services.a] devices: is not supported"),
        ("profiles: [x]", "compose.yaml:4: warning: [services.a] profiles: is left out"),
        ("imag: x", 'compose.yaml:4: [services.a] imag: unknown key; did you mean "image"?'),
        ("user: nobody", 'compose.yaml:4: warning: [services.a] user: is not supported: "nobody"'),
        ("volumes: [x:/x]", 'compose.yaml:4: [services.a] volumes[0]: the volume "x" is not decl'),
        ("networks: [x]", 'compose.yaml:4: [services.a] networks[0]: the network "x" is not decl'),
        ("depends_on: [x]", 'compose.yaml:4: [services.a] depends_on[0]: there is no service "x"'),
        ("build: .", "compose.yaml:4: warning: [services.a] build: is not supported: have b built"),
        ("env_file: no.env", "compose.yaml:4: warning: [services.a] env_file: "),
        ("environment: [A]", "compose.yaml:4: warning: [services.a] environment[0]: has no value"),
        ("hostname: $NONE", "compose.yaml:4: warning: [services.a] hostname: $NONE is set nowhere"),
        ("hostname: '${X:?why}'", "compose.yaml:4: [services.a] hostname: X must be set: why"),
        ("restart: on-failure:3", "compose.yaml:4: warning: [services.a] restart: is not"),
        ("restart: often", 'compose.yaml:4: [services.a] restart: "often" must be one of'),
        ("ports: ['x']", 'compose.yaml:4: [services.a] ports[0]: "x": is not [[IP:]HOST:]CONTAIN'),
        ("extends: {service: x}", "compose.yaml:4: warning: [services.a] extends: is not"),
    ],
)  # fmt: skip
def test_what_is_wrong_or_lost_is_told_with_its_place(
    convert: Convert, line: str, told: str
) -> None:
    loaded = convert(f"services:\n  a:\n    image: b\n    {line}\n")

    assert any(one.startswith(told) for one in said(loaded)), said(loaded)


@pytest.mark.parametrize("key", sorted(tables.HONOURED))
@pytest.mark.parametrize("value", ["5", "x", "true", "null", "[1, {a: b}]", "{a: [1]}", "[[x]]"])
def test_values_of_another_shape_are_told_of_and_break_nothing(
    convert: Convert, key: str, value: str
) -> None:
    loaded = convert(f"services:\n  a:\n    image: b\n    {key}: {value}\n")

    assert loaded.objects or loaded.problems


def test_directories_of_a_service_are_not_one_another(convert: Convert) -> None:
    loaded = convert("services: {a: {image: b, tmpfs: [/x, /y], volumes: [/one, /two]}}\n")

    mounts = raw(loaded, "Pod", "a")["spec"]["containers"][0]["volumeMounts"]
    assert len({one["name"] for one in mounts}) == 4


def test_a_file_of_another_name_is_known_by_its_services(tmp_path: Path) -> None:
    (tmp_path / "stack.yml").write_text("services: {a: {image: b}}\n")
    loaded = converting.load_all([str(tmp_path / "stack.yml")], "", rendered=False)

    assert [one.object.metadata.name for one in loaded.objects] == ["a"]


def test_a_directory_of_manifests_is_none(tmp_path: Path) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    (tmp_path / "a.yaml").write_text(json.dumps(manifest))
    loaded = converting.load_all([str(tmp_path)], "", rendered=False)

    assert [one.object.kind for one in loaded.objects] == ["ConfigMap"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$A ${A} $$A", "1 1 $A"),
        ("${B:-x}${E:-y}${E-z}", "xy"),
        ("${A:+yes}${B:+no}", "yes"),
        ("${B:-${A}}", "1"),
        ("100$ a", "100$ a"),
    ],
)
def test_variables(text: str, found: str) -> None:
    made = Interpolation({"A": "1", "E": ""})

    assert made.whole({"k": [text]}) == {"k": [found]}
    assert not made.wrong


def test_variables_that_cannot_be_read() -> None:
    made = Interpolation({})
    made.whole(["${A", "${1}", "${A?told}"])

    assert [path for path, _ in made.wrong] == [(0,), (1,), (2,)]


def test_apply_says_what_to_do_with_a_compose_file(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {a: {image: b}}\n")
    loaded = load.load([str(tmp_path)])

    assert "is a Compose file: podpy convert -f" in str(loaded.errors[0])
