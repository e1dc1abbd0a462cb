"""Who a container runs as, out of the layers' own files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from manifests.faults import Invalid
from runtime.image import users

if TYPE_CHECKING:
    from pathlib import Path

PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1001:1002::/srv/app:/bin/sh\n"
GROUP = "root:x:0:\nweb:x:50:other,app\nlog:x:51:app\nnone:x:52:\n"


def layer(root: Path, **files: str) -> str:
    (root / "etc").mkdir(parents=True)
    for name, content in files.items():
        (root / "etc" / name).write_text(content)
    return str(root)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("app", users.User(uid=1001, gid=1002, groups=(50, 51), home="/srv/app")),
        ("1001", users.User(uid=1001, gid=1002, groups=(50, 51), home="/srv/app")),
        ("app:none", users.User(uid=1001, gid=52, home="/srv/app")),
        ("app:7", users.User(uid=1001, gid=7, home="/srv/app")),
        ("9999", users.User(uid=9999, gid=0)),
        ("9999:web", users.User(uid=9999, gid=50)),
    ],
)
def test_user_and_group(tmp_path: Path, wanted: str, found: users.User) -> None:
    below = layer(tmp_path / "a", passwd=PASSWD, group=GROUP)

    assert users.resolve(wanted, (str(tmp_path), below)) == found


@pytest.mark.parametrize("wanted", ["nobody", "app:nobody", "nobody:web"])
def test_an_unknown_name_is_invalid(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(Invalid, match="not in the image"):
        users.resolve(wanted, (layer(tmp_path / "a", passwd=PASSWD, group=GROUP),))


def test_the_topmost_file_counts(tmp_path: Path) -> None:
    low = layer(tmp_path / "low", passwd=PASSWD, group=GROUP)
    high = layer(tmp_path / "high", passwd="app:x:5:6::/new:/bin/sh\n")

    assert users.resolve("app", (high, low)).uid == 5


def test_a_link_is_not_followed_out_of_the_layer(tmp_path: Path) -> None:
    (tmp_path / "host").write_text("evil:x:0:0::/:/bin/sh\n")
    for name in ("file", "folder"):
        (tmp_path / name).mkdir()
    (tmp_path / "file" / "etc").mkdir()
    (tmp_path / "file" / "etc" / "passwd").symlink_to(tmp_path / "host")
    (tmp_path / "folder" / "etc").symlink_to("/etc")

    for name in ("file", "folder"):
        with pytest.raises(Invalid):
            users.resolve("evil" if name == "file" else "daemon", (str(tmp_path / name),))


def test_a_removed_file_is_not_found_below(tmp_path: Path) -> None:
    low = layer(tmp_path / "low", passwd=PASSWD)
    high = layer(tmp_path / "high")
    try:
        os.mknod(f"{high}/etc/passwd", 0o20000, 0)
    except PermissionError:
        pytest.skip("this kernel lets only root make whiteouts")

    with pytest.raises(Invalid):
        users.resolve("app", (high, low))


@pytest.mark.parametrize(
    "wanted", ["4294967295", "2147483648", "9" * 5000, "1:4294967295", "high", "low", "app:many"]
)
def test_what_is_no_id_is_refused(tmp_path: Path, wanted: str) -> None:
    passwd = "high:x:4294967295:1::/:\nlow:x:1:-1::/:\napp:x:1:1::/:\n"
    folder = layer(tmp_path / "a", passwd=passwd, group="many:x:4294967296:\n")

    with pytest.raises(Invalid, match="as the id of a user or group"):
        users.resolve(wanted, (folder,))


def test_a_figure_of_another_script_is_a_name(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="not in the image"):
        users.resolve("²", (layer(tmp_path / "a", passwd=PASSWD),))
