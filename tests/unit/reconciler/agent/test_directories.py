"""reconciler.agent.directories: changes below a directory are told, whatever stands there."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from typing import TYPE_CHECKING

import pytest

from reconciler.agent.directories import Directories
from runtime.kernel import syscalls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEADLINE = 20.0


class Watching:
    """Directories, the names that have been told, and what was said."""

    def __init__(self) -> None:
        self.told = threading.Event()
        self.said: list[str] = []
        self.directories = Directories(lambda _name: self.told.set(), self.said.append)

    def hears(self) -> bool:
        heard = self.told.wait(DEADLINE)
        self.told.clear()
        return heard


@pytest.fixture
def watching() -> Iterator[Watching]:
    made = Watching()
    with contextlib.closing(made.directories):
        yield made


def test_a_directory_that_is_replaced_is_told_and_watched_on(
    watching: Watching, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (tmp_path / "new").mkdir()
    watching.directories.watch({"app": str(app)})
    app.rename(tmp_path / "app.old")
    (tmp_path / "new").rename(app)
    replaced = watching.hears()
    watching.directories.watch({"app": str(app)})
    again = watching.hears()
    (app / "a.yaml").write_text("")

    assert (replaced, again, watching.hears()) == (True, True, True)


def test_a_link_that_is_set_anew_is_told_and_what_it_leads_to_is_watched(
    watching: Watching, tmp_path: Path
) -> None:
    app, fresh = tmp_path / "app", tmp_path / "fresh"
    for name in "12":
        (tmp_path / name).mkdir()
    app.symlink_to("1")
    watching.directories.watch({"app": str(app)})
    (tmp_path / "1" / "a.yaml").write_text("")
    within = watching.hears()
    fresh.symlink_to("2")
    fresh.rename(app)

    assert (within, watching.hears()) == (True, True)


def test_a_directory_that_comes_to_be_is_told(watching: Watching, tmp_path: Path) -> None:
    app = tmp_path / "srv" / "app"
    watching.directories.watch({"app": str(app)})
    app.parent.mkdir()
    above = watching.hears()
    watching.directories.watch({"app": str(app)})
    app.mkdir()
    made = watching.hears()

    assert (above, made, watching.said) == (True, True, [])


def test_watches_that_run_out_are_told_once(
    watching: Watching, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    # The real limit is one of the whole host.
    monkeypatch.setattr(syscalls, "inotify_add_watch", exhausted)
    for name in ("a", "b", "a"):
        (tmp_path / name).mkdir(exist_ok=True)
        watching.directories.watch({"app": str(tmp_path / name)})

    assert len(watching.said) == 1
    assert "fs.inotify.max_user_watches" in watching.said[0]
