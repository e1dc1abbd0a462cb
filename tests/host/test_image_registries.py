"""Registries as they are: private, behind an own CA, mirrored, for many platforms."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from manifests.faults import Invalid
from runtime.image import pull, skopeo
from runtime.image.meter import Progress, Stage
from runtime.image.store import Store
from tests.fixtures import registry
from tests.unit.image import layouts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.registry import Registry

pytestmark = pytest.mark.host

PLAIN = pull.Options(tls_verify=False)
RIGHT = f"{registry.USER}:{registry.PASSWORD}"


@pytest.fixture
def store(instance: Paths) -> Store:
    return Store(instance)


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Give a registry that wants TLS and a password, with the image a:1."""
    folder = tmp_path_factory.mktemp("private")
    with registry.running(folder, tls=True, login=True) as serving:
        source = layouts.write(folder / "a", "localhost/a:1", [layouts.tar({"x": b"1"})])
        push(source, f"{serving.address}/a:1", "--dest-creds", RIGHT)
        yield serving


def push(source: str, target: str, *words: str) -> str:
    subprocess.run(
        ["skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false", *words, source,
         f"docker://{target}"],
        check=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return target


def authfile(path: Path, content: object) -> str:
    path.write_text(json.dumps(content))
    path.chmod(0o600)
    return str(path)


def test_a_private_registry_behind_an_own_ca(store: Store, private: Registry) -> None:
    options = pull.Options(creds=RIGHT, cert_dir=private.certificates)

    image = pull.pull(store, f"{private.address}/a:1", options)

    assert os.listdir(store.layer_directories(image)[0]) == ["x"]


@pytest.mark.parametrize("creds", ["", f"{registry.USER}:wrong-word", "nobody:right-word"])
def test_without_the_right_password_the_registry_is_named(
    store: Store, private: Registry, creds: str
) -> None:
    options = pull.Options(creds=creds, cert_dir=private.certificates)

    with pytest.raises(Invalid, match="access refused") as caught:
        pull.pull(store, f"{private.address}/a:1", options)

    assert private.address in caught.value.message
    assert "skopeo login" in caught.value.hint
    assert "-word" not in str(caught.value)


def test_a_certificate_of_nobody_is_refused(store: Store, private: Registry) -> None:
    name = f"{private.address}/a:1"
    with pytest.raises(Invalid, match="certificate is not trusted") as caught:
        pull.pull(store, name, pull.Options(creds=RIGHT))
    assert "--cert-dir" in caught.value.hint

    assert pull.pull(store, name, pull.Options(creds=RIGHT, tls_verify=False)).layers


def test_logins_are_read_from_a_file_and_from_a_helper(
    store: Store, private: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import base64

    secret = base64.b64encode(RIGHT.encode()).decode()
    plain = authfile(tmp_path / "auth.json", {"auths": {private.address: {"auth": secret}}})
    helper = tmp_path / "bin" / "docker-credential-podpytest"
    helper.parent.mkdir()
    said = {"ServerURL": "", "Username": registry.USER, "Secret": registry.PASSWORD}
    helper.write_text(f"#!/bin/sh\necho '{json.dumps(said)}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:{os.environ['PATH']}")
    helped = authfile(tmp_path / "help.json", {"credHelpers": {private.address: "podpytest"}})

    for number, file in enumerate((plain, helped)):
        fresh = Store(store.paths.replace(state_dir=f"{store.paths.state_dir}-{number}"))
        options = pull.Options(authfile=file, cert_dir=private.certificates)
        assert pull.pull(fresh, f"{private.address}/a:1", options).layers


def test_a_password_is_in_no_argument_and_on_no_disk(store: Store, private: Registry) -> None:
    options = pull.Options(creds=RIGHT, cert_dir=private.certificates)
    with skopeo.proxy(f"docker://{private.address}/a:1", options) as command:
        assert not any(registry.PASSWORD in word for word in command.argv)
        held = [os.readlink(f"/proc/self/fd/{number}") for number in command.keep]

    assert held
    assert all(path.startswith("/memfd:") for path in held)
    assert registry.PASSWORD not in repr(options)


def test_the_command_line_tells_what_is_wrong(podpy: Podpy, private: Registry) -> None:
    name = f"{private.address}/a:1"
    words = ("image", "pull", name, "--cert-dir", private.certificates, "--creds")

    refused = podpy.run(*words, f"{registry.USER}:wrong-word")
    pulled = podpy.run(*words, RIGHT)

    assert refused.status != 0
    assert refused.stdout == ""
    assert "wrong-word" not in refused.stderr
    assert f'image "{name}": access refused' in refused.stderr
    assert pulled.status == 0
    assert f"image {name}: ready" in pulled.stderr
    assert name in podpy.ok("image", "ls")
    assert podpy.run("image", "pull", "-q", *words[2:], RIGHT).stderr == ""


def test_a_build_begins_with_an_image_of_a_private_registry(
    podpy: Podpy, private: Registry, tmp_path: Path
) -> None:
    (tmp_path / "Containerfile").write_text(f"FROM {private.address}/a:1\nENV A=b\n")
    words = ("image", "build", "-t", "private:1", "-t", "private:2", str(tmp_path))

    refused = podpy.run(*words, "--cert-dir", private.certificates)
    podpy.ok(*words, "--cert-dir", private.certificates, "--creds", RIGHT)

    assert refused.status != 0
    assert private.address in refused.stderr
    listed = podpy.ok("image", "ls", "--no-headers")
    assert [line.split()[0] for line in listed.splitlines()] == [
        "localhost/private:1",
        "localhost/private:2",
    ]


def index_of(folder: Path, local: Registry, repository: str, *platforms: str) -> str:
    """Push an image for each platform and an index of them; return the index's name."""
    entries = []
    for at, platform in enumerate(platforms):
        layer = layouts.tar({platform.replace("/", "-"): b"1"})
        layouts.write(folder / str(at), "x", [layer], about={"architecture": platform})
        push(f"oci:{folder / str(at)}", f"{local.address}/{repository}:{at}")
        index = json.loads((folder / str(at) / "index.json").read_text())
        entry = index["manifests"][0]
        entries.append({**entry, "platform": {"os": "linux", "architecture": platform}})
    whole = folder / "index"
    whole.mkdir()
    subprocess.run(["cp", "-a", *(f"{folder / str(at)}/blobs" for at in range(len(platforms))),
                    str(whole)], check=True)  # fmt: skip
    raw = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": entries,
    }).encode()  # fmt: skip
    (whole / "blobs" / "sha256" / layouts.digest(raw)[7:]).write_bytes(raw)
    described = {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": layouts.digest(raw), "size": len(raw),
    }  # fmt: skip
    (whole / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}))
    (whole / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return push(f"oci:{whole}", f"{local.address}/{repository}:all", "--all")


def test_an_index_gives_the_image_for_the_platform(
    store: Store, local_registry: Registry, tmp_path: Path
) -> None:
    name = index_of(tmp_path, local_registry, "many/a", "amd64", "arm64")

    def held(options: pull.Options) -> list[str]:
        return os.listdir(store.layer_directories(pull.pull(store, name, options))[0])

    assert held(PLAIN.replace(architecture="arm64")) == ["arm64"]
    # What the name is of now is for another platform: the index is the same, the image is not.
    assert held(PLAIN.replace(architecture="amd64")) == ["amd64"]
    with pytest.raises(Invalid, match="not for linux/s390x, only for linux/amd64, linux/arm64"):
        pull.pull(store, name, PLAIN.replace(architecture="s390x"))


def test_an_image_for_another_platform_alone_comes_with_a_warning(
    store: Store, local_registry: Registry, tmp_path: Path
) -> None:
    layer = layouts.tar({"x": b"1"})
    source = layouts.write(tmp_path / "a", "x", [layer], about={"architecture": "s390x"})
    name = push(source, f"{local_registry.address}/foreign/a:1")
    told: list[Progress] = []

    pull.pull(store, name, PLAIN.replace(architecture="amd64"), told.append)

    notes = [said.note for said in told if said.stage is Stage.FOREIGN]
    assert notes == ["is for s390x, not for amd64"]


def test_short_names_and_mirrors_of_registries_conf(
    podpy: Podpy, local_registry: Registry, tmp_path: Path
) -> None:
    source = layouts.write(tmp_path / "a", "x", [layouts.tar({"x": b"1"})])
    push(source, f"{local_registry.address}/mirrored/a:1")
    conf = tmp_path / "home" / ".config" / "containers" / "registries.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(
        f'unqualified-search-registries = ["registry.invalid"]\n'
        f'[[registry]]\nlocation = "registry.invalid"\n'
        f'[[registry.mirror]]\nlocation = "{local_registry.address}/mirrored"\ninsecure = true\n'
    )
    podpy.env["HOME"] = str(tmp_path / "home")

    full = podpy.ok("image", "pull", "-q", "registry.invalid/a:1")
    short = podpy.ok("image", "pull", "-q", "a:1")

    assert full == short
    listed = podpy.ok("image", "ls", "--no-headers")
    assert [line.split()[0] for line in listed.splitlines()] == ["a:1", "registry.invalid/a:1"]


def test_the_environment_may_name_another_registries_conf(
    podpy: Podpy, local_registry: Registry, tmp_path: Path
) -> None:
    source = layouts.write(tmp_path / "a", "x", [layouts.tar({"x": b"1"})])
    push(source, f"{local_registry.address}/named/a:1")
    conf = tmp_path / "named.conf"
    conf.write_text(
        f'unqualified-search-registries = ["{local_registry.address}"]\n'
        f'[[registry]]\nlocation = "{local_registry.address}"\ninsecure = true\n'
    )
    podpy.env["CONTAINERS_REGISTRIES_CONF"] = str(conf)

    podpy.ok("image", "pull", "-q", "named/a:1")

    listed = podpy.ok("image", "ls", "--no-headers").splitlines()
    assert [line.split()[0] for line in listed] == [
        f"{local_registry.address}/named/a:1",
        "named/a:1",
    ]


ANYTHING = {"type": "insecureAcceptAnything"}


@pytest.mark.parametrize(
    ("policy", "trusting"),
    [
        ({"default": [ANYTHING]}, True),
        ({"default": [ANYTHING], "transports": {"docker-daemon": {"": [ANYTHING]}}}, True),
        ({"default": [{"type": "reject"}]}, False),
        ({"default": [ANYTHING], "transports": {"docker": {"a": [{"type": "reject"}]}}}, False),
        ({"default": "rubbish"}, False),
    ],
)
def test_a_host_that_asks_for_signatures_is_heard(
    policy: object, trusting: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    where = tmp_path / ".config" / "containers"
    where.mkdir(parents=True)
    (where / "policy.json").write_text(json.dumps(policy))

    assert skopeo.trusts_every_image() is trusting


def test_an_image_that_the_hosts_policy_rejects_is_not_pulled(
    podpy: Podpy, local_registry: Registry, tmp_path: Path
) -> None:
    source = layouts.write(tmp_path / "a", "x", [layouts.tar({"x": b"1"})])
    name = push(source, f"{local_registry.address}/policy/a:1")
    where = tmp_path / "home" / ".config" / "containers"
    where.mkdir(parents=True)
    podpy.env["HOME"] = str(tmp_path / "home")
    scope = {local_registry.address: [{"type": "reject"}]}
    rejecting = {"default": [ANYTHING], "transports": {"docker": scope}}
    (where / "policy.json").write_text(json.dumps(rejecting))

    refused = podpy.run("image", "pull", "--tls-verify=false", name)
    scope[local_registry.address] = [ANYTHING]
    (where / "policy.json").write_text(json.dumps(rejecting))

    assert refused.status != 0
    assert "rejected by policy" in refused.stderr
    assert podpy.ok("image", "pull", "-q", "--tls-verify=false", name).strip()
