"""Write a container's environment: in its unit, in an environment file, in a file for Secrets.

Podman's environment files (podman-run(1), --env-file) take a line as it is, so they have no form
for a value with line ends, and it reads lines of 64 KiB at most.
"""

from __future__ import annotations

from renderers import systemd_text
from renderers.quadlet.unit import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Section
    from renderers.quadlet.variables import Variable

_LONGEST = (64 << 10) - 1


def write(
    rendering: Rendering, name: str, variables: Mapping[str, Variable], lines: Section
) -> None:
    """Add the variables of the container whose files begin with `name`."""
    shared: list[str] = []
    secret: list[str] = []
    for key, one in variables.items():
        text = f"{key}={one.value}"
        if one.node:
            lines.plain("Environment", f"{systemd_text.word(f'{key}=')}%H")
        elif not one.known:
            continue
        elif one.secret:
            if _fits(text):
                secret.append(text)
            else:
                message = "a Secret of several lines, or too long, fits no environment file"
                rendering.lose(one.path, message)
        elif one.shared and _fits(text):
            shared.append(text)
        else:
            lines.word(one.path, "Environment", text)
    _file(rendering, f"{name}.env", shared, lines, mode=0o644)
    _file(rendering, f"{name}.secret.env", secret, lines, mode=0o600)


def _fits(text: str) -> bool:
    return "\n" not in text and "\r" not in text and len(text.encode()) <= _LONGEST


def _file(rendering: Rendering, name: str, held: list[str], lines: Section, *, mode: int) -> None:
    if held:
        text = "".join(f"{line}\n" for line in (f"# {rendering.source.origin}", *held))
        rendering.files.append(File(name=name, content=text.encode(), mode=mode))
        lines.plain("EnvironmentFile", systemd_text.literal(f"./{name}"))
