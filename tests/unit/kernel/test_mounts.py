"""Reading mountinfo, without making a mount."""

from __future__ import annotations

from runtime.kernel import mounts


def test_a_mountinfo_line_is_read_with_its_peer_groups() -> None:
    line = "36 35 98:0 /mnt1 /mnt2 rw,noatime shared:7 master:1 - ext3 /dev/root rw,errors=continue"

    (mount,) = mounts.parse([line])

    assert mount == mounts.Mount(
        id=36,
        parent=35,
        root="/mnt1",
        target="/mnt2",
        options=("rw", "noatime"),
        kind="ext3",
        source="/dev/root",
        super_options=("rw", "errors=continue"),
        shared=7,
        master=1,
    )


def test_a_mountinfo_line_may_have_no_optional_field() -> None:
    (mount,) = mounts.parse(["22 27 0:21 / /proc rw - proc proc rw"])

    assert (mount.kind, mount.shared, mount.master) == ("proc", 0, 0)


def test_escaped_signs_in_paths_are_restored() -> None:
    line = r"1 0 0:1 / /a\040b\011c\134d\012e rw - tmpfs my\040disk rw"

    (mount,) = mounts.parse([line])

    assert mount.target == "/a b\tc\\d\ne"
    assert mount.source == "my disk"


def test_this_host_has_a_root_mount() -> None:
    found = mounts.find("/")

    assert found is not None


def test_a_path_that_does_not_exist_is_not_mounted() -> None:
    assert not mounts.is_mounted("/no/such/path")
    assert not mounts.is_mounted("/proc/self/stat/below-a-file")
    assert mounts.is_mounted("/proc")
