"""Images of Quadlet files as units of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.targets.quadlet import sources as quadlet_sources
from renderers.quadlet.images import Forms
from tests.fixtures.rendered import lines, pod, rendered

if TYPE_CHECKING:
    from pathlib import Path

UNITS = Forms(whole=quadlet_sources.whole, units=True)
NAME = "docker.io-library-nginx-1.27.image"


def both(first: str, second: str) -> str:
    return pod(
        containers=[
            {"name": "a", "image": "nginx:1.27", "imagePullPolicy": first},
            {"name": "b", "image": "nginx:1.27", "imagePullPolicy": second},
        ]
    )


def test_an_image_is_pulled_once_for_all_by_the_most_urgent_policy(tmp_path: Path) -> None:
    files, lost = rendered(tmp_path, both("IfNotPresent", "Always"), "5.6", forms=UNITS)
    image = files[NAME]

    assert lost == ()
    assert lines(image, "Image") == ["docker.io/library/nginx:1.27"]
    assert lines(image, "Policy") == ["always"]
    for name in ("web-a.container", "web-b.container"):
        assert lines(files[name], "Image") == [NAME]
        assert lines(files[name], "Pull") == ["never"]


@pytest.mark.parametrize(
    ("policy", "key", "value"),
    [
        ("IfNotPresent", "ExecCondition", "podman image exists"),
        ("Newer", "SuccessExitStatus", "125"),
    ],
)
def test_before_podman_knows_a_policy_systemd_does(
    tmp_path: Path, policy: str, key: str, value: str
) -> None:
    files, _ = rendered(
        tmp_path, both(policy, policy).replace("Newer", "IfNotPresent"), forms=UNITS
    )
    newer, _ = rendered(tmp_path, pod(containers=[{"name": "a", "image": "nginx"}]), forms=UNITS)
    found = files[NAME] if key == "ExecCondition" else newer["docker.io-library-nginx-latest.image"]

    assert value in lines(found, key)[0]


def test_an_image_that_is_never_pulled_has_no_unit(tmp_path: Path) -> None:
    files, _ = rendered(tmp_path, both("Never", "Never"), forms=UNITS)

    assert NAME not in files
    assert lines(files["web-a.container"], "Pull") == ["never"]


def test_logins_are_named_not_shown(tmp_path: Path) -> None:
    forms = UNITS.replace(authfile="/etc/auth.json", tls_verify=False)
    files, _ = rendered(tmp_path, both("Always", "Always"), forms=forms)

    assert lines(files[NAME], "AuthFile") == ["/etc/auth.json"]
    assert lines(files[NAME], "TLSVerify") == ["false"]


def test_an_image_volume_has_it_from_the_same_unit(tmp_path: Path) -> None:
    text = pod(
        containers=[{"name": "a", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
        volumes=[{"name": "v", "image": {"reference": "nginx:1.27"}}],
    )
    files, _ = rendered(tmp_path, text, forms=UNITS)

    assert lines(files["web-a.container"], "Mount") == [f"type=image,source={NAME},destination=/v"]


def test_what_has_a_containerfile_is_built(tmp_path: Path) -> None:
    def building(image: str, file: str) -> str:
        assert file.endswith("app.yaml")
        return str(tmp_path) if image == "localhost/app:1" else ""

    text = pod(containers=[{"name": "a"}])
    files, lost = rendered(tmp_path, text, building=building)
    old, told = rendered(tmp_path, text, "5.1", building=building)
    build = files["localhost-app-1.build"]

    assert lost == ()
    assert lines(files["web-a.container"], "Image") == ["localhost-app-1.build"]
    assert lines(build, "ImageTag") == ["localhost/app:1"]
    assert lines(build, "SetWorkingDirectory") == [str(tmp_path)]
    assert "localhost-app-1.build" not in old
    assert "5.2" in told[0].message
