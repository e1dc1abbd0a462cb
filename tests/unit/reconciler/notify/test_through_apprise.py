"""reconciler.notify.through_apprise and its process, where Apprise is not installed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from manifests.faults import HostFault
from reconciler.notify import apprise_child, through_apprise
from reconciler.notify.notice import Notice, State

if TYPE_CHECKING:
    from pathlib import Path


def test_without_apprise_the_process_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)

    assert apprise_child.tell({"url": "json://127.0.0.1/"}) == apprise_child.End.NOT_INSTALLED


def test_without_apprise_the_fault_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "url"
    file.write_text("json://127.0.0.1/\n")
    file.chmod(0o600)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if "site-packages" not in one])
    notice = Notice(
        sync="a", host="b", commit="", state=State.SUCCESS, reason="Ready", message="", at=0.0
    )

    with pytest.raises(HostFault) as caught:
        through_apprise.deliver(notice, str(file), 20.0)
    assert "Apprise is not installed" in str(caught.value)
    assert "podpy[apprise]" in caught.value.hint
