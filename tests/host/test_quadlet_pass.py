"""Passes of a Sync with target: quadlet; a stand-in for systemd starts what it is told to."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from manifests.faults import Invalid
from podpy import sync_removal
from podpy.context import Context
from reconciler import cycle, remembered
from reconciler.state import objects
from reconciler.syncs import declared, preview
from reconciler.syncs.reconcile import Follower
from reconciler.syncs.status import Outcome
from reconciler.targets.quadlet import disk, fitness, images, records, settling, units
from runtime import systemd_bus
from runtime.systemd_bus import Unit
from tests.fixtures import rendered

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.syncs.passed import Pass
    from runtime.paths import Paths

SYNC = """\
apiVersion: podpy.dev/v1
kind: Sync
metadata: {{name: shop}}
spec: {{source: {{directory: {{path: {source}}}}}, target: quadlet, timeout: 10s}}
"""
OLD = 1

pytestmark = pytest.mark.host


class Systemd:
    """Runs what it is told to, as far as it has read the files; what runs `broken` fails."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.read: dict[str, str] = {}
        self.running: set[str] = set()
        self.failed: set[str] = set()
        self.told: list[str] = []

    @contextlib.contextmanager
    def connected(self) -> Iterator[Systemd]:
        yield self

    def units(self, names: Iterable[str]) -> Mapping[str, Unit]:
        return {name: self._unit(name) for name in names}

    def _unit(self, name: str) -> Unit:
        if name not in self.read:
            return Unit(name=name)
        if "broken" in self.read[name]:
            return Unit(name=name, load="loaded", active="failed", result="exit-code", tried=OLD)
        if name in self.failed:
            return Unit(name=name, load="loaded", active="failed", result="exit-code", tried=OLD)
        active = "active" if name in self.running else "inactive"
        return Unit(name=name, load="loaded", active=active, entered=OLD, tried=OLD)

    def reload(self) -> None:
        self.told.append("reload")
        self.read = {
            service: path.read_text()
            for path in self.directory.iterdir()
            if (service := units.service(path.name))
        }

    def forgive(self, name: str) -> None:
        self.failed.discard(name)

    def start(self, name: str) -> None:
        self.told.append(f"start {name}")
        self.running |= {
            name,
            *(one for one, text in self.read.items() if self._within(name, text)),
        }

    def _within(self, name: str, text: str) -> bool:
        return f"Pod={name.removesuffix('-pod.service')}.pod\n" in text

    def restart(self, name: str) -> None:
        self.told.append(f"restart {name}")
        self.start(name)
        self.told.pop()

    def stop(self, name: str) -> None:
        self.told.append(f"stop {name}")
        self.running -= {
            name,
            *(one for one, text in self.read.items() if self._within(name, text)),
        }


class Shop:
    """A host that follows one Sync."""

    def __init__(self, systemd: Systemd, source: Path, paths: Paths) -> None:
        self.systemd, self.source, self.paths = systemd, source, paths
        self.begin()

    def begin(self) -> None:
        """See the host as another command does."""
        self.context = Context()
        self.context.__dict__["paths"] = self.paths

    @property
    def found(self) -> declared.Found:
        return declared.read(self.context.paths, self.context.database)

    def write(self, name: str, command: str = "sleep 9", word: str = "one") -> None:
        env = [{"name": "W", "valueFrom": {"configMapKeyRef": {"name": name, "key": "w"}}}]
        container = {"name": "main", "command": command.split(), "env": env}
        text = rendered.configmap(name, w=word) + rendered.pod(name, containers=[container])
        (self.source / f"{name}.yaml").write_text(text)

    def reconciled(self) -> Pass:
        """Do a pass, as a command does."""
        self.systemd.told.clear()
        self.begin()
        sync = self.found.named("shop").sync
        return Follower(self.context.host, sync, {"shop": True}).reconcile()

    def diff(self) -> list[str]:
        seen = preview.preview(self.context.host, self.found.named("shop").sync, ["shop"])
        return [f"{one.op} {one.ref}" for one in seen.plan.effective()]

    def files(self) -> set[str]:
        return {path.name for path in self.systemd.directory.iterdir()}


@pytest.fixture
def shop(tmp_path: Path, instance: Paths, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Give a host that follows /source with two pods, before the first pass."""
    directory, source = tmp_path / "units", tmp_path / "source"
    directory.mkdir()
    source.mkdir()
    systemd = Systemd(directory)
    monkeypatch.setattr(disk, "DIRECTORY", str(directory))
    monkeypatch.setattr(disk, "MARKS", str(tmp_path / "marks"))
    monkeypatch.setattr(fitness, "podman", lambda: "5.4.2")
    monkeypatch.setattr(images, "fetch", lambda _services: None)
    monkeypatch.setattr(settling, "_running", lambda: {"web-main": "", "db-main": ""})
    monkeypatch.setattr(systemd_bus, "connected", systemd.connected)
    host = Shop(systemd, source, instance.replace(config_dir=str(tmp_path / "etc")))
    syncs = Path(host.paths.syncs)
    syncs.mkdir(parents=True)
    (syncs / "shop.yaml").write_text(SYNC.format(source=source))
    host.write("web")
    host.write("db")
    return host


def test_a_second_pass_changes_nothing_and_a_change_restarts_only_what_it_is_about(
    shop: Shop,
) -> None:
    assert "create Pod/web" in shop.diff()

    first = shop.reconciled()
    assert (first.outcome, first.message) == (Outcome.READY, "")
    assert shop.systemd.told == ["reload", "restart db-pod.service", "restart web-pod.service"]
    assert {"web.pod", "web-main.container", "db.pod", "podpy.network"} <= shop.files()

    assert (shop.diff(), shop.reconciled().outcome, shop.systemd.told) == ([], Outcome.READY, [])

    shop.write("web", word="two")
    assert shop.diff() == ["update ConfigMap/web", "update Pod/web"]
    assert shop.reconciled().outcome is Outcome.READY
    assert shop.systemd.told == ["reload", "restart web-main.service"]


def test_drift_is_mended(shop: Shop) -> None:
    shop.reconciled()
    (shop.systemd.directory / "web.pod").write_text("mine")
    shop.systemd.stop("db-main.service")

    report = shop.reconciled().report

    assert shop.systemd.told == ["reload", "restart web-pod.service", "start db-main.service"]
    assert report is not None
    why = {str(one.ref): [str(each) for each in one.reasons] for one in report.plan.effective()}
    assert why == {
        "Pod/db": ["db-main.service does not run"],
        "Pod/web": ["web.pod was changed by hand"],
    }


def test_how_a_container_ended_with_its_pod_does_not_count_when_that_begins(shop: Shop) -> None:
    shop.reconciled()
    shop.systemd.stop("db-pod.service")
    shop.systemd.failed = {"db-pod.service", "db-main.service"}

    passed = shop.reconciled()

    assert (passed.outcome, passed.message) == (Outcome.READY, "")
    assert shop.systemd.told == ["start db-pod.service"]


def test_a_revision_that_does_not_run_is_taken_back(shop: Shop) -> None:
    shop.reconciled()
    shop.write("web", command="broken")

    failed = shop.reconciled()

    assert failed.outcome is Outcome.ROLLED_BACK, failed.message
    assert "web-main.service has failed: exit-code" in failed.message
    assert "sleep" in (shop.systemd.directory / "web-main.container").read_text()
    assert shop.reconciled().outcome is Outcome.ROLLED_BACK
    assert shop.systemd.told == []


def test_what_goes_is_stopped_and_removed_by_consent(shop: Shop) -> None:
    shop.reconciled()
    (shop.source / "web.yaml").unlink()

    assert shop.reconciled().outcome is Outcome.READY
    assert shop.systemd.told[:1] == ["stop web-pod.service"]
    assert not [name for name in shop.files() if name.startswith("web")]

    (shop.source / "db.yaml").write_text(rendered.configmap("last", w="x"))
    assert shop.reconciled().outcome is Outcome.READY
    assert shop.files() == set()


def test_what_systemd_runs_is_left_alone_by_all_others(shop: Shop) -> None:
    shop.reconciled()
    base = shop.context.base
    every = frozenset(records.owners(base.paths))

    assert remembered.refs(base) == frozenset()
    with pytest.raises(Invalid, match=r"systemd runs .*Pod/web"):
        cycle.prospect(shop.context.host, remembered.wished(base, every))


def test_a_sync_goes_with_its_units(shop: Shop) -> None:
    shop.reconciled()

    going = sync_removal.of_rm(shop.context, shop.found, "shop", keep=False)
    report = sync_removal.remove(shop.context, going, lambda _outcome: None)

    assert report.failed == ()
    assert (shop.files(), shop.systemd.running) == (set(), set())
    assert records.names(shop.paths) == ()
    assert objects.read(shop.context.database) == ()


def test_units_that_are_kept_are_nobodys(shop: Shop) -> None:
    shop.reconciled()

    going = sync_removal.of_rm(shop.context, shop.found, "shop", keep=True)
    sync_removal.remove(shop.context, going, lambda _outcome: None)

    assert "web.pod" in shop.files()
    assert "web-main.service" in shop.systemd.running
    assert records.names(shop.paths) == ()
    assert remembered.refs(shop.context.base) == frozenset()


def test_a_pass_that_was_killed_is_finished(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.reconciled()
    shop.write("web", word="two")

    def killed() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shop.systemd, "reload", killed)
        with pytest.raises(KeyboardInterrupt):
            shop.reconciled()

    assert shop.reconciled().outcome is Outcome.READY
    assert shop.systemd.told == ["reload", "restart web-main.service"]
