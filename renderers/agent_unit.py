"""The path of podpy's command in, the systemd unit of its agent out. Pure.

Directives are systemd.service(5)'s, systemd.exec(5)'s and systemd.kill(5)'s.
"""

from __future__ import annotations

_ORDER = """\
# Not network-online.target: without a network the last good revision comes up at once, too.
After=network.target local-fs.target"""
_UNIT = """\
[Unit]
Description=podpy agent: follows Syncs and repairs drift
{order}

[Service]
Type=notify
ExecStart={command} agent
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
# What every command of podpy answers to SIGTERM with: the unit was stopped, it did not fail.
SuccessExitStatus=143
WatchdogSec=60
TimeoutStopSec=150
# Pods live in cgroups of their own; nothing of them may end with the agent.
KillMode=process
Delegate=yes

[Install]
WantedBy=multi-user.target
"""


_OF_USER = (
    ("WantedBy=multi-user.target", "WantedBy=default.target"),
    # It ends when the namespaces do, to begin again in new ones.
    ("Restart=on-failure", "Restart=always"),
    # A user's systemd knows none of the host's targets.
    (f"{_ORDER}\n", ""),
)


def text(command: str, *, user: bool = False) -> str:
    """Return the unit's text; `command` is an absolute path. `user`: for a user's systemd."""
    made = _UNIT.format(command=command.replace("%", "%%"), order=_ORDER)
    for root, users in _OF_USER if user else ():
        made = made.replace(root, users)
    return made
