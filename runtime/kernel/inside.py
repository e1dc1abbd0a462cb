"""Run functions in a pod's namespaces: a thread that sits inside takes them, one after the other.

A namespace belongs to a thread, and what that starts is born inside. The namespaces are made, and
entered, by runtime.kernel.namespaces.
"""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec, Self, TypeVar

    P = ParamSpec("P")
    T = TypeVar("T")


class Inside:
    """A thread in a pod's namespaces; closed (left) at the end of a `with` block."""

    def __init__(self, pod_dir: str) -> None:
        self.pod_dir = pod_dir
        self._turn = threading.Lock()
        self._wake = threading.Lock()
        self._wake.acquire()
        self._task: _Task | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, daemon=True, name=pod_dir)
        self._thread.start()

    @property
    def thread(self) -> int:
        """The kernel's id of the thread: its namespaces are /proc/self/task/ID/ns."""
        return self._thread.native_id or 0

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` inside and return, or raise, what it does. Callers take turns."""
        task = _Task(lambda: function(*args, **kwargs))
        with self._turn:
            if self._closed:
                raise RuntimeError(f"{self.pod_dir}: used after it was closed")
            self._task = task
            self._wake.release()
            task.ended.acquire()
        if task.error is not None:
            raise task.error
        result: T = task.result
        return result

    def close(self) -> None:
        """Leave: the thread ends. The namespaces live on where they are pinned or in use."""
        with self._turn:
            if self._closed:
                return
            self._closed = True
            self._task = None
            self._wake.release()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _work(self) -> None:
        while True:
            self._wake.acquire()
            task = self._task
            if task is None:
                return
            task.run()


class _Task:
    """One call: its own `ended`, so that a caller interrupted by a signal spoils no later call."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.result: Any = None
        self.error: BaseException | None = None
        self.ended = threading.Lock()
        self.ended.acquire()

    def run(self) -> None:
        try:
            self.result = self.function()
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self.error = error
        self.ended.release()
