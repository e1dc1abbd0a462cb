"""Print containers' logs, as kubectl logs does.

A log that has outgrown 5 MiB is rotated on the way, as the kubelet would have done.
"""

from __future__ import annotations

import sys
import time

from manifests import settings
from manifests.faults import Invalid
from manifests.value import Value
from podpy import lookup
from runtime import paths as runtime_paths
from runtime.oci import container as oci
from runtime.oci import logs

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from podpy.lookup import Found
    from runtime.paths import Paths

LABELLED_TAIL = 10
"""How many lines of each pod -l shows unless --tail says otherwise, as kubectl."""

MOST_FOLLOWED = 5
"""How many containers -f follows at once unless --max-log-requests allows more, as kubectl."""

MOST_WAITING = 1000
"""Lines of containers followed together that wait for the terminal, before these have to."""

EXAMPLES = """
podpy logs web -c app --tail 20
podpy logs -f deploy/web --since 5m
podpy logs -l app=web --all-containers --prefix
podpy logs -p web
"""


class Stream(Value):
    """One container's log: where it lies, and what stands before its lines."""

    uid: str
    pod: str
    container: str
    directory: str
    target: oci.Container
    prefix: str = ""


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("pod", nargs="?", default="", help="NAME, deploy/NAME, job/NAME, an alias or an id")
    add("name", nargs="?", default="", metavar="CONTAINER")
    add("-c", "--container", default="", help="the pod's default one if left out")
    add("-n", "--namespace", default="", help="the pod's; default if left out")
    add("-l", "--selector", default="", metavar="KEY=VALUE,...", help="the pods with these labels")
    add("-f", "--follow", action="store_true", help="go on as lines come")
    add("-p", "--previous", action="store_true", help="of the run before this one")
    add("--tail", type=int, default=None, metavar="LINES", help="the last lines; -1 for all")
    add("--since", default="", metavar="DURATION", help="such as 30s, 5m, 2h")
    add("--since-time", default="", metavar="TIME", help="such as 2026-01-31T08:00:00Z")
    add("--timestamps", action="store_true", help="when each line was written")
    add("--limit-bytes", type=int, default=0, metavar="BYTES", help="the most of each container")
    add("--all-containers", action="store_true", help="init containers too")
    add("--all-pods", action="store_true", help="all pods of the workload, with --prefix")
    add("--prefix", action="store_true", help="say which container wrote a line")
    add(
        "--max-log-requests",
        type=int,
        default=MOST_FOLLOWED,
        metavar="N",
        help=f"how many containers -f may follow at once; {MOST_FOLLOWED} if left out",
    )


def run(arguments: argparse.Namespace) -> int:
    paths = runtime_paths.default()
    wanted = selection(arguments, time.time())
    streams = _streams(paths, arguments)
    for stream in streams:
        _rotate(stream)
    if arguments.follow and len(streams) > 1:
        _follow_together(streams, wanted, arguments)
        return 0
    for stream in streams:
        for text in _texts(stream, wanted, arguments):
            _write(text, arguments)
    return 0


def selection(arguments: argparse.Namespace, now: float) -> logs.Selection:
    """Return which lines are asked for. Raises Invalid for what is no duration or no time."""
    from manifests import durations

    since: float | None = None
    if arguments.since and arguments.since_time:
        raise Invalid("logs: --since and --since-time exclude each other")
    if arguments.since:
        since = now - durations.duration(arguments.since)
    if arguments.since_time:
        since = durations.moment(arguments.since_time)
    tail = arguments.tail
    if tail is None and arguments.selector:
        tail = LABELLED_TAIL
    return logs.Selection(tail=None if tail is None or tail < 0 else tail, since=since)


def _streams(paths: Paths, arguments: argparse.Namespace) -> list[Stream]:
    found = _pods(paths, arguments)
    prefixed = arguments.prefix or arguments.all_pods
    chosen = arguments.container or arguments.name
    streams: list[Stream] = []
    for one in found:
        pod = one.pod
        if pod.annotations.get(settings.LOG_DRIVER) == settings.NO_LOG:
            raise Invalid(
                f"pod {pod.name} keeps no logs: it was made with --log-driver none",
                hint="kube play it again without the flag",
            )
        names = (
            (*pod.init_containers, *pod.containers)
            if arguments.all_containers
            else (lookup.container(one, chosen),)
        )
        note = lookup.chosen_for_you(one, names[0], chosen)
        if note and not arguments.all_containers:
            print(note, file=sys.stderr)
        for name in names:
            streams.append(
                Stream(
                    uid=pod.uid,
                    pod=pod.name,
                    container=name,
                    directory=f"{paths.pod_logs(pod.namespace, pod.name, pod.uid)}/{name}",
                    target=oci.Container.of(paths, pod.uid, name),
                    prefix=f"[pod/{pod.name}/{name}] " if prefixed else "",
                )
            )
    if arguments.follow and len(streams) > arguments.max_log_requests:
        raise Invalid(
            f"logs: {len(streams)} containers are more than -f follows at once",
            hint=f"--max-log-requests={len(streams)}",
        )
    return streams


def _pods(paths: Paths, arguments: argparse.Namespace) -> tuple[Found, ...]:
    if bool(arguments.selector) == bool(arguments.pod):
        raise Invalid("logs: name either a pod or a selector (-l)", hint="podpy logs web")
    if not arguments.selector:
        named = lookup.pods(paths, arguments.pod, arguments.namespace)
        if arguments.all_pods:
            return named
        if len(named) > 1:
            print(f"Found {len(named)} pods, using pod/{named[0].pod.name}", file=sys.stderr)
        return named[:1]
    from podpy import selectors
    from runtime.observe import briefs

    wanted = selectors.parse(arguments.selector)
    place = arguments.namespace or lookup.DEFAULT_NAMESPACE
    found = [
        lookup.Found(pod=pod)
        for pod in briefs.read(paths)
        if pod.namespace == place and wanted.matches(pod.labels)
    ]
    if not found:
        print(f"No resources found in {place} namespace.", file=sys.stderr)
    return tuple(sorted(found, key=lambda one: one.pod.name))


def _rotate(stream: Stream) -> None:
    runs = logs.runs(stream.directory)
    if not runs:
        return
    from runtime.oci import rotation

    rotation.rotate(logs.path(stream.directory, runs[-1]), stream.target.bundle)


def _lines(
    stream: Stream, wanted: logs.Selection, arguments: argparse.Namespace
) -> Iterator[logs.Line]:
    runs = logs.runs(stream.directory)
    if arguments.previous:
        if len(runs) < 2:
            raise Invalid(
                f"container {stream.container} of pod {stream.pod}: "
                "there is no log of a run before this one"
            )
        return logs.read(logs.path(stream.directory, runs[-2]), wanted)
    if not runs:
        _refuse_waiting(stream, alone=not arguments.all_containers)
        return iter(())
    if arguments.follow:
        from runtime.oci import following

        return following.follow(stream.directory, runs[-1], wanted, alive=lambda: _goes_on(stream))
    return logs.read(logs.path(stream.directory, runs[-1]), wanted)


def _refuse_waiting(stream: Stream, *, alone: bool) -> None:
    """Raise Invalid for a container without any log: it has never started.

    Among `all` containers of a pod that begins such ones are passed over.
    """
    from podpy import status
    from podpy.context import Context
    from podpy.inventory import Inventory

    inventory = Inventory(Context())
    state = next((state for state in inventory.pods if state.uid == stream.uid), None)
    if state is None or not alone:
        return
    seen = status.summary(state, inventory.now)
    shown = next(one for one in (*seen.inits, *seen.mains) if one.name == stream.container)
    if shown.waiting:
        why = f"{shown.waiting}: {shown.message}" if shown.message else shown.waiting
        raise Invalid(
            f"container {stream.container} of pod {stream.pod} is waiting to start: {why}",
            hint=f"podpy describe pod {stream.pod}",
        )


def _goes_on(stream: Stream) -> bool:
    """Tell whether the container runs: kubectl's logs -f ends with the run that it follows."""
    return oci.state(stream.target) in (oci.State.RUNNING, oci.State.CREATED)


def _follow_together(
    streams: list[Stream], wanted: logs.Selection, arguments: argparse.Namespace
) -> None:
    """Print the lines of several containers as they come; ends when all of them have."""
    import queue
    import threading

    # This thread alone writes: it is the one that learns of Ctrl-C, and of a reader that stops.
    coming: queue.Queue[bytes | str | Exception | None] = queue.Queue(MOST_WAITING)

    def follow(stream: Stream) -> None:
        try:
            for text in _texts(stream, wanted, arguments):
                coming.put(text)
            coming.put(None)
        except Exception as error:  # noqa: BLE001 - raised again below, in the caller's thread
            coming.put(error)

    for stream in streams:
        threading.Thread(target=follow, args=(stream,), daemon=True).start()
    running = len(streams)
    while running:
        item = coming.get()
        if isinstance(item, Exception):
            raise item
        if item is None:
            running -= 1
        else:
            _write(item, arguments)


def _texts(
    stream: Stream, wanted: logs.Selection, arguments: argparse.Namespace
) -> Iterator[bytes | str]:
    """Yield what is printed of a container's lines, at most --limit-bytes, prefixes aside.

    Text is for standard error.
    """
    left = arguments.limit_bytes or sys.maxsize
    for line in _lines(stream, wanted, arguments):
        if line.after_loss:
            yield (
                f"podpy: container {stream.container} of pod {stream.pod}: lines are missing here: "
                "the log reached its size before they were read, and conmon started it afresh\n"
            )
        stamp = f"{line.time} " if arguments.timestamps else ""
        text = (stamp.encode() + line.text + b"\n")[:left]
        yield stream.prefix.encode() + text
        left -= len(text)
        if left <= 0:
            return


def _write(text: bytes | str, arguments: argparse.Namespace) -> None:
    if isinstance(text, str):
        print(text, end="", file=sys.stderr, flush=True)
        return
    sys.stdout.buffer.write(text)
    if arguments.follow:
        sys.stdout.buffer.flush()
