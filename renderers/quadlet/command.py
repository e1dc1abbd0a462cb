"""Write what a container runs: Entrypoint=, Exec= and WorkingDir=."""

from __future__ import annotations

import json

from renderers import systemd_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container
    from manifests.problems import FieldPath
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Section


def write(rendering: Rendering, where: FieldPath, container: Container, lines: Section) -> None:
    """Add the lines of command, args and workingDir."""
    for field in ("command", "args"):
        for number, text in enumerate(getattr(container, field)):
            if "$(" in text or "$$" in text:
                rendering.lose((*where, field, number), "$(NAME) and $$ stay as they are written")
    if container.command:
        text = json.dumps(list(container.command), ensure_ascii=False)
        lines.text((*where, "command"), "Entrypoint", text)
    if container.args:
        lines.plain("Exec", systemd_text.words(container.args))
    if container.working_dir:
        lines.either((*where, "workingDir"), "WorkingDir", "--workdir", container.working_dir)
