"""A resolved container as an OCI config.json."""

from __future__ import annotations

from typing import Any

import pytest

from renderers import oci_config
from renderers.oci_config import ContainerSpec, Device, Mount, ProcMount, Resources, Rlimit


def rendered(**fields: Any) -> dict[str, Any]:
    given = {"argv": ("/bin/app",), "cgroup": "/podpy/uid/app", "cgroup_v2": False, **fields}
    return oci_config.render(ContainerSpec(**given))


def mount_at(config: dict[str, Any], destination: str) -> dict[str, Any]:
    found = [mount for mount in config["mounts"] if mount["destination"] == destination]
    assert len(found) == 1
    only: dict[str, Any] = found[0]
    return only


@pytest.mark.parametrize(
    ("v2", "kinds"), [(False, ["pid", "mount"]), (True, ["pid", "mount", "cgroup"])]
)
def test_only_a_containers_own_namespaces_are_listed(v2: bool, kinds: list[str]) -> None:
    config = rendered(cgroup_v2=v2)

    assert config["linux"]["namespaces"] == [{"type": kind} for kind in kinds]
    assert "hostname" not in config


def test_the_process_is_taken_over_as_resolved() -> None:
    config = rendered(
        argv=("run", "it"),
        env=("A=b", "GREETING=grüße"),
        cwd="/srv",
        uid=5,
        gid=6,
        additional_gids=(7, 8),
        umask=0o27,
        terminal=True,
        no_new_privileges=True,
        oom_score_adj=300,
        rlimits=(Rlimit(kind="RLIMIT_NOFILE", soft=10, hard=20),),
    )

    process = config["process"]
    assert process["args"] == ["run", "it"]
    assert process["env"] == ["A=b", "GREETING=grüße"]
    assert process["cwd"] == "/srv"
    assert process["user"] == {"uid": 5, "gid": 6, "additionalGids": [7, 8], "umask": 0o27}
    assert (process["terminal"], process["noNewPrivileges"]) == (True, True)
    assert process["oomScoreAdj"] == 300
    assert process["rlimits"] == [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20}]


def test_capabilities_are_neither_inheritable_nor_ambient() -> None:
    held = rendered(uid=1000, capabilities=("CAP_CHOWN",))["process"]["capabilities"]

    assert held == {kind: ["CAP_CHOWN"] for kind in ("bounding", "effective", "permitted")}


def test_the_cgroup_is_seen_read_only() -> None:
    v1 = mount_at(rendered(), "/sys/fs/cgroup")
    v2 = mount_at(rendered(cgroup_v2=True), "/sys/fs/cgroup")

    assert (v1["type"], "ro" in v1["options"]) == ("cgroup", True)
    assert (v2["type"], v2["source"]) == ("bind", "/sys/fs/cgroup/podpy/uid/app")
    assert "ro" in v2["options"]


def test_limits_that_are_not_given_are_not_written() -> None:
    assert set(rendered()["linux"]["resources"]) == {"devices"}


def test_limits_are_written_in_their_groups() -> None:
    limits = Resources(
        cpu_shares=512,
        cpu_quota=50_000,
        memory_limit=1 << 20,
        memory_reservation=1 << 19,
        memory_swap=1 << 20,
        pids_limit=99,
    )

    resources = rendered(resources=limits)["linux"]["resources"]

    assert resources["cpu"] == {"shares": 512, "quota": 50_000, "period": 100_000}
    assert resources["memory"] == {"limit": 1 << 20, "reservation": 1 << 19, "swap": 1 << 20}
    assert resources["pids"] == {"limit": 99}


def test_devices_are_made_and_allowed_and_all_others_denied() -> None:
    fuse = Device(path="/dev/fuse", kind="c", major=10, minor=229)

    linux = rendered(devices=(fuse,))["linux"]

    assert linux["devices"][0]["path"] == "/dev/fuse"
    assert linux["resources"]["devices"] == [
        {"allow": False, "access": "rwm"},
        {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rwm"},
    ]


def test_proc_is_masked_unless_asked_otherwise() -> None:
    linux = rendered()["linux"]
    assert "/proc/kcore" in linux["maskedPaths"]
    assert "/proc/sys" in linux["readonlyPaths"]

    unmasked = rendered(proc_mount=ProcMount.UNMASKED)["linux"]
    assert "maskedPaths" not in unmasked
    assert "readonlyPaths" not in unmasked


def test_privileged_lifts_masks_filter_profile_and_devices() -> None:
    config = rendered(privileged=True, apparmor="podpy-default")

    assert not {"maskedPaths", "readonlyPaths", "seccomp"} & set(config["linux"])
    assert config["linux"]["resources"]["devices"] == [{"allow": True, "access": "rwm"}]
    assert "rw" in mount_at(config, "/sys")["options"]
    assert "rw" in mount_at(config, "/sys/fs/cgroup")["options"]
    assert "apparmorProfile" not in config["process"]


def test_given_mounts_come_after_the_standard_ones_outer_first() -> None:
    inner = Mount(destination="/data/inner", source="/b")
    outer = Mount(destination="/data", source="/a")

    destinations = [m["destination"] for m in rendered(mounts=(inner, outer))["mounts"]]

    assert destinations[-2:] == ["/data", "/data/inner"]
    assert destinations[0] == "/proc"


def test_a_given_mount_replaces_the_standard_one_and_those_below() -> None:
    config = rendered(mounts=(Mount(destination="/dev/", source="/dev"),))

    at = [mount["destination"] for mount in config["mounts"]]
    assert not [path for path in at if path.startswith("/dev/") and path != "/dev/"]
    assert mount_at(config, "/dev/")["source"] == "/dev"


def test_security_labels_and_annotations_are_passed_on() -> None:
    config = rendered(
        apparmor="profile",
        selinux_label="label",
        selinux_mount_label="mounts",
        annotations={"podpy.dev/pod": "web"},
    )

    assert config["process"]["apparmorProfile"] == "profile"
    assert config["process"]["selinuxLabel"] == "label"
    assert config["linux"]["mountLabel"] == "mounts"
    assert config["annotations"] == {"podpy.dev/pod": "web"}


@pytest.mark.parametrize(
    ("options", "propagation"),
    [
        ((), None),
        (("rslave",), "rslave"),
        (("rshared",), "rshared"),
        (("rslave", "rshared"), "rshared"),
    ],
)
def test_the_root_lets_through_what_the_mounts_ask_for(
    options: tuple[str, ...], propagation: str | None
) -> None:
    mounts = tuple(
        Mount(destination=f"/{option}", source="/a", options=("rbind", option))
        for option in ("rprivate", *options)
    )

    assert rendered(mounts=mounts)["linux"].get("rootfsPropagation") == propagation
