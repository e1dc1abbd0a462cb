"""The path of podpy's command in, the systemd unit of its agent out. Pure.

Directives are systemd.service(5)'s, systemd.exec(5)'s and systemd.kill(5)'s.
"""

from __future__ import annotations

_UNIT = """\
[Unit]
Description=podpy agent: follows Syncs and repairs drift
# Not network-online.target: without a network the last good revision comes up at once, too.
After=network.target local-fs.target

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


def text(command: str) -> str:
    """Return the unit's text; `command` is an absolute path."""
    return _UNIT.format(command=command.replace("%", "%%"))
