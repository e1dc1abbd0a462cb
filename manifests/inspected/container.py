"""What one container runs and how: facts in, the container of a Pod out.

Mounts are manifests.inspected.mounts, what is of the whole pod manifests.inspected.pod.
"""

from __future__ import annotations

from manifests import podman_limits
from manifests.inspected import confinement, mounts, secrets
from manifests.inspected.draft import put
from manifests.quadlet import durations, health
from manifests.quadlet.container import signal_name
from manifests.quadlet.drafting import label, literal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.inspected.draft import Draft
    from manifests.inspected.facts import Facts

_INIT = ("/run/podman-init", "/dev/init", "--")
_PODMANS = ("container", "TERM", "HOSTNAME")
"""Variables that Podman gives each container."""
_NANO = 1_000_000_000
_PIDS = 2048
_NO_LIMITS = {"RLIMIT_NOFILE", "RLIMIT_NPROC"}
_OWN_LIMITS = (2**20, 2**22)
"""Podman's own for these two, as podpy's, unless somebody sets others."""


def convert(draft: Draft, facts: Facts, name: str) -> dict[str, Any]:
    """Return the container; what is lost of it, and what it wants of its pod, goes to the draft."""
    made: dict[str, Any] = {"name": name, "image": image_name(facts)}
    made["imagePullPolicy"] = "IfNotPresent"
    _command(facts, made)
    if (given := facts.text("Config.WorkingDir")) != (facts.image.get("WorkingDir") or "/"):
        made["workingDir"] = given
    _environment(draft, facts, made)
    _terminal(facts, made)
    _resources(draft, facts, made)
    confinement.read(draft, facts, made)
    _probe(draft, facts, made)
    _stopping(facts, made)
    mounts.read(draft, facts, made)
    secrets.read(draft, facts, made)
    return made


def image_name(facts: Facts) -> str:
    """Return what the manifest calls the image: its name, or one of its id where it has none."""
    name, number = facts.text("ImageName"), facts.text("Image")
    if not name or name == number or name.startswith("sha256:") or number.startswith(name):
        return f"localhost/podman-image:{number[:12]}"
    return name


def _command(facts: Facts, made: dict[str, Any]) -> None:
    """Write entry point and arguments, where they are others than the image's."""
    words = [facts.text("Path"), *facts.listed("Args")]
    if words[0] in _INIT:
        words = [word for index, word in enumerate(words) if index > 1 or word not in _INIT]
    entry, default = _words(facts.image, "Entrypoint"), _words(facts.image, "Cmd")
    if words == [*entry, *default]:
        return
    rest = words[len(entry) :]
    if entry and rest and words[: len(entry)] == entry:
        made["args"] = [literal(word) for word in rest]
        return
    made["command"] = [literal(words[0])]
    if words[1:]:
        made["args"] = [literal(word) for word in words[1:]]


def _words(image: Any, key: str) -> list[str]:
    found = image.get(key)
    return list(found) if isinstance(found, list) else []


def _environment(draft: Draft, facts: Facts, made: dict[str, Any]) -> None:
    of_image = dict(_pairs(facts.image.get("Env")))
    found = []
    known = {word for one in secrets.of(facts) if one.env for word in (one.secret, one.env)}
    for name, value in _pairs(facts.at("Config.Env")):
        if value == secrets.MASKED:
            if name not in known:
                why = f"{name}: Podman does not tell the secret that it is"
                draft.lose(facts.name, "Config.Env", why, fatal=True)
            continue
        if of_image.get(name) == value or name in _PODMANS or (name == "HOME" and value == "/root"):
            continue
        found.append({"name": name, "value": literal(value)})
    if found:
        made["env"] = found


def _pairs(words: object) -> list[tuple[str, str]]:
    listed = words if isinstance(words, list) else []
    parted = [word.partition("=") for word in listed]
    return [(name, value) for name, _, value in parted]


def _terminal(facts: Facts, made: dict[str, Any]) -> None:
    for path, field in (("Config.Tty", "tty"), ("Config.OpenStdin", "stdin")):
        if facts.at(path):
            made[field] = True


def _resources(draft: Draft, facts: Facts, made: dict[str, Any]) -> None:
    if memory := facts.number("HostConfig.Memory"):
        put(made, "resources.limits.memory", durations.amount(memory))
    if reserved := facts.number("HostConfig.MemoryReservation"):
        put(made, "resources.requests.memory", durations.amount(reserved))
    quota, period = facts.number("HostConfig.CpuQuota"), facts.number("HostConfig.CpuPeriod")
    nano = facts.number("HostConfig.NanoCpus")
    if not nano and quota > 0 and period > 0:
        nano = quota * _NANO // period
    if nano:
        put(made, "resources.limits.cpu", f"{nano * 1000 // _NANO}m")
    if shares := facts.number("HostConfig.CpuShares"):
        put(made, "resources.requests.cpu", f"{-(-shares * 1000 // 1024)}m")
    swap = facts.number("HostConfig.MemorySwap")
    if swap not in (0, -1, memory, 2 * memory):
        draft.lose(facts.name, "HostConfig.MemorySwap", f"{swap}: swap has no limit of its own")
    front, name = podman_limits.PREFIX, made["name"]
    for path, key in (
        ("HostConfig.CpusetCpus", podman_limits.CPUS),
        ("HostConfig.CpusetMems", podman_limits.NODES),
    ):
        if value := facts.text(path):
            draft.annotations[f"{front}{key}/{name}"] = value
    pids = facts.number("HostConfig.PidsLimit")
    if pids > 0 and pids != _PIDS:
        draft.annotations[f"{front}{podman_limits.PIDS}/{name}"] = str(pids)
    _ulimits(draft, facts)


def _ulimits(draft: Draft, facts: Facts) -> None:
    """Write the limits that somebody has set; the annotation is one for all of the pod."""
    key = f"{podman_limits.PREFIX}{podman_limits.ULIMIT}"
    words = []
    for one in facts.listed("HostConfig.Ulimits"):
        name, soft, hard = one["Name"], one["Soft"], one["Hard"]
        if name in _NO_LIMITS and {soft, hard} <= set(_OWN_LIMITS):
            continue
        words.append(f"{name.removeprefix('RLIMIT_').lower()}={soft}:{hard}")
    text = ",".join(sorted(words))
    if not text:
        return
    there = draft.annotations.setdefault(key, text)
    if there != text:
        draft.lose(facts.name, "HostConfig.Ulimits", f"{text}: all of the pod have {there}")


def _probe(draft: Draft, facts: Facts, made: dict[str, Any]) -> None:
    """Write the health check: a liveness probe where Podman acts on it, else one of readiness."""
    check = facts.mapping("Config.Healthcheck")
    test = check.get("Test") or []
    words = health.words_of([str(word) for word in test])
    if not words:
        return
    raw: dict[str, Any] = {"exec": {"command": [literal(word) for word in words]}}
    interval = check.get("Interval") or 0
    if not interval:
        why = "0: podpy asks by itself, every 30 seconds"
        draft.lose(facts.name, "Config.Healthcheck.Interval", why)
    raw["periodSeconds"] = _seconds(interval) or 30
    raw["timeoutSeconds"] = _seconds(check.get("Timeout") or 0) or 30
    raw["failureThreshold"] = max(check.get("Retries") or 3, 1)
    if delay := _seconds(check.get("StartPeriod") or 0):
        raw["initialDelaySeconds"] = delay
    acts = facts.text("Config.HealthcheckOnFailureAction") in ("kill", "stop", "restart")
    made["livenessProbe" if acts else "readinessProbe"] = raw
    if facts.at("Config.StartupHealthCheck"):
        draft.lose(facts.name, "Config.StartupHealthCheck", "write a startupProbe")


def _seconds(nanoseconds: int) -> int:
    return -(-nanoseconds // _NANO)


def _stopping(facts: Facts, made: dict[str, Any]) -> None:
    given = facts.at("Config.StopSignal")
    signal = signal_name(str(given)) if given else "SIGTERM"
    of_image = facts.image.get("StopSignal")
    default = signal_name(str(of_image)) if of_image else "SIGTERM"
    if signal != default:
        put(made, "lifecycle.stopSignal", signal)


def container_name(pod: str, name: str) -> str:
    """Return what a container of a pod is called in it: Podman puts the pod's name before it."""
    return label(name.removeprefix(f"{pod}-")) or label(name) or "main"
