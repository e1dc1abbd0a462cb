"""Put variables into text as the kubelet does: `$(NAME)` in env, command and args. Pure."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE = r"\$(?:\$|\(([^)]*)\))"


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by its value and `$$` by `$`; an unknown name stays as it is written."""

    def replaced(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else variables.get(name, match.group())

    return re.sub(_REFERENCE, replaced, text) if "$" in text else text


def names(text: str) -> list[str]:
    """Return the names that `$(NAME)` in `text` asks for."""
    found = (match.group(1) for match in re.finditer(_REFERENCE, text))
    return [name for name in found if name is not None]
