"""runtime.kernel.inside: a thread that runs what it is given, and tells what came of it."""

from __future__ import annotations

import os
import threading

import pytest

from runtime.kernel.inside import Inside


def test_a_result_and_an_error_come_back_from_one_thread() -> None:
    with Inside("pod") as inside:
        assert inside.call(threading.get_native_id) == inside.thread != threading.get_native_id()
        assert inside.call(max, 1, 2) == 2
        with pytest.raises(FileNotFoundError):
            inside.call(os.stat, "/no/such/file")
        assert inside.call(threading.get_native_id) == inside.thread


def test_it_is_not_used_after_it_was_closed() -> None:
    inside = Inside("pod")
    inside.close()
    inside.close()

    with pytest.raises(RuntimeError, match="pod: used after it was closed"):
        inside.call(os.getpid)
