"""The sections that are systemd's own: [Unit], [Service] and [Install] of a unit of containers.

What orders units becomes podpy.dev/depends-on, what restarts them a restart policy. Settings of
the service that Podman's command runs in (deadlines, the way it tells that it is up) have nothing
to be settings of here, and are passed over.
"""

from __future__ import annotations

import os

from manifests.quadlet import durations
from manifests.quadlet.remarks import Grade
from manifests.sources import UNIT_SUFFIXES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.quadlet.pods import PodDraft
    from manifests.quadlet.reader import Reader
    from manifests.quadlet.syntax import Entry
    from manifests.quadlet.units import Unit, Units

ALWAYS, ON_FAILURE, NEVER = "Always", "OnFailure", "Never"
_RESTARTS = {
    "always": ALWAYS,
    "no": NEVER,
    "": NEVER,
    "on-failure": ON_FAILURE,
    "on-abnormal": ON_FAILURE,
    "on-abort": ON_FAILURE,
    "on-watchdog": ON_FAILURE,
}
_STRENGTH = (NEVER, ON_FAILURE, ALWAYS)
_SUPERVISED = frozenset(
    {
        *("Delegate", "Environment", "ExecReload", "KillMode", "NotifyAccess", "PIDFile"),
        *("RemainAfterExit", "Restart", "RestartMaxDelaySec", "RestartSec", "RestartSteps"),
        *("RuntimeMaxSec", "SyslogIdentifier", "TimeoutSec", "TimeoutStartSec"),
        *("TimeoutStopSec", "Type", "WorkingDirectory"),
    }
)
_STARTS = 5
"""How often systemd starts a unit that fails at once, unless it is told otherwise."""
COMMANDS = frozenset({"ExecStartPre", "ExecStartPost", "ExecStop", "ExecStopPost"})
"""What manifests.quadlet.handlers looks at."""
_NEEDS = ("Requires", "BindsTo", "Requisite")
_ORDERS = ("After", "Before", "Wants", "PartOf", "Upholds", "PropagatesStopTo")
_WORDS = frozenset(
    {
        *("Description", "Documentation", "SourcePath", "StartLimitBurst"),
        *("StartLimitIntervalSec", "StartLimitInterval", "DefaultDependencies"),
        *("StopWhenUnneeded", "RequiresMountsFor", "JobTimeoutSec"),
    }
)
_INSTALL = frozenset({"WantedBy", "RequiredBy", "UpheldBy", "Alias", "Also", "DefaultInstance"})
_MARKS = "/podpy-rendered/"
"""Where `podpy render quadlet` has units of Jobs keep that they are done."""
# What podpy finds there whenever it runs.
_ALWAYS_THERE = (".target", ".slice", ".mount")


def judge(reader: Reader, units: Units) -> None:
    """Say what there is to say about the keys of systemd's sections."""
    for entry in reader.unit.entries:
        if entry.section == "Unit" and entry.key:
            _judge_unit(reader, units, entry)
        elif entry.section == "Service" and entry.key:
            if entry.key in ("User", "Group", "DynamicUser"):
                reader.say(entry, "is not supported, by Podman either: write it into its section")
            elif entry.key not in (*_SUPERVISED, *COMMANDS) and entry.value:
                reader.say(entry, "is not supported: there is no service that it would be of")
        elif entry.section == "Install" and entry.key and entry.key not in _INSTALL:
            reader.say(entry, "means nothing here", Grade.TOLD)


def _judge_unit(reader: Reader, units: Units, entry: Entry) -> None:
    if entry.key in _WORDS or not entry.value or _MARKS in entry.value:
        return
    if entry.key not in (*_NEEDS, *_ORDERS):
        reader.say(entry, "is not supported: podpy does not ask it")
        return
    for name in entry.value.split():
        if name.endswith(UNIT_SUFFIXES):
            if units.find(name, reader.unit) is None:
                reader.say(entry, f"{name} is not among the units", Grade.WRONG)
        elif not name.endswith(_ALWAYS_THERE) and _of_service(units, name) is None:
            if entry.key in _NEEDS:
                reader.say(entry, f"is not supported: podpy does not start {name}")
            else:
                reader.say(entry, f"podpy does not wait for {name}", Grade.TOLD)


def _of_service(units: Units, name: str) -> Unit | None:
    stem, suffix = os.path.splitext(name)
    if suffix != ".service":
        return None
    return next((one for one in units.by_name.values() if one.service == stem), None)


def ordered(reader: Reader, units: Units, key: str) -> list[tuple[Unit, Entry]]:
    """Return the units that After= or Before= names."""
    found = []
    for entry in reader.unit.every(key, "Unit"):
        for name in entry.value.split():
            unit = units.find(name, reader.unit) if name.endswith(UNIT_SUFFIXES) else None
            unit = unit or _of_service(units, name)
            if unit is not None:
                found.append((unit, entry))
    return found


def done_mark(unit: Unit) -> tuple[str, Entry] | None:
    """Return the name of the Job that a rendered unit says it has done, and where it says so."""
    entry = unit.last("ConditionPathExists", "Unit")
    if entry is None or _MARKS not in entry.value:
        return None
    return entry.value.rpartition("/")[2].rpartition(".")[0], entry


def required(unit: Unit, units: Units) -> list[Unit]:
    """Return the units without which a unit does not start."""
    names = [name for entry in unit.every("Requires", "Unit") for name in entry.value.split()]
    found = [_of_service(units, name) for name in names]
    return [one for one in found if one is not None]


def once(unit: Unit) -> bool:
    """Tell whether what a unit runs comes to an end that others wait for."""
    kind = unit.last("Type", "Service")
    return kind is not None and kind.value == "oneshot"


def restart(reader: Reader) -> tuple[str, Entry | None]:
    """Return the restart policy that a unit asks for, and where."""
    entry = reader.unit.last("Restart", "Service")
    if entry is None:
        return NEVER, None
    if entry.value not in _RESTARTS:
        known = ", ".join(filter(None, _RESTARTS))
        if entry.value == "on-success":
            reader.say(entry, "is not supported: what succeeds is not run again but with always")
        else:
            reader.say(entry, f'"{entry.value}" must be one of {known}', Grade.WRONG)
    return _RESTARTS.get(entry.value, NEVER), entry


def put_restart(pod: PodDraft, readers: list[Reader], own: Reader | None) -> None:
    """Give a pod the restart policy of its containers: of several the one that restarts most."""
    asked = [(reader, *restart(reader)) for reader in readers]
    explicit = any(where is not None for _, _, where in asked)
    policy, entry = NEVER, None
    for _, wanted, where in asked:
        if _STRENGTH.index(wanted) >= _STRENGTH.index(policy):
            policy, entry = wanted, where or entry
    for reader, wanted, where in asked:
        if wanted != policy:
            message = f"the pod's {policy} holds for all its containers"
            reader.say(where or reader.unit.top, f"is not supported here: {message}")
    if own is not None and policy == NEVER and not explicit:
        # Podman restarts the service of a pod, unless told otherwise.
        policy, entry = restart(own)
        policy = ON_FAILURE if entry is None else policy
    pod.put(("spec", "restartPolicy"), policy, entry or pod.top)


def retries(reader: Reader) -> tuple[int, Entry] | None:
    """Return how often what a oneshot unit runs is tried again; None where it is not."""
    if restart(reader)[0] == NEVER:
        return None
    given = reader.unit.last("StartLimitBurst", "Unit")
    if given is not None and given.value.isdigit():
        return max(int(given.value) - 1, 0), given
    entry = reader.unit.last("Restart", "Service") or reader.unit.top
    return _STARTS - 1, entry


def deadline(reader: Reader, pod: PodDraft) -> None:
    """Read RuntimeMaxSec=: after that the pod is over."""
    entry = reader.unit.last("RuntimeMaxSec", "Service")
    if entry is None or entry.value in ("", "infinity"):
        return
    try:
        found = int(durations.seconds(entry.value))
        pod.put(("spec", "activeDeadlineSeconds"), found, entry)
    except ValueError as error:
        reader.say(entry, str(error), Grade.WRONG)
