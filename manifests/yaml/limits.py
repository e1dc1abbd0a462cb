"""How much one file may hold, and how far its anchors may blow it up.

The API server takes objects of 1.5 MiB and kubectl whole files; these limits are far above what
people write and far below what hurts. A text is measured before and while it is read, so that a
hostile one costs no more than these numbers.
"""

from __future__ import annotations

from manifests.value import Value


class Limits(Value):
    """`bytes` of one file; `depth` of nesting; `nodes` (keys, values, lists) of one file.

    `expansion` is the weight, in bytes, of all that aliases and merge keys repeat in one file.
    """

    bytes: int = 32 * 1024 * 1024
    depth: int = 100
    nodes: int = 1_000_000
    expansion: int = 4 * 1024 * 1024


DEFAULT = Limits()
