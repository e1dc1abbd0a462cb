"""Write what a container runs: Entrypoint=, Exec= and WorkingDir=."""

from __future__ import annotations

import json

from renderers.quadlet import variables as names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.container import Container
    from manifests.problems import FieldPath
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Section
    from renderers.quadlet.variables import Variable


def write(
    rendering: Rendering,
    where: FieldPath,
    container: Container,
    variables: Mapping[str, Variable],
    lines: Section,
) -> None:
    """Add the lines of command, args and workingDir; $(NAME) stands for one of `variables`."""

    def words(field: str, texts: tuple[str, ...]) -> list[str]:
        return [
            names.expanded(rendering, (*where, field, number), text, variables)
            for number, text in enumerate(texts)
        ]

    if container.command:
        lines.text((*where, "command"), "Entrypoint", array(words("command", container.command)))
    if container.args:
        lines.words((*where, "args"), "Exec", words("args", container.args))
    if container.working_dir:
        lines.either((*where, "workingDir"), "WorkingDir", "--workdir", container.working_dir)


def array(words: list[str]) -> str:
    """Return words as Podman reads several from one value: JSON, without control characters."""
    return json.dumps(words, ensure_ascii=False).replace("\x7f", "\\u007f")
