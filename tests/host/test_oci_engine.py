"""The OCI runtime that is chosen: crun, or runc where that cannot run."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from runtime.kernel import cgroups, namespaces
from runtime.oci import container as oci
from runtime.oci import engine as engines
from runtime.oci.container import State
from runtime.oci.engine import Engine, Kind
from tests.fixtures import bench

if TYPE_CHECKING:
    from runtime.paths import Paths

pytestmark = pytest.mark.host


def only(kind: Kind, pod_dir: str) -> Engine:
    path = engines.locate(kind)
    conmon = engines.locate("conmon")
    if path is None or conmon is None:
        pytest.skip(f"{kind} is not installed")
    return Engine(kind=kind, path=path, version=engines.version(path), conmon=conmon)


@pytest.mark.parametrize("kind", list(Kind))
def test_both_runtimes_make_start_and_end_a_container(instance: Paths, kind: Kind) -> None:
    with bench.opened(instance, only(kind, "")) as pod:
        container = pod.create("app", "echo hello; echo oops >&2; exit 3")
        assert oci.state(container) is State.CREATED

        pod.inside.call(oci.start, pod.engine, container)
        ended = pod.wait(container)

        assert ended.code == 3
        assert not ended.oom_killed
        assert time.time() - ended.at < 60
        assert sorted((x.stream, x.text) for x in pod.lines("app")) == [
            ("stderr", b"oops"),
            ("stdout", b"hello"),
        ]
        assert oci.state(container) is State.STOPPED


def test_the_engine_is_found_once_and_remembered(instance: Paths) -> None:
    with bench.opened(instance) as pod:
        written = os.stat(f"{instance.run_dir}/engine.json").st_mtime_ns

        again = pod.inside.call(engines.find, instance.run_dir, pod.seen, instance.instance)

        assert again == pod.engine
        assert os.stat(f"{instance.run_dir}/engine.json").st_mtime_ns == written


def test_runc_takes_over_with_a_reason_where_crun_cannot_run(
    instance: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    if engines.locate("runc") is None:
        pytest.skip("runc is not installed")
    broken = f"{tmp_path}/bin"
    os.makedirs(broken)
    with open(f"{broken}/crun", "w", encoding="ascii") as file:
        file.write("#!/bin/sh\necho 'this host is too odd' >&2\nexit 1\n")
    os.chmod(f"{broken}/crun", 0o755)
    monkeypatch.setenv("PATH", f"{broken}:{os.environ['PATH']}")
    os.makedirs(instance.pod("one"))
    with namespaces.create(instance.pod("one")) as inside:
        seen = inside.call(cgroups.view)

        found = inside.call(engines.find, instance.run_dir, seen, instance.instance)

        namespaces.remove(instance.pod("one"))
        namespaces.release(instance.run_dir)
        inside.call(cgroups.remove, seen, f"/{instance.instance}")
    assert found.kind is Kind.RUNC
    assert found.reason == "crun cannot run here: this host is too odd"
