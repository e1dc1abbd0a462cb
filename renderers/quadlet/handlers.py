"""Write what is done after a container's start and before its end: ExecStartPost=, ExecStop=.

Quadlet's own ExecStop= comes after those that a file has.
"""

from __future__ import annotations

from renderers.quadlet import shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container, Handler
    from manifests.problems import FieldPath
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Lines

# ExecStop= is run, too, where the container has ended by itself: there is nothing to wait for then.
_SLEEP = '[ -z "$MAINPID" ] || sleep "$1"'


def service(rendering: Rendering, where: FieldPath, container: Container, name: str) -> Lines:
    """Return the lines of [Service] for the container, which Podman calls `name`."""
    lines: Lines = []
    life = container.lifecycle
    for field, handler in (("postStart", life.post_start), ("preStop", life.pre_stop)):
        if handler is None:
            continue
        begins = field == "postStart"
        line = _command(handler, name, begins=begins)
        if line is None:
            path = (*where, "lifecycle", field)
            rendering.lose(path, "is not done: Podman runs commands in the container alone")
        else:
            # A container that fails to begin is ended; one that is to end does so in any case.
            lines.append(("ExecStartPost", line) if begins else ("ExecStop", f"-{line}"))
    return lines


def _command(handler: Handler, name: str, *, begins: bool) -> str | None:
    if handler.exec is not None and handler.exec.command:
        return shell.run(shell.PODMAN, "exec", name, *handler.exec.command)
    if handler.sleep is not None:
        seconds = str(handler.sleep.seconds)
        return shell.run("/bin/sleep", seconds) if begins else shell.script(_SLEEP, seconds)
    return None
