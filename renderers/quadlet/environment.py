"""Write a container's environment: plain values in its unit, Secrets in a file of their own."""

from __future__ import annotations

from renderers import systemd_text
from renderers.quadlet.unit import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container, EnvVar
    from manifests.problems import FieldPath
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Section


def write(
    rendering: Rendering, where: FieldPath, container: Container, name: str, lines: Section
) -> None:
    """Add plain values to the unit; those of Secrets go into a file for its owner alone."""
    secret: list[bytes] = []
    for number, variable in enumerate(container.env):
        there = (*where, "env", number)
        value = _value(rendering, there, variable)
        if value is None:
            continue
        if variable.value_from is None or variable.value_from.secret_key_ref is None:
            text = value.decode(errors="replace")
            lines.word(there, "Environment", f"{variable.name}={text}")
        elif b"\n" in value or b"\r" in value:
            rendering.lose(there, "a line end in a Secret has no form in an environment file")
        else:
            secret.append(f"{variable.name}=".encode() + value + b"\n")
    if secret:
        file = f"{name}.secret.env"
        rendering.files.append(File(name=file, content=b"".join(secret), mode=0o600))
        lines.plain("EnvironmentFile", systemd_text.literal(f"./{file}"))


def _value(rendering: Rendering, where: FieldPath, variable: EnvVar) -> bytes | None:
    source = variable.value_from
    if source is None:
        if "$(" in variable.value or "$$" in variable.value:
            rendering.lose((*where, "value"), "$(NAME) and $$ stay as they are written")
        return variable.value.encode()
    held = source.config_map_key_ref or source.secret_key_ref
    if held is None:
        return None  # another source: told of as not honoured
    given = rendering.source
    contents = given.configmaps if source.config_map_key_ref else given.secrets
    value = contents.get(held.name, {}).get(held.key)
    if value is None and not held.optional:
        rendering.lose((*where, "valueFrom"), f'key "{held.key}" of "{held.name}" is not given')
    return value
