"""Give command lines for a unit's own [Service] section: ExecStartPre= and its like. Pure."""

from __future__ import annotations

from renderers import systemd_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from renderers.quadlet.unit import Lines

PODMAN = "/usr/bin/podman"
_SYSTEMCTL = "/usr/bin/systemctl"


def run(program: str, *arguments: str) -> str:
    """Return the line that runs `program`, a path of podpy's own, with these arguments."""
    return " ".join([program, *(systemd_text.word(argument) for argument in arguments)])


def script(text: str, *arguments: str) -> str:
    """Return the line that runs `text` as a shell's script, the arguments being its $1, $2..."""
    return run("/bin/sh", "-c", text, "sh", *arguments)


def systemctl(verb: str, *units: str, user: bool) -> str:
    """Return the line that asks the unit's own systemd for something, and does not wait for it."""
    return run(_SYSTEMCTL, *_instance(user), "--no-block", verb, *units)


def deadline(name: str, seconds: int, *, user: bool, over: str = "ExecStartPost") -> Lines:
    """Return the lines that stop the service `name` for good after so many seconds.

    RuntimeMaxSec= would have it started again. `over` is when the time no longer counts.
    """
    timer = f"{name}-deadline"
    stop = [_SYSTEMCTL, *_instance(user), "stop", f"{name}.service"]
    options = ["--quiet", "--collect", f"--unit={timer}", f"--on-active={seconds}"]
    begin = run("/usr/bin/systemd-run", *_instance(user), *options, *stop)
    # A start that is a retry finds the timer of the first.
    return [
        ("ExecStartPre", f"-{begin}"),
        (over, f"-{run(_SYSTEMCTL, *_instance(user), 'stop', f'{timer}.timer')}"),
    ]


def _instance(user: bool) -> list[str]:
    return ["--user"] if user else []
