"""Rows about pods: play, play again, exec, list, down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import engines, measure, workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.engines import Engine, Peers
    from benchmarks.measure import Row

PLAY_FLOORS = {1: "2x", 10: "4x", 50: "5x", 200: "5x"}
DOWN_FLOORS = {1: "4x", 10: "12x", 50: "17x", 200: "17x"}
AGAIN_FLOORS = {1: "100 ms", 50: "150 ms"}


def play_and_down(peers: Peers, count: int, runs: int) -> Iterator[Row]:
    """Time `kube play` of `count` pods and the `kube down` that follows, in the same rounds."""
    files = {engine.name: workload.pods(count, engine.name) for engine in peers.all}
    downs: dict[str, list[float]] = {engine.name: [] for engine in peers.all}

    def down(engine: Engine) -> None:
        downs[engine.name].append(measure.command(engine, engine.down(files[engine.name])))

    step = measure.Step(timed=lambda engine: engine.play(files[engine.name]), after=down)
    plays = measure.interleaved(peers, step, runs)
    pods = f"{count} pod{'s' if count > 1 else ''}"
    yield measure.compare(f"kube play, {pods}", plays, PLAY_FLOORS[count])
    yield measure.compare(f"kube down, {pods}", downs, DOWN_FLOORS[count])


def play_again(peers: Peers, count: int, runs: int) -> Row:
    """Time the second `kube play` of a file that did not change."""
    files = {engine.name: workload.pods(count, engine.name) for engine in peers.all}
    for engine in peers.all:
        engines.call(engine, engine.play(files[engine.name]))
    step = measure.Step(timed=lambda engine: engine.play_again(files[engine.name]))
    times = measure.interleaved(peers, step, runs)
    for engine in peers.all:
        engines.call(engine, engine.down(files[engine.name]))
    return measure.compare(
        f"kube play again, unchanged, {count}",
        times,
        AGAIN_FLOORS[count],
        note="Podman with --replace: it has no way to do nothing",
    )


def with_pods_running(peers: Peers, count: int, runs: int) -> Iterator[Row]:
    """Time what users do all day while `count` pods run: exec, list, --version."""
    files = {engine.name: workload.pods(count, engine.name) for engine in peers.all}
    for engine in peers.all:
        engines.call(engine, engine.play(files[engine.name]))
    pod = workload.pod_name(count, count // 2)
    rows = (
        ("exec true", "3x", lambda engine: engine.exec(pod, "front")),
        (f"get pods / ps, {count} pods", "1x", lambda engine: engine.pods()),
        ("--version", "60 ms", lambda engine: engine.version()),
    )
    for name, floor, timed in rows:
        times = measure.interleaved(peers, measure.Step(timed=timed), runs)
        yield measure.compare(name, times, floor)
    for engine in peers.all:
        engines.call(engine, engine.down(files[engine.name]))
