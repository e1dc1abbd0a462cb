"""Make the namespaces of a user: paths in, a process that holds them and its record out.

    user       the user is root inside, their subordinate numbers are the others
    mnt        sees what the host mounts later, and gives nothing back
    net        with slirp4netns as its way out
    ipc, uts   so that whoever enters again owns them, too
    cgroup     where the user has been given a part of the control groups: that is all there is

A namespace can be pinned only in one that is older than it, which is never the user's: so a process
has to stay, `sleep infinity`, and goes when the user's session or the host does. Killed anywhere
here, nothing is left that anybody would take for a holder: the record is written last.
"""

from __future__ import annotations

import os
import pwd

from manifests.faults import Fault, HostFault
from runtime import files, proc
from runtime.kernel import mounts, processes, signals, syscalls
from runtime.rootless import pipes, record, slirp, subids, unit
from runtime.rootless.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from runtime.paths import Paths

_KINDS = (
    syscalls.CLONE_NEWUSER
    | syscalls.CLONE_NEWNS
    | syscalls.CLONE_NEWNET
    | syscalls.CLONE_NEWIPC
    | syscalls.CLONE_NEWUTS
)
_SECONDS = 30.0
_MOST = 4096
_CGROUPS = "/sys/fs/cgroup"
RESOLV_CONF = "/etc/resolv.conf"
EXIT_FD = 3
"""What the holder has open besides its streams: see Record.exit."""


def make(paths: Paths, program: Callable[[], str]) -> Record:
    """Have the namespaces made, and return who holds them; the caller holds the lock of user_dir.

    `program` gives the command by which the user's systemd, where there is one, starts podpy.
    Raises HostFault with what is missing and what to do.
    """
    files.unlink(paths.halting)  # Of those that were stopped before.
    if not unit.available():
        return hold(paths)
    unit.start(paths, program())
    made = record.read(paths)
    if made is None:
        raise HostFault(
            f"{unit.name(paths)}: has ended as soon as it was there",
            hint=f"see journalctl --user -u {unit.name(paths)}",
        )
    return made


def hold_in_unit(paths: Paths) -> None:
    """Make the namespaces as the unit of the user's systemd; what fails is left for who waits."""
    try:
        hold(paths, helpers=unit.helpers(paths))
    except Fault as fault:
        text = f"{fault.message}\n{fault.hint}".encode()
        files.write(unit.complaint(paths), text, temporary=f"{unit.complaint(paths)}.tmp")
        raise


def hold(paths: Paths, *, helpers: str = "") -> Record:
    """Make the namespaces and record who holds them.

    `helpers` is the directory of a cgroup below this process's own, which is the user's to divide
    and has no other process in it; "" without one.
    """
    maps = _maps()
    _write_resolver(paths)
    # Away from the command that needed it first: neither is the other's to wait for.
    told, told_end = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        _make_apart(paths, maps, told_end, helpers)
    os.close(told_end)
    try:
        complaint = pipes.read(told, _MOST, 3 * _SECONDS, "the namespaces of this user")
    finally:
        os.close(told)
        os.waitpid(child, 0)
    made = record.read(paths)
    if complaint or made is None:
        words = complaint.decode(errors="replace") or "\0it ended at once\0"
        _, message, hint = words.split("\0", 2)
        raise HostFault(message, hint=hint)
    return made


def _maps() -> tuple[tuple[str, ...], ...]:
    """Return the commands that map users and groups, but for the pid."""
    uid, gid = os.getuid(), os.getgid()
    name = pwd.getpwuid(uid).pw_name
    found = []
    for tool, own, path in (
        ("newuidmap", uid, subids.SUBUID),
        ("newgidmap", gid, subids.SUBGID),
    ):
        program = proc.find(tool)
        if program is None:
            raise HostFault(
                f"{tool}: is not installed (maps a user's numbers)",
                hint="install the package uidmap",
            )
        found.append((program, *subids.mapping(own, subids.read(path, (name, str(uid))))))
    return tuple(found)


def _make_apart(
    paths: Paths, maps: tuple[tuple[str, ...], ...], told: int, helpers: str
) -> NoReturn:
    """In a child: make the holder and start slirp4netns beside it; tell what fails."""
    status = 0
    try:
        os.setsid()
        _make(paths, maps, helpers)
    except Fault as fault:
        os.write(told, f"\0{fault.message}\0{fault.hint}".encode())
        status = 1
    except BaseException as error:  # noqa: BLE001 - told, and the process ends
        os.write(told, f"\0the namespaces of this user cannot be made: {error}\0".encode())
        status = 1
    finally:
        os._exit(status)


def _make(paths: Paths, maps: tuple[tuple[str, ...], ...], helpers: str) -> None:
    going, go_on = os.pipe2(os.O_CLOEXEC)
    said, said_end = os.pipe2(os.O_CLOEXEC)
    exit_end, exit_held = os.pipe2(os.O_CLOEXEC)
    holder = os.fork()
    if holder == 0:
        os.close(said)
        _hold(paths, going, said_end, exit_held, helpers)
    os.close(said_end)
    os.close(exit_held)
    try:
        _expect(said, b"1")
        if helpers:
            unit.move_here(helpers)
        for program, *words in maps:
            proc.check(program, str(holder), *words, timeout=_SECONDS)
        os.write(go_on, b"1")
        _expect(said, b"")
        network = slirp.start(paths, holder, exit_end)
        _record(paths, holder, network, delegated=bool(helpers))
    except BaseException:
        os.kill(holder, signals.SIGKILL)
        raise


def _expect(said: int, wanted: bytes) -> None:
    """Wait for the holder's next word; b"" is that it has become what it is to be."""
    word = pipes.read(said, len(wanted) or _MOST, _SECONDS, "the holder of this user's namespaces")
    if word != wanted:
        raise HostFault(
            word.decode(errors="replace").lstrip("0") or "the holder of namespaces ended at once",
            hint="podpy doctor tells what this host lacks for users",
        )


def _record(paths: Paths, holder: int, network: int, *, delegated: bool) -> None:
    record.write(
        paths,
        Record(
            pid=holder,
            started=processes.start_time(holder) or 0,
            user=os.stat(f"/proc/{holder}/ns/user").st_ino,
            exit=EXIT_FD,
            network=network,
            network_started=processes.start_time(network) or 0,
            delegated=delegated,
        ),
    )
    files.write(
        unit.pid_file(paths), f"{holder}\n".encode(), temporary=f"{unit.pid_file(paths)}.tmp"
    )


def _hold(paths: Paths, going: int, said: int, exit_held: int, helpers: str) -> NoReturn:
    """In the holder: unshare, wait until it is mapped, set up what is seen, and stay."""
    try:
        # The cgroup that it is in at that moment is the root of the new namespace.
        syscalls.unshare(_KINDS | (syscalls.CLONE_NEWCGROUP if helpers else 0))
        if helpers:
            unit.move_here(helpers)
        os.write(said, b"1")
        if pipes.read(going, 1, _SECONDS, "the mapping") == b"1":
            _set_up(paths, delegated=bool(helpers))
            _stay(said, exit_held)
    except OSError as error:
        os.write(said, f"0user namespaces cannot be made: {error.strerror}".encode())
    except Fault as fault:
        os.write(said, f"0{fault.message}".encode())
    finally:
        os._exit(1)


def _set_up(paths: Paths, *, delegated: bool) -> None:
    from runtime.net import requests, rtnetlink

    mounts.propagate("/", mounts.Propagation.SLAVE)
    if os.path.isdir(_CGROUPS):
        # What is not the user's is not to look as if it were; and the kernel refuses to mount
        # cgroup2 right on itself.
        mounts.tmpfs(_CGROUPS, size=1 << 20, mode=0o755)
    if delegated:
        mounts.filesystem("cgroup2", _CGROUPS, access=mounts.DATA)
    cover_resolver(paths)
    with rtnetlink.Socket() as kernel:
        kernel.apply([requests.set_link("lo", up=True)])


def _stay(said: int, exit_held: int) -> None:
    """Become the program that waits; `said` closes with that, and so it is known."""
    sleep = proc.find("sleep") or "/bin/sleep"
    os.chdir("/")
    null = os.open("/dev/null", os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.set_inheritable(said, False)
    if said == EXIT_FD:
        said = os.dup(said)
    os.dup2(exit_held, EXIT_FD)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > EXIT_FD and int(name) != said:
            _close(int(name))
    os.execve(sleep, ["sleep", "infinity"], {})  # noqa: S606 - no shell is wanted


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        return  # It was the listing's own.


def cover_resolver(paths: Paths) -> None:
    """Have /etc/resolv.conf be the user's, in this mount namespace. What replaces the host's file
    uncovers it: so whoever enters looks again."""
    own = record.resolv_conf(paths)
    if os.path.exists(RESOLV_CONF) and not os.path.samefile(own, RESOLV_CONF):
        mounts.bind(own, os.path.realpath(RESOLV_CONF), recursive=False)


def _write_resolver(paths: Paths) -> None:
    """Write the user's resolv.conf: slirp4netns' server, and how the host's file has it ask."""
    try:
        with open(RESOLV_CONF, encoding="utf-8", errors="replace") as file:
            kept = [line for line in file if line.split()[:1] in (["search"], ["options"])]
    except OSError:
        kept = []
    text = "".join((f"nameserver {slirp.NAME_SERVER}\n", *kept))
    own = record.resolv_conf(paths)
    files.write(own, text.encode(), temporary=f"{own}.{os.getpid()}.tmp", mode=0o644)
