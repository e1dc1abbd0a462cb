"""Import modules from one file: an archive of compiled code in, a finder on sys.meta_path out.

    8 bytes       length of the index
    index         marshal: [what wrote it, bytes of all codes,
                            {module: (source, is package, mtime, size, at, length)}]
    codes         marshal of each module's code, one behind another

Finding, checking and reading two hundred `.pyc` files takes a quarter of a short command's time.
Like a `.pyc` the archive is a cache, written by `make install` (tools/write_code_archive.py): what
it lacks, and a module whose source has changed since, is imported as ever. The launcher calls
`use` before anything else is imported, so this module imports nothing that Python has not loaded.
"""

from __future__ import annotations

import marshal
import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any, NamedTuple

    class Entry(NamedTuple):
        """Where a module's code is, and of which source: its path, mtime in ns, size in bytes."""

        source: str
        package: bool
        mtime: int
        size: int
        at: int
        length: int


HEAD_BYTES = 8
_Spec: Any = type(sys.__spec__)  # importlib.machinery.ModuleSpec, without importing importlib


def path(tree: str) -> str:
    """Return where the archive of a source tree is kept, for this Python."""
    return f"{tree}/__pycache__/podpy.{sys.implementation.cache_tag}.codes"


def writer() -> list[object]:
    """Return what an archive must have been written by: marshal's form is this Python's own."""
    return ["podpy codes 1", sys.version, sys.flags.optimize]


def use(tree: str) -> None:
    """Import from the archive of `tree` from now on; without one, or with a strange one, do not."""
    try:
        file = posix.open(path(tree), posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return
    start = 0
    try:
        start = HEAD_BYTES + int.from_bytes(posix.pread(file, HEAD_BYTES, 0), "little")
        # As much to be trusted as a .pyc: whoever may write it may write the sources.
        index = marshal.loads(posix.pread(file, start - HEAD_BYTES, HEAD_BYTES))  # noqa: S302
        written_by, length, entries = index
    except (OverflowError, EOFError, ValueError, TypeError):
        written_by, length = None, 0
    if written_by != writer() or posix.fstat(file).st_size != start + length:
        posix.close(file)
        return
    sys.meta_path.insert(0, Finder(file, start, entries))


class Finder:
    """Finder and loader (PEP 451) of the modules in an open archive."""

    def __init__(self, file: int, start: int, entries: dict[str, Entry]) -> None:
        self._file = file
        self._start = start
        self._entries = entries

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> Any:
        """Return the spec of a module that is in the archive and as new as its source."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        source, package, mtime, size, _at, _length = entry
        try:
            status = posix.stat(source)
        except OSError:
            return None
        if (status.st_mtime_ns, status.st_size) != (mtime, size):
            return None
        spec = _Spec(name, self, origin=source, is_package=package)
        spec.has_location = True
        if package:
            spec.submodule_search_locations.append(source.rpartition("/")[0])
        return spec

    def create_module(self, _spec: object) -> None:
        """Let Python make the module."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        exec(self.get_code(module.__name__), module.__dict__)  # noqa: S102 (what an import is)

    def get_code(self, name: str) -> CodeType:
        """Return a module's code."""
        *_, at, length = self._entries[name]
        data = posix.pread(self._file, length, self._start + at)
        code: CodeType = marshal.loads(data)  # noqa: S302 (see `use`)
        return code
