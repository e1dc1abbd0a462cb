"""Lease addresses and host ports to pods: a unique row each, taken before it is used.

A lease is freed when its pod is gone from the host (`holders` tells of whom to ask), and taken
again from the pod's own record when the database was lost (`restore`).
"""

from __future__ import annotations

import contextlib

from manifests.faults import HostFault
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from reconciler.state.database import Database

ANY_IP = "0.0.0.0"  # noqa: S104 - the wildcard of a port map, nothing listens here
_OCTETS = frozenset(map(str, range(256)))


class HostPort(Value):
    """A port of the host; `ip` is empty or 0.0.0.0 for all addresses."""

    protocol: str
    port: int
    ip: str = ""

    def __str__(self) -> str:
        place = f"{self.ip}:" if self.ip not in ("", ANY_IP) else ""
        return f"{place}{self.port}/{self.protocol.lower()}"


class Taken(HostFault):
    """A port or an address is another pod's: `holder`, which `named` says more kindly."""

    def __init__(self, what: str, holder: str, *, hint: str) -> None:
        super().__init__(f"{what} is taken by pod {holder}", hint=hint)
        self.what, self.holder = what, holder

    def named(self, name: str) -> Taken:
        return Taken(self.what, name, hint=self.hint)


class Request(Value):
    """What one pod asks for: an address of `network` (a wished one, or any), and host ports."""

    holder: str
    network: str = ""
    address: str = ""
    ports: tuple[HostPort, ...] = ()


class Pool(Value):
    """The addresses of a network that may be leased: `subnet` without `reserved`."""

    subnet: str
    reserved: tuple[str, ...] = ()


def take(
    database: Database, requests: Iterable[Request], pools: Mapping[str, Pool]
) -> dict[str, str]:
    """Lease what all requests ask for, or nothing; return holder -> address.

    A holder that has a lease keeps it. Raises HostFault when a port or a wished address belongs
    to another pod, or when a network has no address left; the message names the other pod's uid.
    """
    given: dict[str, str] = {}
    with database.transaction() as connection:
        taken = {network: _taken(connection, network) for network in pools}
        for request in requests:
            address = _take(connection, request, taken, pools)
            if request.network:
                given[request.holder] = address
    return given


class _Rehearsed(Exception):
    """Ends a transaction that must not be kept."""


def rehearse(
    database: Database,
    requests: Iterable[Request],
    pools: Mapping[str, Pool],
    without: Iterable[str],
) -> dict[str, HostFault]:
    """Return holder -> fault of the requests that `take` would refuse, and lease nothing.

    It is asked as if the leases of the holders `without` had been given back already.
    """
    refused: dict[str, HostFault] = {}
    with contextlib.suppress(_Rehearsed), database.transaction() as connection:
        _free(connection, without)
        taken = {network: _taken(connection, network) for network in pools}
        for request in requests:
            try:
                _take(connection, request, taken, pools)
            except HostFault as fault:
                refused[request.holder] = fault
        raise _Rehearsed
    return refused


def _take(
    connection: sqlite3.Connection,
    request: Request,
    taken: Mapping[str, dict[str, str]],
    pools: Mapping[str, Pool],
) -> str:
    """Lease what one request asks for; returns its address, "" where it joins no network."""
    address = ""
    if request.network:
        address = _choose(request, taken[request.network], pools[request.network])
        taken[request.network][address] = request.holder
        connection.execute(
            "INSERT OR IGNORE INTO addresses VALUES (?, ?, ?)",
            (request.network, address, request.holder),
        )
    for port in request.ports:
        _port(connection, request.holder, port)
    return address


def free(database: Database, holders: Iterable[str]) -> None:
    """Give back everything that the holders have leased."""
    with database.transaction() as connection:
        _free(connection, holders)


def _free(connection: sqlite3.Connection, holders: Iterable[str]) -> None:
    for holder in holders:
        connection.execute("DELETE FROM addresses WHERE holder = ?", (holder,))
        connection.execute("DELETE FROM ports WHERE holder = ?", (holder,))


def holders(database: Database) -> frozenset[str]:
    """Return every holder of a lease."""
    rows = database.read("SELECT holder FROM addresses UNION SELECT holder FROM ports")
    return frozenset(row[0] for row in rows)


def restore(database: Database, held: Iterable[Request]) -> None:
    """Lease again what pods on the host already use. A conflict keeps the first holder."""
    with database.transaction() as connection:
        for request in held:
            if request.network and request.address:
                connection.execute(
                    "INSERT OR IGNORE INTO addresses VALUES (?, ?, ?)",
                    (request.network, request.address, request.holder),
                )
            for port in request.ports:
                connection.execute(
                    "INSERT OR IGNORE INTO ports VALUES (?, ?, ?, ?)",
                    (port.protocol, port.port, port.ip or ANY_IP, request.holder),
                )


def _taken(connection: sqlite3.Connection, network: str) -> dict[str, str]:
    rows = connection.execute("SELECT address, holder FROM addresses WHERE network = ?", (network,))
    return dict(rows.fetchall())


def _choose(request: Request, taken: Mapping[str, str], pool: Pool) -> str:
    for address, holder in taken.items():
        if holder == request.holder:
            return address
    if not request.address:
        return _first_free(pool, taken, request.network)
    if not _may_be_leased(request.address, pool):
        raise HostFault(
            f"network {request.network} has no address {request.address} to give: it has those of "
            f"{pool.subnet} but {', '.join(pool.reserved)}, the first and the last",
            hint="leave the address out, or choose another",
        )
    if request.address in taken:
        raise Taken(
            f"address {request.address} of network {request.network}",
            taken[request.address],
            hint="leave the address out, or delete that pod",
        )
    return request.address


def _may_be_leased(address: str, pool: Pool) -> bool:
    # Parsed as a number alone, 10.0.0.07 would be a second name of 10.0.0.7.
    if address in pool.reserved or any(part not in _OCTETS for part in address.split(".")):
        return False
    return address.count(".") == 3 and _number(address) in _addresses(pool)


def _first_free(pool: Pool, taken: Mapping[str, str], network: str) -> str:
    for number in _addresses(pool):
        address = _text(number)
        if address not in taken and address not in pool.reserved:
            return address
    raise HostFault(
        f"network {network} has no free address left in {pool.subnet}",
        hint="delete pods, or give the network a larger subnet",
    )


def _addresses(pool: Pool) -> range:
    """The subnet's addresses but the first, which names it, and the last, its broadcast address."""
    base, _, prefix = pool.subnet.partition("/")
    size = 1 << (32 - int(prefix))
    first = _number(base) & -size
    return range(first + 1, first + size - 1)


def _number(address: str) -> int:
    return int.from_bytes(bytes(map(int, address.split("."))), "big")


def _text(number: int) -> str:
    return ".".join(map(str, number.to_bytes(4, "big")))


def _port(connection: sqlite3.Connection, holder: str, port: HostPort) -> None:
    ip = port.ip or ANY_IP
    rows = connection.execute(
        "SELECT ip, holder FROM ports WHERE protocol = ? AND port = ?", (port.protocol, port.port)
    ).fetchall()
    for other_ip, other in rows:
        if other == holder:
            if other_ip == ip:
                return
            continue
        if ANY_IP in (ip, other_ip) or ip == other_ip:
            raise Taken(
                f"host port {port}", other, hint="choose another hostPort, or delete that pod"
            )
    connection.execute(
        "INSERT INTO ports VALUES (?, ?, ?, ?)", (port.protocol, port.port, ip, holder)
    )
