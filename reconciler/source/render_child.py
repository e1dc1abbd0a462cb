"""The process that renders: a job as JSON on standard input, what came of it on standard output.

Started by reconciler.source.rendering, which kills it at its deadline. It gives away root, and may
take no more than so much memory and time, before it looks at a template.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys

from renderers import environment

MEMORY = 1 << 30
NOBODY = 65534


def confine(seconds: int) -> None:
    """Limit this process, and make it nobody's."""
    # Jinja2 imports these when they are first used, which nobody may not.
    import pprint  # noqa: F401
    import urllib.parse  # noqa: F401

    import jinja2.debug  # noqa: F401

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if os.geteuid() == 0:
        # In a user namespace without that user, it stays who it is.
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)


def main(seconds: int) -> None:
    confine(seconds)
    job = json.load(sys.stdin)
    texts, wrong = environment.render(job["texts"], job["wanted"], job["variables"])
    said = [{"file": one.file, "line": one.line, "message": one.message} for one in wrong]
    json.dump({"texts": texts, "wrong": said}, sys.stdout)
