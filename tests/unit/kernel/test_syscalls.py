"""Opening beneath a directory: what subPath safety rests on."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from runtime.kernel import syscalls


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "root"
    (root / "dir").mkdir(parents=True)
    (root / "dir" / "file").write_text("inside")
    (root / "inner-link").symlink_to("dir/file")
    (root / "outer-link").symlink_to("../secret")
    (root / "absolute-link").symlink_to("/etc/passwd")
    return root


def beneath(root: Path, path: str) -> bytes:
    fd = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        opened = syscalls.open_beneath(fd, path, os.O_RDONLY)
        with os.fdopen(opened, "rb") as file:
            return file.read()
    finally:
        os.close(fd)


@pytest.mark.parametrize("path", ["dir/file", "inner-link", "dir/../dir/file", "./dir/file"])
def test_what_stays_inside_is_opened(root: Path, path: str) -> None:
    assert beneath(root, path) == b"inside"


@pytest.mark.parametrize("path", ["outer-link", "absolute-link", "../secret", "/etc/passwd"])
def test_what_leads_out_is_refused(root: Path, path: str) -> None:
    with pytest.raises(OSError) as caught:
        beneath(root, path)

    assert caught.value.errno == errno.EXDEV
    assert caught.value.filename == path


def test_a_proc_link_is_refused() -> None:
    with pytest.raises(OSError) as caught:
        beneath(Path("/proc/self"), "root/etc/passwd")

    assert caught.value.errno in (errno.ELOOP, errno.EXDEV)


def test_an_error_names_its_object() -> None:
    with pytest.raises(OSError) as caught:
        syscalls.umount("/no/such/mount")

    assert caught.value.errno in (errno.ENOENT, errno.EPERM)
    assert "/no/such/mount" in str(caught.value)
