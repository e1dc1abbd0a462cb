"""Give command lines for a unit's own [Service] section: ExecStartPre= and its like. Pure."""

from __future__ import annotations

from renderers import systemd_text

PODMAN = "/usr/bin/podman"


def run(program: str, *arguments: str) -> str:
    """Return the line that runs `program`, a path of podpy's own, with these arguments."""
    return " ".join([program, *(systemd_text.word(argument) for argument in arguments)])


def script(text: str, *arguments: str) -> str:
    """Return the line that runs `text` as a shell's script, the arguments being its $1, $2..."""
    return run("/bin/sh", "-c", text, "sh", *arguments)
