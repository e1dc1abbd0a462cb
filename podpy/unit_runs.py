"""Do what a unit of systemd's is for: a verb and the file beside the unit in, its exit status out.

start FILE [ALIAS ...]               make the pod; tried again until it works, unless FILE is wrong
run FILE CONTAINER                   start the container, and hand the service over to its conmon
complete FILE CONTAINER [RETRIES]    run it to its end, again where it fails, at most so many times
stop FILE CONTAINER                  stop it as its pod says
remove FILE                          remove the pod

renderers.systemd_units writes these words; journald keeps what is printed.
"""

from __future__ import annotations

import os
import sys

from manifests import kinds, load
from manifests.faults import Fault, Invalid
from podpy.context import Context
from reconciler import units
from reconciler.agent import service
from reconciler.workloads import lifecycle
from runtime import interrupts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from manifests.kinds import Object
    from manifests.ref import Ref

SECRETS = ".secret"
"""Stands before the .yaml of the file that has the Secrets of another."""


def secret_file(file: str) -> str:
    """Return the file with the Secrets of the objects in `file`."""
    stem, dot, ending = file.rpartition(".")
    return f"{stem}{SECRETS}{dot}{ending}"


def run(verb: str, words: Sequence[str]) -> int:
    """Do it. Raises Fault where it cannot be done."""
    verbs: dict[str, Callable[..., int]] = {
        "start": _start,
        "run": _run,
        "complete": _complete,
        "stop": _stop,
        "remove": _remove,
    }
    if verb not in verbs or not words:
        raise Invalid(f"internal unit {verb}: no such verb", hint="podpy render systemd again")
    with interrupts.noticed():
        return verbs[verb](*words)


def _start(file: str, *aliases: str) -> int:
    objects = _objects(file)
    failures = 0
    while True:
        try:
            units.start(Context().host, objects, aliases)
        except (Invalid, interrupts.Interrupted):
            raise
        except Fault as fault:
            failures += 1
            _put_off(fault, lifecycle.retry_delay(failures))
        else:
            return 0


def _put_off(reason: object, delay: float) -> None:
    text = f"{reason}; next try in {delay:g} s"
    print(text, file=sys.stderr, flush=True)
    service.tell(f"STATUS={text}")
    interrupts.sleep(delay)


def _run(file: str, name: str) -> int:
    objects, context = _objects(file), Context()
    units.run(context.host, objects, name, units.move_into_unit(context.base))
    ref = _ref(objects)
    conmon = units.conmon_of(context.base, ref, name)
    if conmon is not None:
        service.tell(f"MAINPID={conmon}", "READY=1")
        if units.conmon_of(context.base, ref, name) is not None:
            return 0
    else:
        service.tell("READY=1")
    # It was faster: systemd has this process's end, which is to tell the same.
    return units.wait(context.base, ref, name)


def _complete(file: str, name: str, retries: str = "") -> int:
    objects, context, failures = _objects(file), Context(), 0
    cgroup = units.move_into_unit(context.base)
    while True:
        try:
            units.run(context.host, objects, name, cgroup)
            code = units.wait(context.base, _ref(objects), name)
            reason = f"container {name} ended with exit code {code}"
        except (Invalid, interrupts.Interrupted):
            raise
        except Fault as fault:
            code, reason = 1, str(fault)
        if not code:
            return 0
        if str(failures) == retries:
            print(reason, file=sys.stderr)
            return code
        failures += 1
        _put_off(reason, lifecycle.retry_delay(failures))


def _stop(file: str, name: str) -> int:
    units.stop(Context().base, _ref(_objects(file)), name)
    return 0


def _remove(file: str) -> int:
    units.remove(Context().host, _ref(_objects(file)))
    return 0


def _ref(objects: Sequence[Object]) -> Ref:
    return kinds.ref(units.pod_of(objects))


def _objects(file: str) -> tuple[Object, ...]:
    """Return what the file holds, and the Secrets of the file beside it."""
    secrets = secret_file(file)
    loaded = load.load([file, secrets] if os.path.exists(secrets) else [file], load.APPLY)
    if loaded.errors:
        told = "\n".join(problem.shown for problem in loaded.errors)
        raise Invalid(told, hint="podpy render systemd again")
    return tuple(located.object for located in loaded.objects)
