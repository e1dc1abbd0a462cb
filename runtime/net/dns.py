"""Run the name server of a network: one dnsmasq, bound to the bridge's address alone.

    Paths.networks/NAME/hosts          the records, written here by `publish`
    Paths.networks/NAME/dnsmasq.pid    dnsmasq's own

It answers for cluster.local from the records and asks the host's name servers for the rest. It
serves until `stop` and needs no podpy beside it. What the records say is renderers.names.
"""

from __future__ import annotations

import os

from manifests.faults import HostFault
from runtime import files, proc
from runtime.kernel import cgroups, processes, signals
from runtime.rootless import mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.net.bridge import BridgeNetwork
    from runtime.paths import Paths

RESOLV_CONF = "/etc/resolv.conf"
_SYSTEMD_RESOLV_CONF = "/run/systemd/resolve/resolv.conf"
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0
_CACHE = 1000


def ensure(paths: Paths, network: BridgeNetwork, seen: cgroups.View, *, upstream: str = "") -> bool:
    """Have the name server run as the network needs it; True when it had to be started.

    The bridge must be there. `upstream` is the resolv.conf whose servers are asked, followed as it
    changes, the host's if left out; an internal network asks nobody. It is moved out of a cgroup
    that others may kill. Raises HostFault when dnsmasq is missing or refuses.
    """
    started = _ensure(paths, network, upstream or _upstream(paths))
    running = _running(_directory(paths, network.name))
    if running is not None and not cgroups.sheltered(seen, paths.instance, running):
        cgroups.shelter(seen, paths.instance, running)
    return started


def _ensure(paths: Paths, network: BridgeNetwork, upstream: str) -> bool:
    directory = _directory(paths, network.name)
    wanted = _arguments(directory, network, upstream)
    running = _running(directory)
    if running is not None:
        if processes.command_line(running)[1:] == wanted:
            return False
        stop(paths, network.name)
    os.makedirs(directory, mode=0o755, exist_ok=True)
    if not os.path.exists(f"{directory}/hosts"):
        _write(directory, "")
    tool = proc.find("dnsmasq")
    if tool is None:
        raise HostFault(
            f"network {network.name}: dnsmasq, its name server, is not installed",
            hint="install the package dnsmasq-base",
        )
    result = proc.run(tool, *wanted, timeout=_START_SECONDS)
    if result.status != 0 and _end_lost(directory, network.gateway):
        result = proc.run(tool, *wanted, timeout=_START_SECONDS)
    if result.status != 0:
        raise HostFault(
            f"network {network.name}: its name server did not start on {network.gateway}:53: "
            f"{result.complaint}",
            hint=f"see what else listens there: ss -lunp sport = 53 src {network.gateway}",
        )
    return True


def publish(paths: Paths, name: str, records: str) -> bool:
    """Serve these records (a hosts file) from now on; False when they were served already."""
    directory = _directory(paths, name)
    try:
        with open(f"{directory}/hosts", encoding="utf-8") as file:
            if file.read() == records:
                return False
    except FileNotFoundError:
        os.makedirs(directory, mode=0o755, exist_ok=True)
    _write(directory, records)
    _signal(directory, signals.SIGHUP)
    return True


def drift(
    paths: Paths, network: BridgeNetwork, seen: cgroups.View, *, upstream: str = ""
) -> tuple[str, ...]:
    """Say what is wrong with the name server of the network; reads only."""
    directory = _directory(paths, network.name)
    running = _running(directory)
    if running is None:
        return (f"the name server of network {network.name} was not running",)
    wanted = _arguments(directory, network, upstream or _upstream(paths))
    if processes.command_line(running)[1:] != wanted:
        return (f"the name server of network {network.name} had other settings",)
    if not os.path.exists(f"{directory}/hosts"):
        return (f"the records of network {network.name} were missing",)
    if not cgroups.sheltered(seen, paths.instance, running):
        return (f"the name server of network {network.name} would have ended with a session",)
    return ()


def stop(paths: Paths, name: str) -> None:
    """Stop the name server and remove its pid file; stopped already is success."""
    directory = _directory(paths, name)
    _end(_opened(directory))
    files.unlink(_pid_file(directory))


def remove(paths: Paths, name: str) -> None:
    """Stop the name server and forget its records; gone already is success."""
    stop(paths, name)
    files.unlink(f"{_directory(paths, name)}/hosts")


def host_resolver() -> str:
    """Return the host's resolv.conf; under systemd-resolved, the one with the real servers."""
    text = _text(RESOLV_CONF)
    if "nameserver 127.0.0.53" in text:
        return _text(_SYSTEMD_RESOLV_CONF) or text
    return text


def _upstream(paths: Paths) -> str:
    if not mode.active():
        return RESOLV_CONF
    from runtime.rootless import record

    return record.resolv_conf(paths)


def _arguments(directory: str, network: BridgeNetwork, upstream: str) -> tuple[str, ...]:
    """Return dnsmasq's words: nothing of the host's own dnsmasq settings applies."""
    asked = ("--no-resolv",) if network.internal else (f"--resolv-file={upstream}",)
    return (
        "--conf-file=/dev/null",
        f"--pid-file={_pid_file(directory)}",
        f"--user={_user(directory)}",
        f"--listen-address={network.gateway}",
        "--bind-interfaces",
        "--no-hosts",
        f"--addn-hosts={directory}/hosts",
        "--local=/cluster.local/",
        *_reverse(network.subnet),
        # A name without a dot is a pod's, which the host's name servers need not hear of.
        "--domain-needed",
        "--dns-loop-detect",
        f"--cache-size={_CACHE}",
        *asked,
    )


def _reverse(subnet: str) -> tuple[str, ...]:
    """Keep questions for the names of pods' addresses here, where whole bytes name the subnet."""
    address, _, prefix = subnet.partition("/")
    count, rest = divmod(int(prefix), 8)
    if rest or not count:
        return ()
    return (f"--local=/{'.'.join(reversed(address.split('.')[:count]))}.in-addr.arpa/",)


def _user(directory: str) -> str:
    """Return who dnsmasq becomes: nobody, unless nobody cannot reach the records."""
    while directory != "/":
        # What is not there yet is made for all to pass.
        if os.path.exists(directory) and not os.stat(directory).st_mode & 0o001:
            return "root"
        directory = os.path.dirname(directory)
    return "nobody"


def _running(directory: str) -> int | None:
    """Return the pid of the dnsmasq with this pid file, None when there is none."""
    pid = files.number(_pid_file(directory))
    return pid if pid is not None and _is_of(directory, pid) else None


def _is_of(directory: str, pid: int) -> bool:
    """The number may be another process's by now: after a reboot, or 4 million processes later."""
    alive = processes.start_time(pid) is not None
    return alive and f"--pid-file={_pid_file(directory)}" in processes.command_line(pid)


def _opened(directory: str) -> int | None:
    pid = files.number(_pid_file(directory))
    return processes.opened_where(pid, lambda found: _is_of(directory, found))


def _end_lost(directory: str, gateway: str) -> bool:
    """End the network's name server whose pid file is gone; False where there is none."""
    from runtime.net import listeners

    for one in listeners.listening(["UDP"]):
        owner = listeners.owner(one) if (one.address, one.port) == (gateway, 53) else None
        if owner is not None and _is_of(directory, owner.pid):
            _end(processes.opened_where(owner.pid, lambda found: _is_of(directory, found)))
            return True
    return False


def _end(pidfd: int | None) -> None:
    if pidfd is None:
        return
    try:
        for number in (signals.SIGTERM, signals.SIGKILL):
            processes.signal(pidfd, number)
            if processes.wait([pidfd], _STOP_SECONDS):
                break
    finally:
        os.close(pidfd)


def _signal(directory: str, number: int) -> None:
    pidfd = _opened(directory)
    if pidfd is not None:
        processes.signal(pidfd, number)
        os.close(pidfd)


def _write(directory: str, records: str) -> None:
    temporary = f"{directory}/hosts.{os.getpid()}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(records)
    os.replace(temporary, f"{directory}/hosts")


def _directory(paths: Paths, name: str) -> str:
    return f"{paths.networks}/{name}"


def _pid_file(directory: str) -> str:
    return f"{directory}/dnsmasq.pid"


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
