"""Build what the virtual machine boots: a Debian 13 disk, its kernel and a tiny initrd, cached.

    CACHE/KEY/disk.img  vmlinux  initrd.cpio

KEY is a hash of all that goes in. The kernel is unpacked beforehand and booted by PVH, and the
initrd holds busybox and one module: under emulation, unpacking in the guest takes seconds.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools import demo_images

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE = Path("/var/cache/podpy-vmhost")
SUITE = "trixie"
DISK = "6G"
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "udev", "kmod", "iproute2",
    "apparmor", "libpam-systemd", "openssh-server", "openssh-client", "systemd-resolved",
    "nftables", "libnftables1", "crun", "conmon", "skopeo", "dnsmasq-base", "ca-certificates",
    "curl", "procps", "busybox-static", "python3", "python3-ruamel.yaml",
    "python3-ruamel.yaml.clib", "python3-jsonschema", "python3-pyroute2", "python3-jinja2",
    "python3-git", "python3-watchdog", "python3-semantic-version", "python3-jeepney",
    "uidmap", "slirp4netns", "dbus-user-session",
    # What others have on such a host, switched off until a test wants it.
    "podman", "ufw", "firewalld",
)  # fmt: skip
# Units and generators that a machine without a console, a clock server or a battery waits for.
MASKED = (
    "getty.target", "serial-getty@.service", "apt-daily.timer", "apt-daily-upgrade.timer",
    "e2scrub_all.timer", "dpkg-db-backup.timer", "fstrim.timer", "systemd-networkd.service",
    "systemd-pstore.service", "ldconfig.service", "systemd-hwdb-update.service",
)  # fmt: skip
INIT = """\
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox insmod /virtio_blk.ko
while ! [ -e /dev/vda ]; do /bin/busybox usleep 10000; done
/bin/busybox mount -t ext4 -o rw,noatime /dev/vda /newroot
/bin/busybox umount /dev
exec /bin/busybox switch_root /newroot /sbin/init
"""
UNIT = """\
[Unit]
Description=commands by the virtio-serial port
After=basic.target
[Service]
ExecStart=/usr/bin/python3 -SE /usr/local/sbin/agent.py
Restart=always
RestartSec=1
KillMode=process
Delegate=yes
Environment=HOME=/root LANG=C.UTF-8
"""
KERNEL_HOOK = (
    'chroot "$1" sh -ec "cd /tmp; apt-get download \\$(apt-cache depends linux-image-cloud-amd64'
    " | sed -n 's/.*Depends: //p'); dpkg-deb -x linux-image-*.deb /; rm *.deb;"
    ' depmod \\$(ls /usr/lib/modules)"'
)


def key() -> str:
    here = Path(__file__)
    parts = (here.read_bytes(), here.with_name("agent.py").read_bytes())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


@contextlib.contextmanager
def built() -> Iterator[Path]:
    """Give the folder with the machine's files, made now if need be; nobody removes it meanwhile.

    Another source tree on this host may want another image at the same time.
    """
    folder = CACHE / key()
    CACHE.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        with _locked(CACHE / "building", fcntl.LOCK_EX):
            if not (folder / "made").exists():
                _remove_unused()
                _build(folder)
            held.enter_context(_locked(folder / "made", fcntl.LOCK_SH))
        yield folder


def _remove_unused() -> None:
    for folder in (entry for entry in CACHE.iterdir() if entry.is_dir()):
        with contextlib.suppress(BlockingIOError):
            if (folder / "made").exists():
                with _locked(folder / "made", fcntl.LOCK_EX | fcntl.LOCK_NB):
                    shutil.rmtree(folder)
            else:
                shutil.rmtree(folder)


@contextlib.contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, kind)
        yield


def _build(folder: Path) -> None:
    folder.mkdir()
    with tempfile.TemporaryDirectory(prefix="vmhost-", dir=CACHE) as scratch:
        root = Path(scratch) / "root"
        _debian(root, Path(scratch))
        _configure(root)
        _kernel(root, folder / "vmlinux")
        _initrd(root, Path(scratch) / "initrd", folder / "initrd.cpio")
        _run("truncate", "-s", DISK, str(folder / "disk.img"))
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,nodiscard", "-d", str(root),
             str(folder / "disk.img"))  # fmt: skip
    (folder / "made").touch()


def _debian(root: Path, scratch: Path) -> None:
    _, lines = demo_images.sources()
    archive = lines.split()[1]
    (scratch / "apt").write_text(f"{demo_images.apt_settings()}APT::Install-Recommends false;\n")
    include = ",".join(PACKAGES)
    unread = [f"--dpkgopt=path-exclude=/usr/share/{d}/*" for d in ("doc", "man", "locale")]
    (scratch / "sources.list").write_text(f"deb {archive} {SUITE} main\n")
    _run(
        "mmdebstrap", "--quiet", "--variant=minbase", f"--include={include}",
        f"--aptopt={scratch}/apt", f"--customize-hook={KERNEL_HOOK}", *unread,
        SUITE, str(root), str(scratch / "sources.list"),
    )  # fmt: skip


def _configure(root: Path) -> None:
    units = root / "etc/systemd/system"
    _put(root / "usr/local/sbin/agent.py", Path(__file__).with_name("agent.py").read_text())
    _put(units / "agent.service", UNIT)
    _link(units / "multi-user.target.wants/agent.service", "/etc/systemd/system/agent.service")
    _link(units / "default.target", "/usr/lib/systemd/system/multi-user.target")
    for unit in MASKED:
        _link(units / unit, "/dev/null")
    _put(root / "etc/hostname", "vmhost\n")
    _put(root / "etc/hosts", "127.0.0.1 localhost vmhost\n::1 localhost\n")
    _put(root / "etc/fstab", "")
    _put(root / "etc/machine-id", "0123456789abcdef0123456789abcdef\n")
    _run("chroot", str(root), "ldconfig")
    _run("chroot", str(root), "systemctl", "disable", "-q", "ufw", "firewalld", "podman.socket")
    # Dated into the future, or the first boot updates sysusers, hwdb and the linker's cache.
    for stamp in (root / "etc/.updated", root / "var/.updated"):
        stamp.touch()
        os.utime(stamp, (4e9, 4e9))


def _kernel(root: Path, target: Path) -> None:
    """Unpack the ELF kernel out of a bzImage: Documentation/arch/x86/boot.rst names the offsets."""
    image = next((root / "boot").glob("vmlinuz-*")).read_bytes()
    sectors = image[0x1F1] or 4
    start = (sectors + 1) * 512 + int.from_bytes(image[0x248:0x24C], "little")
    size = int.from_bytes(image[0x24C:0x250], "little") - 4  # the last four bytes are its size
    target.write_bytes(_run("zstd", "-qdc", stdin=image[start : start + size]))


def _initrd(root: Path, work: Path, target: Path) -> None:
    for name in ("bin", "dev", "newroot"):
        (work / name).mkdir(parents=True)
    shutil.copy(root / "usr/bin/busybox", work / "bin/busybox")
    module = next(root.glob("usr/lib/modules/*/kernel/drivers/block/virtio_blk.ko.xz"))
    (work / "virtio_blk.ko").write_bytes(_run("xz", "-dc", str(module)))
    _put(work / "init", INIT)
    (work / "init").chmod(0o755)
    names = "\n".join(sorted(str(p.relative_to(work)) for p in work.rglob("*"))).encode()
    target.write_bytes(_run("cpio", "-o", "--quiet", "-H", "newc", stdin=names, cwd=work))


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _run(*argv: str, stdin: bytes = b"", cwd: Path | None = None) -> bytes:
    done = subprocess.run(argv, input=stdin, capture_output=True, timeout=900, cwd=cwd, check=False)
    assert done.returncode == 0, f"{argv[0]}: {done.stderr.decode(errors='replace')[-2000:]}"
    return done.stdout
