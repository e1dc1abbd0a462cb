"""Write the `podpy` command: an environment and a source tree in, one executable file out.

    python tools/write_launcher.py TARGET [SOURCE [SITE]]

The command starts the interpreter that runs this script, isolated and without the `site` module
(`-I -S`), and names the places it imports from itself: that halves the start-up, since `site` and
the `.pth` files of an environment cost more than all that `podpy --version` does. First of them is
the code archive (podpy.code_archive), which is written with the command. SOURCE is the
folder with the `podpy` package, by default the tree this script lies in; SITE holds the libraries,
by default the environment's own (Debian's packages lie in /usr/lib/python3/dist-packages).
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig

# A `#!` line holds 255 bytes (BINPRM_BUF_SIZE less NUL) and splits at the first blank only.
SHEBANG_BYTES = 255


def launcher(python: str, source: str, site_packages: str) -> str:
    """Return the text of the command."""
    first = f"#!{python} -IS"
    if " " in python or len(first) > SHEBANG_BYTES:
        # Shell and Python both read the next lines; to Python they are one string.
        first = f"#!/bin/sh\n'''exec' \"{python}\" -IS \"$0\" \"$@\"\n' '''"
    return (
        f"{first}\n"
        "import sys\n"
        f"sys.path[:0] = [{source!r}]\n"
        f"sys.path.append({site_packages!r})\n"
        "from podpy.__main__ import run\n"
        f"run({source!r})\n"
    )


def write(target: str, source: str, site_packages: str = "") -> None:
    """Put the command at `target` by an atomic rename, mode 0755, and its code archive beside."""
    site = site_packages or sysconfig.get_path("purelib")
    text = launcher(sys.executable, source, site)
    # In an interpreter of its own: what this one has imported is not what podpy imports.
    archive = f"{source}/tools/write_code_archive.py"
    subprocess.run([sys.executable, "-IS", archive, source, site], check=True, timeout=60)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    fresh = f"{target}.new"
    with open(fresh, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(fresh, 0o755)  # a command that every user of the host may run
    os.replace(fresh, target)


def main() -> int:
    tree = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    words = sys.argv[1:]
    if not 1 <= len(words) <= 3:
        print(__doc__, file=sys.stderr)
        return 2
    target = os.path.abspath(words[0])
    source = os.path.abspath(words[1]) if len(words) > 1 else tree
    write(target, source, *words[2:])
    print(f"{target} runs {source} with {sys.executable}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
