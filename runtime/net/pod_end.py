"""Read what a process has of a pod's network, from /proc: no namespace is entered.

The pod's own end of its link is nobody's business but the pod's if it may change it (NET_ADMIN);
that is for the caller to know.
"""

from __future__ import annotations

import _socket as socket  # without selectors and enums: 2 ms of every command

from runtime import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.net.attach import Attachment


def lost(pid: int, wanted: Attachment) -> tuple[str, ...]:
    """Say what the process `pid` no longer has of the pod's address and way out.

    () for a process that has ended meanwhile.
    """
    try:
        addresses = files.read(f"/proc/{pid}/net/fib_trie").decode("ascii")
        routes = files.read(f"/proc/{pid}/net/route").decode("ascii")
    except OSError:
        return ()
    return missing(addresses, routes, wanted)


def missing(addresses: str, routes: str, wanted: Attachment) -> tuple[str, ...]:
    """Compare the texts of fib_trie and route with what the pod was given. Pure."""
    # A local address stands in a line of its own, and what it is in the next.
    after = addresses.split(f"|-- {wanted.address}\n")[1:]
    local = any(text.lstrip().startswith("/32 host LOCAL") for text in after)
    if not local:
        return (f"the pod had lost its address {wanted.address}",)
    if wanted.gateway and not any(_is_default(line) for line in routes.splitlines()):
        return (f"the pod had lost its default route to {wanted.gateway}",)
    if not any(_reaches(line, wanted) for line in routes.splitlines()):
        return ("the pod's link was down",)
    return ()


def _is_default(line: str) -> bool:
    words = line.split()
    return len(words) > 7 and words[1] == "00000000" and words[7] == "00000000"


def _reaches(line: str, wanted: Attachment) -> bool:
    """Say whether a route leads to the pod's subnet without a gateway."""
    words = line.split()
    if len(words) <= 7 or words[2] != "00000000" or len(words[1]) != 8:
        return False
    # The kernel writes addresses as numbers in the order of this machine's bytes.
    network, mask = (int.from_bytes(bytes.fromhex(words[at])[::-1], "big") for at in (1, 7))
    address = int.from_bytes(socket.inet_aton(wanted.address), "big")
    return mask == (0xFFFFFFFF << (32 - wanted.prefix)) & 0xFFFFFFFF and address & mask == network
