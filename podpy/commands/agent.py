"""Follow all Syncs, and put right what drifts, until a signal ends it: for systemd, or a terminal.

It sleeps until there is a reason: a Sync's interval, a changed file, something of podpy's that is
not as it was on this host. What it does is what `podpy sync reconcile` does; ending or replacing
it stops no pod.
"""

from __future__ import annotations

import signal
import sys

from manifests.faults import Invalid
from podpy import VERSION, changes, sync_output
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from reconciler.syncs.passed import Pass
    from reconciler.targets.host.host import Host
    from runtime.paths import Paths

EXAMPLES = """
podpy agent
podpy agent --listen 127.0.0.1:9797
podpy agent --unit > /etc/systemd/system/podpy-agent.service
podpy agent --unit --user > ~/.config/systemd/user/podpy-agent.service
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--unit", action="store_true", help="print the unit that has systemd run the agent"
    )
    parser.add_argument("--user", action="store_true", help="the unit of a user's systemd")
    parser.add_argument(
        "--listen",
        default="",
        metavar="HOST:PORT",
        help="where webhooks come in; a proxy before it does TLS",
    )


LARGEST_PORT = 65535
_WATCH_SECONDS = 3600.0


def run(arguments: argparse.Namespace) -> int:
    if arguments.unit:
        from renderers import agent_unit

        print(agent_unit.text(sys.argv[0], user=arguments.user), end="")
        return 0
    if arguments.user:
        raise Invalid("--user: is for --unit", hint="podpy agent, as that user")
    # Until the loop listens there is nothing to read again; unheard, it would end the agent.
    signal.signal(signal.SIGHUP, lambda *_: None)
    from reconciler.agent import loop
    from reconciler.agent.passes import Passes
    from reconciler.agent.probing import Probing
    from runtime import locks
    from runtime.rootless import mode

    if arguments.listen and mode.active():
        raise Invalid(
            "--listen: a user's agent is not in the host's network, so no webhook would reach it",
            hint="leave it out: Syncs are asked at their intervals, or by podpy sync reconcile",
        )
    # The lock lies in the run directory, which is made, and mounted, with the first host.
    paths = _host().base.paths
    listen = _address(arguments.listen) if arguments.listen else None
    passes = Passes(_host, changes.show_outcome, _Teller().show, _say)
    probing = Probing(lambda: _host().base, _say)
    work = loop.Work(passes.syncs, passes.follow, passes.mend, _say, probing, passes.schedules)
    with locks.tried(paths, "agent") as alone:
        if not alone:
            raise Invalid("an agent runs on this host already", hint="systemctl status podpy-agent")
        print(f"podpy {VERSION}: the agent follows {paths.syncs}", flush=True)
        if mode.active():
            _end_with_namespaces(paths)
        loop.Loop(paths, work, listen).run()
    return 0


def _address(text: str) -> tuple[str, int]:
    """Read HOST:PORT, [V6]:PORT or :PORT, which means this host alone."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > LARGEST_PORT:
        raise Invalid(f'--listen: "{text}" is not HOST:PORT', hint="--listen 127.0.0.1:9797")
    return host.strip("[]") or "127.0.0.1", int(port)


def _end_with_namespaces(paths: Paths) -> None:
    """End the agent, as SIGTERM does, when nobody holds the user's namespaces any more."""
    import os
    import threading

    from runtime.kernel import processes
    from runtime.rootless import record

    held = record.read(paths)
    holder = None if held is None else processes.opened(held.pid, held.started)

    def watch() -> None:
        if holder is not None:
            while not processes.wait([holder], _WATCH_SECONDS):
                continue
        _say("the namespaces of this user have ended, and the agent with them")
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _host() -> Host:
    return Context().host


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class _Teller:
    """Tells what a Sync's pass came to, where that is news."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[str, str, str]] = {}

    def show(self, name: str, passed: Pass) -> None:
        news = (str(passed.outcome), passed.revision, passed.message)
        if self._told.get(name) != news:
            self._told[name] = news
            sync_output.show(name, passed)
