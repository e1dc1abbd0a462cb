"""Run functions in a few threads, and return what became of each, in order.

concurrent.futures would do it and costs 20 ms of start-up (it imports logging).
"""

from __future__ import annotations

import threading

from manifests.faults import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    T = TypeVar("T")


def run(tasks: Sequence[Callable[[], T]], width: int) -> list[T | Fault]:
    """Run all tasks, at most `width` at once; a Fault is returned in its task's place.

    Any other exception is a bug: the remaining tasks are not started, and it is raised again.
    """
    if len(tasks) == 1 or width == 1:
        return [_outcome(task) for task in tasks]
    results: dict[int, T | Fault] = {}
    turn = threading.Lock()
    waiting = iter(range(len(tasks)))
    broken: list[BaseException] = []

    def work() -> None:
        while True:
            with turn:
                index = next(waiting, None)
                if index is None or broken:
                    return
            try:
                results[index] = _outcome(tasks[index])
            except BaseException as error:  # noqa: BLE001 - raised again by the caller
                broken.append(error)
                return

    threads = [threading.Thread(target=work) for _ in range(min(width, len(tasks)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    return [results[index] for index in range(len(tasks))]


def _outcome(task: Callable[[], T]) -> T | Fault:
    try:
        return task()
    except Fault as fault:
        return fault
