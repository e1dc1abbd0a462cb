"""Manifests and configurations: what is read, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from manifests.faults import Invalid
from runtime.image import manifest

ONE, TWO, THREE = (f"sha256:{letter * 64}" for letter in "123")


def index(*platforms: dict[str, str]) -> bytes:
    listed = zip((ONE, TWO, THREE), platforms, strict=False)
    entries = [{"digest": digest, "size": 1, "platform": about} for digest, about in listed]
    return json.dumps({"schemaVersion": 2, "manifests": entries}).encode()


def configuration(**changes: Any) -> bytes:
    return json.dumps({"architecture": "amd64", "rootfs": {"diff_ids": [ONE]}, **changes}).encode()


def test_the_platform_of_an_index_is_chosen_with_the_nearest_variant() -> None:
    arm6 = {"os": "linux", "architecture": "arm", "variant": "v6"}
    arm7 = {"os": "linux", "architecture": "arm", "variant": "v7"}
    amd = {"os": "linux", "architecture": "amd64"}
    found = index(arm6, arm7, amd)

    assert manifest.choose(found, manifest.platform("linux/arm/v7")) == TWO
    assert manifest.choose(found, manifest.platform("linux/arm/v8")) in (ONE, TWO)
    assert manifest.choose(found, manifest.platform("x86_64")) == THREE
    with pytest.raises(Invalid, match="not for linux/s390x, only for linux/amd64"):
        manifest.choose(found, manifest.platform("s390x"))


def test_a_manifest_is_no_index() -> None:
    raw = json.dumps(
        {"schemaVersion": 2, "config": {"digest": ONE, "size": 2}, "layers": []}
    ).encode()

    assert manifest.choose(raw, manifest.platform("amd64")) is None
    assert manifest.manifest(raw).config == ONE


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b'{"schemaVersion": 1}',
        b'{"schemaVersion": 2, "config": {"digest": "sha256:../../etc"}}',
        b'{"schemaVersion": 2, "config": {"digest": 5}}',
        b'{"schemaVersion": 2, "config": {"digest": "' + ONE.encode() + b'"}, "layers": [1]}',
    ],
)
def test_what_is_no_manifest_is_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        manifest.manifest(raw)


@pytest.mark.parametrize(
    "diff_id", ["sha256:../../../etc", "../x", "", None, 7, "sha256:" + "A" * 64, ONE + "\n"]
)
def test_a_diff_id_that_is_no_digest_is_refused(diff_id: object) -> None:
    with pytest.raises(Invalid, match="diff id"):
        manifest.configuration(configuration(rootfs={"diff_ids": [diff_id]}))


@pytest.mark.parametrize(
    "config",
    [{"Env": [1]}, {"Env": "A=b"}, {"User": 0.5}, {"Volumes": ["/x"]}, {"Labels": ["x"]}, [1]],
)
def test_a_configuration_of_wrong_types_is_refused(config: object) -> None:
    with pytest.raises(Invalid, match="malformed"):
        manifest.configuration(configuration(config=config))


def test_a_configuration_is_read() -> None:
    run: dict[str, object] = {
        "Entrypoint": ["/e"],
        "Cmd": None,
        "Env": ["A=b=c"],
        "User": "app:web",
        "Volumes": {"/data": {}},
        "ExposedPorts": {"80/tcp": {}},
        "Labels": {"k": "v"},
        "StopSignal": "SIGQUIT",
    }
    found = manifest.configuration(configuration(config=run, created="2026-01-01T00:00:00Z"))

    assert (found.run.entrypoint, found.run.cmd, found.run.env) == (("/e",), (), ("A=b=c",))
    assert (found.run.volumes, found.run.exposed_ports) == (("/data",), ("80/tcp",))
    assert (found.created, found.architecture) == ("2026-01-01T00:00:00Z", "amd64")
