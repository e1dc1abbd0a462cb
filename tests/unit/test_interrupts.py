"""Signals are heard by the threads that work, whatever the main thread does."""

from __future__ import annotations

import subprocess
import sys

DEAF = """
import os, signal, threading, time
from runtime import interrupts

heard = []
ready = threading.Event()

def work():
    ready.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    deadline = time.monotonic() + 20
    while not heard and time.monotonic() < deadline:
        try:
            interrupts.check("layer")
            time.sleep(0.01)
        except interrupts.Interrupted as fault:
            heard.append(str(fault))

with interrupts.noticed():
    thread = threading.Thread(target=work)
    thread.start()
    # The signal comes to the other thread, so it does not end this one's wait for a lock.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    ready.set()
    thread.join()
print(*heard, interrupts.noted() == signal.SIGTERM)
"""

TWICE = """
import os, signal, time
from runtime import interrupts

with interrupts.noticed():
    os.kill(os.getpid(), signal.SIGTERM)
    print(interrupts.noted() == signal.SIGTERM, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(20)
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_thread_hears_of_a_signal_while_the_main_thread_sleeps_in_a_lock() -> None:
    done = run(DEAF)

    assert done.stdout == "layer: interrupted by SIGTERM True\n", done.stderr
    assert done.stderr.count("Interrupted: ending") == 1


def test_the_second_signal_ends_the_process_at_once() -> None:
    done = run(TWICE)

    assert done.stdout == "True\n"
    assert done.returncode == -15
