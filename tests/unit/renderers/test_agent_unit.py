"""renderers.agent_unit: the same agent for root's systemd and for a user's."""

from __future__ import annotations

from renderers import agent_unit


def test_a_percent_sign_in_the_path_is_no_specifier() -> None:
    assert "ExecStart=/opt/100%%/podpy agent\n" in agent_unit.text("/opt/100%/podpy")


def test_a_users_unit_names_nothing_that_only_the_hosts_systemd_has() -> None:
    text = agent_unit.text("/usr/bin/podpy", user=True)

    assert "multi-user.target" not in text
    assert "After=" not in text
    assert "WantedBy=default.target\n" in text
    assert "Restart=always\n" in text
