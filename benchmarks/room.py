"""The room both programs are measured in: a Debian 13 tree, private mounts and network.

    build()  -> a cached folder: trixie with Podman 5.4, crun, conmon, skopeo, Python 3.13
    inside() -> a command run in it

Inside, the host's network, firewall and container storage do not exist; of cgroups only the v1
controllers are seen, since crun refuses a hybrid tree. Debian 13 has podpy's Python libraries too,
so that both programs run on the same libc, crun and conmon.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from tools import demo_images

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CACHE = "/var/cache/podpy/bench-room"
SUITE = "trixie"
PACKAGES = (
    "podman", "crun", "conmon", "netavark", "aardvark-dns", "passt", "catatonit", "uidmap",
    "nftables", "libnftables1", "iproute2", "skopeo", "dnsmasq-base", "docker-registry",
    "ca-certificates", "python3", "python3-ruamel.yaml", "python3-ruamel.yaml.clib",
    "python3-jsonschema", "python3-pyroute2", "python3-jinja2", "python3-git", "python3-watchdog",
    "python3-isal", "busybox-static", "procps",
)  # fmt: skip
ROOMS = ("podpy", "manifests", "schemas", "renderers", "runtime", "reconciler")
TREE = "/src"  # podpy's source, inside
WORK = "/bench"  # storage, manifests and images, inside, on the host's disk

CONTAINERS_CONF = """\
# Machines whose hard limits are low refuse Podman's defaults (EPERM without CAP_SYS_RESOURCE).
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
"""
POLICY = '{"default": [{"type": "insecureAcceptAnything"}]}\n'
INSECURE = '[[registry]]\nlocation = "127.0.0.1:5000"\ninsecure = true\n'

CGROUPS = "/sys/fs/cgroup"
OWN_CGROUPS = ("podpy-bench", "libpod_parent", "conmon")

# linux/sched.h: CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID
NEW_MOUNTS, NEW_NETWORK, NEW_PROCESSES = 0x00020000, 0x40000000, 0x20000000


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Hold the room: a second run would take the storage from under the first, and spoil both."""
    os.makedirs(os.path.dirname(CACHE), exist_ok=True)
    with open(f"{CACHE}.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("benchmarks: another run is under way on this host") from None
        yield


def build() -> str:
    """Make the tree unless it is there already, put podpy's source in, and return its folder."""
    wanted = hashlib.sha256(repr((SUITE, PACKAGES)).encode()).hexdigest()[:16]
    root = os.path.join(CACHE, wanted)
    if not os.path.exists(f"{root}/made"):
        _debian(root)
    _configure(root)
    _copy_source(root)
    return root


def _debian(root: str) -> None:
    shutil.rmtree(CACHE, ignore_errors=True)
    os.makedirs(CACHE)
    _, lines = demo_images.sources()
    archive = next(line.split()[1] for line in lines.splitlines())
    listed, settings = f"{CACHE}/sources.list", f"{CACHE}/apt"
    _write(listed, f"deb {archive} {SUITE} main\n")
    _write(settings, f"{demo_images.apt_settings()}APT::Install-Recommends false;\n")
    unread = [f"--dpkgopt=path-exclude=/usr/share/{d}/*" for d in ("doc", "man", "locale")]
    demo_images.output(
        "mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}",
        f"--aptopt={settings}", *unread, SUITE, root, listed,
    )  # fmt: skip
    _write(f"{root}/made", "")


def _configure(root: str) -> None:
    _write(f"{root}/etc/containers/containers.conf", CONTAINERS_CONF)
    _write(f"{root}/etc/containers/policy.json", POLICY)
    _write(f"{root}/etc/containers/registries.conf.d/bench.conf", INSECURE)


def _copy_source(root: str) -> None:
    tree = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    shutil.rmtree(f"{root}{TREE}", ignore_errors=True)
    for name in (*ROOMS, "benchmarks", "tools"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(f"{tree}/{name}", f"{root}{TREE}/{name}", ignore=ignored)


def _write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def inside(root: str, argv: Sequence[str]) -> int:
    """Run `argv` in the tree as an own little host, and return its status.

    Private mounts, processes and network; cgroup v1 only. When it ends the kernel ends all that it
    started; the control groups are removed here.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    child = os.fork()
    if child == 0:
        if libc.unshare(NEW_MOUNTS | NEW_NETWORK | NEW_PROCESSES) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        first = os.fork()
        if first:
            _, status = os.waitpid(first, 0)
            os._exit(os.waitstatus_to_exitcode(status))
        _lay_out(root)
        # An init of its own: what loses its parent must be waited for by somebody.
        os.execv("/usr/bin/catatonit", ["catatonit", "--", *argv])
    _, status = os.waitpid(child, 0)
    _remove_cgroups()
    for storage in ("podman", "podpy", "registry"):
        shutil.rmtree(f"{root}{WORK}/{storage}", ignore_errors=True)
    return os.waitstatus_to_exitcode(status)


def _lay_out(root: str) -> None:
    run("mount", "--make-rprivate", "/")
    unified = "/sys/fs/cgroup/unified"
    if os.path.ismount(unified):
        run("umount", unified)
    run("mount", "--bind", root, root)
    run("mount", "-t", "proc", "proc", f"{root}/proc")
    for name in ("sys", "dev"):
        run("mount", "--rbind", f"/{name}", f"{root}/{name}")
    for name in ("run", "tmp"):
        run("mount", "-t", "tmpfs", "tmpfs", f"{root}/{name}")
    shutil.rmtree(f"{root}{WORK}", ignore_errors=True)
    os.makedirs(f"{root}{WORK}")
    # Not chroot: who enters a pod's mount namespace starts at that namespace's root.
    run("pivot_root", root, f"{root}/mnt")
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    run("umount", "-l", "/mnt")
    os.chdir(TREE)
    run("ip", "link", "set", "lo", "up")
    _write("/proc/sys/net/ipv4/ip_forward", "1")


def _remove_cgroups() -> None:
    for controller in os.listdir(CGROUPS):
        for name in OWN_CGROUPS:
            for folder, _, _ in os.walk(f"{CGROUPS}/{controller}/{name}", topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(folder)


def run(*argv: str) -> None:
    """Run a step of the harness itself; its failure ends the harness with what it said."""
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"benchmarks: {' '.join(argv)}: {done.stderr.strip()}")
