"""Ask systemd for the states of units, and have it reload, start and stop them, over D-Bus.

The interface is org.freedesktop.systemd1(5), on the bus of the system. Every call has a deadline.
jeepney is imported when a connection is made: nothing else of podpy speaks D-Bus.
"""

from __future__ import annotations

import contextlib

from manifests.faults import HostFault, TimedOut
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Protocol

CALL_SECONDS = 30.0
RELOAD_SECONDS = 120.0
"""All generators run in a reload."""

_NAME, _PATH = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
_MANAGER = f"{_NAME}.Manager"
_UNIT, _SERVICE = f"{_NAME}.Unit", f"{_NAME}.Service"
_GONE = f"{_NAME}.NoSuchUnit"


class Unit(Value):
    """What systemd says of a unit, in its own words.

    `job` tells that it is about to be started or stopped. `entered` and `tried` are when it last
    became active and left inactivity, in microseconds of CLOCK_MONOTONIC; 0 is never in this boot.
    `stale`: a file of it has changed on the disk since systemd read it.
    """

    name: str
    load: str = "not-found"
    active: str = "inactive"
    sub: str = "dead"
    result: str = "success"
    status: int = 0
    restarts: int = 0
    job: bool = False
    entered: int = 0
    tried: int = 0
    stale: bool = False
    drop_ins: tuple[str, ...] = ()


if TYPE_CHECKING:

    class Manager(Protocol):
        """systemd, as a target asks it."""

        def units(self, names: Iterable[str]) -> Mapping[str, Unit]:
            """Return what systemd says of each of these units, known or not."""
            ...

        def reload(self) -> None:
            """Have all unit files read again, and generators run."""
            ...

        def forgive(self, name: str) -> None:
            """Forget that a unit has failed, and how often it was started."""
            ...

        def start(self, name: str) -> None:
            """Have a unit started; does not wait for it."""
            ...

        def restart(self, name: str) -> None:
            """Have a unit stopped, where it runs, and started; does not wait for it."""
            ...

        def stop(self, name: str) -> None:
            """Have a unit stopped; does not wait for it. One that is not there is stopped."""
            ...


@contextlib.contextmanager
def connected() -> Iterator[Manager]:
    """Give the host's systemd. Raises HostFault where it cannot be asked."""
    try:
        from jeepney.io.blocking import open_dbus_connection
    except ImportError as error:
        hint = "install python3-jeepney, or jeepney from PyPI"
        raise HostFault("jeepney, which speaks D-Bus, is not installed", hint=hint) from error
    try:
        connection = open_dbus_connection(bus="SYSTEM", auth_timeout=CALL_SECONDS)
    except (OSError, ValueError) as error:
        hint = "systemctl status dbus"
        raise HostFault(f"the bus of the system does not answer: {error}", hint=hint) from error
    with connection:
        yield _Manager(connection)


class _Manager:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def units(self, names: Iterable[str]) -> Mapping[str, Unit]:
        return {name: self._unit(name) for name in dict.fromkeys(names)}

    def reload(self) -> None:
        self._call("Reload", seconds=RELOAD_SECONDS)

    def start(self, name: str) -> None:
        self._call("StartUnit", "ss", (name, "replace"))

    def restart(self, name: str) -> None:
        self._call("RestartUnit", "ss", (name, "replace"))

    def stop(self, name: str) -> None:
        with contextlib.suppress(_NoUnitError):
            self._call("StopUnit", "ss", (name, "replace"))

    def forgive(self, name: str) -> None:
        with contextlib.suppress(_NoUnitError):
            self._call("ResetFailedUnit", "s", (name,))

    def _unit(self, name: str) -> Unit:
        (path,) = self._call("LoadUnit", "s", (name,))
        known = self._properties(path, _UNIT)
        own = self._properties(path, _SERVICE) if name.endswith(".service") else {}
        return Unit(
            name=name,
            load=known["LoadState"],
            active=known["ActiveState"],
            sub=known["SubState"],
            result=own.get("Result", "success"),
            status=own.get("ExecMainStatus", 0),
            restarts=own.get("NRestarts", 0),
            job=known["Job"][0] != 0,
            entered=known["ActiveEnterTimestampMonotonic"],
            tried=known["InactiveExitTimestampMonotonic"],
            stale=known["NeedDaemonReload"],
            drop_ins=tuple(known["DropInPaths"]),
        )

    def _properties(self, path: str, interface: str) -> dict[str, Any]:
        call = (path, "org.freedesktop.DBus.Properties", "GetAll", "s", (interface,))
        (found,) = self._reply(*call, seconds=CALL_SECONDS)
        return {key: value for key, (_, value) in found.items()}

    def _call(
        self,
        method: str,
        signature: str = "",
        body: tuple[object, ...] = (),
        seconds: float = CALL_SECONDS,
    ) -> tuple[Any, ...]:
        return self._reply(_PATH, _MANAGER, method, signature, body, seconds=seconds)

    def _reply(
        self,
        path: str,
        interface: str,
        method: str,
        signature: str,
        body: tuple[object, ...],
        *,
        seconds: float,
    ) -> tuple[Any, ...]:
        """Call a method. Raises TimedOut, or HostFault with what systemd says."""
        from jeepney import DBusAddress, new_method_call
        from jeepney.wrappers import DBusErrorResponse, unwrap_msg

        address = DBusAddress(path, bus_name=_NAME, interface=interface)
        about = f"systemd: {method} {body[0] if body else ''}".rstrip()
        try:
            call = new_method_call(address, method, signature or None, body)
            said = self._connection.send_and_get_reply(call, timeout=seconds)
            result: tuple[Any, ...] = unwrap_msg(said)
        except DBusErrorResponse as error:
            told = f"{about}: {error.data[0] if error.data else error.name}"
            raise (_NoUnitError if error.name == _GONE else HostFault)(told) from error
        except TimeoutError as error:
            raise TimedOut(f"{about}: no answer within {seconds:g} s") from error
        except OSError as error:
            raise HostFault(f"{about}: {error.strerror or error}") from error
        return result


class _NoUnitError(HostFault):
    """systemd has no such unit."""
