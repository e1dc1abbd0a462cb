"""Start podpy: the process's arguments in, its exit status out.

The launcher (tools/write_launcher.py), `python -m podpy` and the console script all enter here.
What needs no other module is answered at once; the command line itself is podpy.cli.
"""

from __future__ import annotations

import posix
import sys

from podpy import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

GARBAGE_THRESHOLD = 50_000
UMASK = 0o022
STANDARD_ERROR = 2


def main() -> int:
    """Run the command in sys.argv and return the exit status of the process."""
    words = sys.argv[1:]
    if words == ["--version"]:
        print(f"podpy version {VERSION}")
        return 0
    # Whoever calls: what is made has the mode that it is given, a container's root directory, too,
    # and none of it is others' to write. What is private is made so, each time.
    posix.umask(UMASK)
    import gc

    # Imports and manifests make many objects that live to the end: looking for garbage among them
    # at each 700th (Python's threshold) takes a twentieth of a short command.
    gc.set_threshold(GARBAGE_THRESHOLD)
    try:
        from podpy import cli

        return cli.main(words)
    except KeyboardInterrupt:  # While modules were imported: the rest is podpy.cli's to answer.
        return 130


def open_streams() -> None:
    """Open what was closed of the standard streams: else files that podpy opens take their
    numbers, and what a program that it starts prints would go into one of them."""
    descriptor = posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
    while descriptor <= STANDARD_ERROR:
        posix.set_inheritable(descriptor, True)
        descriptor = posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
    posix.close(descriptor)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8")  # noqa: SIM115 (open to the end)
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8")  # noqa: SIM115


def run(tree: str = "") -> NoReturn:
    """Run the command and end the process; `tree` is the source tree whose code archive to use.

    The interpreter is not taken apart first: that frees module by module what the kernel frees at
    once, and has SQLite, whose connection would be the last one, write its log into the database:
    a fifth of a short command, and four waits for the disk.
    """
    open_streams()
    if tree:
        from podpy import code_archive

        code_archive.use(tree)
    status = main()
    try:
        sys.stdout.flush()
    except OSError as error:
        if status == 0:  # Else the command has told why it failed.
            print(f"Error: standard output: {error.strerror}", file=sys.stderr)
            status = 1
    sys.stderr.flush()
    posix._exit(status)


if __name__ == "__main__":
    run()
