"""Load rule sets into nftables and list podpy's table: libnftables, or else the nft program.

The one door to nftables, and the second to ctypes: a call into the library takes 0.2 ms, starting
nft 5 ms. What the rules are is renderers.nft. Acts in the calling thread's network namespace.
"""

from __future__ import annotations

import ctypes
import os
import threading

from manifests.faults import HostFault
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LIBRARY = "libnftables.so.1"
_OUTPUT_JSON = 1 << 4
_SECONDS = 30.0
_MOST_DESCRIPTORS = 1024 - 100
"""FD_SETSIZE less what other threads may open meanwhile."""


def load(text: str) -> None:
    """Carry out `text` as one transaction: all of it, or HostFault and nothing. "" does nothing."""
    if not text:
        return
    status, _output, complaint = _run(text)
    if status != 0:
        raise HostFault(f"nftables refuses podpy's rules: {complaint}")


def listed(table: str) -> dict[str, Any] | None:
    """Return nft's JSON list of our `inet` table, None when it is not there."""
    status, output, complaint = _run(f"list table inet {table}\n", json=True)
    if status != 0:
        if "No such file" in complaint:
            return None
        raise HostFault(f"nft table {table} cannot be listed: {complaint}")
    return _decoded(output)


class Chain(Value):
    """A chain of any table; `hook` and `policy` "" where others jump to it."""

    family: str
    table: str
    name: str
    hook: str = ""
    policy: str = ""


def chains() -> tuple[Chain, ...]:
    """Return the chains of all tables, iptables-nft's included; iptables-legacy's are not seen."""
    status, output, complaint = _run("list chains\n", json=True)
    if status != 0:
        raise HostFault(f"nft chains cannot be listed: {complaint}")
    return tuple(
        Chain(**{field: chain.get(field, "") for field in Chain.__fields__})
        for entry in _decoded(output).get("nftables", [])
        if (chain := entry.get("chain"))
    )


def _decoded(output: str) -> dict[str, Any]:
    import json

    decoded: dict[str, Any] = json.loads(output)
    return decoded


def _run(text: str, *, json: bool = False) -> tuple[int, str, str]:
    """Return status, output and complaint of nft commands."""
    library = _Library.found()
    if library is not None and _selectable():
        return library.run(text, json=json)
    return run_program(text, json=json)


def _selectable() -> bool:
    """Tell whether the next descriptor is one for select(2), which libnftables waits with.

    With one of FD_SETSIZE or more the C library ends the whole process.
    """
    descriptor = os.open("/", os.O_PATH | os.O_CLOEXEC)
    os.close(descriptor)
    return descriptor < _MOST_DESCRIPTORS


def run_program(text: str, *, json: bool = False) -> tuple[int, str, str]:
    """Run the nft program, for hosts without the library; status, output and complaint."""
    from runtime import proc

    tool = proc.find("nft") or "nft"
    # With -j, what -f names would have to be JSON.
    argv = (tool, "-j", text) if json else (tool, "-f", "-")
    result = proc.run(*argv, stdin=b"" if json else text.encode(), timeout=_SECONDS)
    return result.status, result.text, _first_errors(result.stderr)


class _Library:
    """libnftables: a context for each call, since it belongs to one network namespace."""

    _searched = False
    _instance: _Library | None = None
    # The library keeps tables of names that its contexts share.
    _lock = threading.Lock()

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        library.nft_ctx_new.restype = ctypes.c_void_p
        library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        library.nft_ctx_output_set_flags.argtypes = [ctypes.c_void_p, ctypes.c_uint]
        library.nft_ctx_output_set_flags.restype = None
        for name in ("buffer_output", "buffer_error", "free"):
            getattr(library, f"nft_ctx_{name}").argtypes = [ctypes.c_void_p]
        for name in ("output", "error"):
            get = getattr(library, f"nft_ctx_get_{name}_buffer")
            get.argtypes, get.restype = [ctypes.c_void_p], ctypes.c_char_p

    @classmethod
    def found(cls) -> _Library | None:
        with cls._lock:
            if not cls._searched:
                cls._searched = True
                try:
                    cls._instance = cls(ctypes.CDLL(_LIBRARY))
                except (OSError, AttributeError):
                    cls._instance = None
            return cls._instance

    def run(self, text: str, *, json: bool) -> tuple[int, str, str]:
        call = self._library
        with self._lock:
            context = call.nft_ctx_new(0)
            if not context:
                raise HostFault("libnftables cannot be used: no memory, or no netlink socket")
            try:
                call.nft_ctx_buffer_output(context)
                call.nft_ctx_buffer_error(context)
                if json:
                    call.nft_ctx_output_set_flags(context, _OUTPUT_JSON)
                status = call.nft_run_cmd_from_buffer(context, text.encode())
                output = call.nft_ctx_get_output_buffer(context) or b""
                complaint = call.nft_ctx_get_error_buffer(context) or b""
            finally:
                call.nft_ctx_free(context)
        return int(status), output.decode(errors="replace"), _first_errors(complaint)


def _first_errors(complaint: bytes) -> str:
    """Leave out the rules that nft repeats below each error, as many as the transaction had."""
    lines = complaint.decode(errors="replace").splitlines()
    return "; ".join([line for line in lines if "Error" in line][:3] or lines[:1])
