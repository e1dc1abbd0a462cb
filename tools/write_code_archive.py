"""Write the code archive of a source tree: what podpy.code_archive imports from.

    python -IS tools/write_code_archive.py [SOURCE [SITE]]

SOURCE and SITE are those of tools/write_launcher.py. In it are all modules of podpy and those of
Python's library that they import; libraries from SITE are left out, since another launcher of the
same tree may have others.
"""

from __future__ import annotations

import importlib
import marshal
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

ROOMS = ("podpy", "reconciler", "renderers", "runtime", "manifests", "schemas")
USED_BY_C = ("_compat_pickle", "encodings.ascii")  # imported by code in C, when it is first used
NOT_MODULES = ("schemas.generate",)  # a script of the developers, with libraries of theirs


def names(tree: str) -> Iterator[str]:
    """Give the names of all modules in the rooms of `tree`."""
    for room in ROOMS:
        for directory, subdirectories, files in os.walk(f"{tree}/{room}"):
            subdirectories.sort()
            package = os.path.relpath(directory, tree).replace("/", ".")
            for file in sorted(files):
                stem, suffix = os.path.splitext(file)
                if suffix == ".py" and stem != "__main__":
                    name = package if stem == "__init__" else f"{package}.{stem}"
                    if name not in NOT_MODULES:
                        yield name


def archive(tree: str, site: str) -> bytes:
    """Import every module of the tree, and return the archive of them and what they import."""
    from podpy import code_archive

    for name in (*names(tree), *USED_BY_C):
        importlib.import_module(name)
    entries: dict[str, tuple[object, ...]] = {}
    codes = bytearray()
    for name, module in sorted(sys.modules.items()):
        spec: Any = getattr(module, "__spec__", None)
        source = _source(spec)
        if source is None or source.startswith(f"{site}/") or name == "__main__":
            continue
        status = os.stat(source)
        data = marshal.dumps(_code(name, source))
        package = spec.submodule_search_locations is not None
        entries[name] = (
            source, package, status.st_mtime_ns, status.st_size, len(codes), len(data),
        )  # fmt: skip
        codes += data
    index = marshal.dumps([code_archive.writer(), len(codes), entries])
    return len(index).to_bytes(code_archive.HEAD_BYTES, "little") + index + bytes(codes)


def _code(name: str, source: str) -> CodeType:
    """Compile a module, without docstrings but for commands, whose help they are.

    They are an eighth of what every start has to read.
    """
    with open(source, "rb") as file:
        text = file.read()
    level = 0 if name.startswith("podpy.commands.") else 2
    code: CodeType = compile(text, source, "exec", dont_inherit=True, optimize=level)
    return code


def _source(spec: Any) -> str | None:
    """Return the file of a module written in Python, by its spec; None for every other one."""
    source: str | None = getattr(spec, "origin", None)
    is_python = source and source.endswith(".py") and hasattr(spec.loader, "get_code")
    return source if is_python else None


def write(tree: str, site: str) -> str:
    """Write the archive by an atomic rename; return its path."""
    from podpy import code_archive

    target = code_archive.path(tree)
    data = archive(tree, site)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    fresh = f"{target}.{os.getpid()}"
    with open(fresh, "wb") as file:
        file.write(data)
    os.replace(fresh, target)
    return target


def main() -> int:
    tree, site = sys.argv[1:]
    sys.path[:0] = [tree]
    sys.path.append(site)
    write(tree, site)
    return 0


if __name__ == "__main__":
    sys.exit(main())
