"""Write renderers/quadlet_keys.tsv: which Podman version first knows which key of a Quadlet file.

    python -m tools.quadlet_keys KEYS.json > renderers/quadlet_keys.tsv

KEYS.json is {version: {section: [key]}}, as collected from pkg/systemd/quadlet/quadlet.go of
Podman's releases. A key that a version has lost again would be an error: none has been.
"""

from __future__ import annotations

import json
import sys

HEAD = """\
# Section, key, and the Podman release that first reads it (4.9 stands for 4.5 to 4.9).
# Source: the key lists in pkg/systemd/quadlet/quadlet.go of Podman's releases 4.4 to 5.8.
# Written by tools/quadlet_keys.py.
"""


def table(versions: dict[str, dict[str, list[str]]]) -> str:
    """Return the file's text: the rows sorted by section and key."""
    first: dict[tuple[str, str], str] = {}
    for version, sections in versions.items():
        if not version.startswith("v") or "-" in version:
            continue
        release = ".".join(version.removeprefix("v").split(".")[:2])
        for section, keys in sections.items():
            for key in keys:
                first.setdefault((section, key), release)
    rows = (f"{section}\t{key}\t{release}\n" for (section, key), release in sorted(first.items()))
    return HEAD + "".join(rows)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(table(json.load(file)))
