"""The keys of [Container] that describe one container: a unit in, a container of a pod out.

What describes the pod as a whole is manifests.quadlet.pods; files and directories are
manifests.quadlet.mounts, health checks manifests.quadlet.health.
"""

from __future__ import annotations

import json

from manifests import podman_limits, publishing, settings
from manifests.quadlet import durations, environment, health, mounts, tables
from manifests.quadlet.drafting import literal
from manifests.quadlet.pods import label
from manifests.quadlet.remarks import Grade
from manifests.quadlet.tables import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.problems import FieldPath
    from manifests.quadlet.pods import PodDraft
    from manifests.quadlet.reader import Read, Reader

_OWN = (
    *("AddCapability", "Annotation", "AppArmor", "ContainerName", "DropCapability", "Entrypoint"),
    *("Environment", "EnvironmentFile", "Exec", "ExposeHostPort", "Group", "GroupAdd"),
    *("HealthCmd", "HealthInterval", "HealthOnFailure", "HealthRetries", "HealthStartPeriod"),
    *("HealthStartupCmd", "HealthStartupInterval", "HealthStartupRetries"),
    *("HealthStartupSuccess", "HealthStartupTimeout", "HealthTimeout", "Image", "Label"),
    *("LogDriver", "LogOpt", "Memory", "Mount", "NoNewPrivileges", "Notify", "PidsLimit", "Pod"),
    *("PodmanArgs", "Pull", "ReadOnly", "ReadOnlyTmpfs", "ReloadCmd", "ReloadSignal", "Rootfs"),
    *("SeccompProfile", "Secret", "SecurityLabelLevel", "SecurityLabelType", "ServiceName"),
    *("ShmSize", "StartWithPod", "StopSignal", "StopTimeout", "Sysctl", "Timezone", "Tmpfs"),
    *("Ulimit", "Unmask", "User", "VolatileTmp", "Volume", "WorkingDir"),
)
POD_KEYS = (
    *("AddHost", "DNS", "DNSOption", "DNSSearch", "HostName", "IP", "IP6", "Network"),
    *("NetworkAlias", "PublishPort"),
)
"""What a container that is in a pod leaves to the .pod file."""

TABLE = Table(
    honoured=frozenset({*_OWN, *POD_KEYS}),
    unsupported={
        **tables.NAMESPACES,
        **tables.ARGUMENTS,
        "AddDevice": "podpy gives no devices yet",
        "CgroupsMode": "podpy makes the cgroups itself",
        "EnvironmentHost": "the environment of podpy is not the container's",
        "HttpProxy": "the environment of podpy is not the container's",
        "Mask": "no further paths are hidden",
        "RunInit": "the first process of the container is its own",
        "SecurityLabelFileType": "podpy labels no files",
        "SecurityLabelNested": "podpy labels no files",
    },
    told={
        "AutoUpdate": "images change when the manifest does",
        "HealthLogDestination": "results of probes are events",
        "HealthMaxLogCount": "results of probes are events",
        "HealthMaxLogSize": "results of probes are events",
        "Retry": "podpy tries again by itself",
        "RetryDelay": "podpy tries again by itself",
        "SecurityLabelDisable": "podpy labels no files",
    },
    harmless={
        "CgroupsMode": ("enabled", "split"),
        **dict.fromkeys(("EnvironmentHost", "HttpProxy", "RunInit"), ("false", "no", "0", "off")),
        **dict.fromkeys(
            ("SecurityLabelNested", "SecurityLabelDisable"), ("false", "no", "0", "off")
        ),
        "UserNS": ("host",),
    },
)
_PULLS = {
    "always": "Always",
    "never": "Never",
    "newer": "Newer",
    "missing": "IfNotPresent",
    "": "IfNotPresent",
}
_LOG_DRIVERS = {"k8s-file": settings.K8S_FILE, "json-file": settings.K8S_FILE, "none": "none"}
_SECURITY = "securityContext"


def read(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    """Read what a unit says of its container, into the container at `where` of the pod."""
    tables.judge(reader, TABLE)
    tables.check_mappings(reader)
    _image(reader, pod, where)
    _command(reader, pod, where)
    environment.read(reader, pod, where)
    _metadata(reader, pod)
    _limits(reader, pod, where)
    _user(reader, pod, where)
    _terminal(reader, pod, where)
    _capabilities(reader, pod, where)
    _confinement(reader, pod, where)
    mounts.read(reader, pod, where)
    health.read(reader, pod, where)
    _stopping(reader, pod, where)
    logs(reader, pod)
    _expose(reader, pod, where)


def _image(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    """Read Image= and Pull=."""
    from manifests.quadlet import images

    image, rootfs = reader.text("Image"), reader.text("Rootfs")
    if rootfs is not None:
        if image is not None:
            reader.say(rootfs.entry, "cannot stand beside Image", Grade.WRONG)
        else:
            reader.say(rootfs.entry, "is not supported, so nothing is made: write an Image")
            pod.left_out = True
        return
    if image is None:
        reader.say(reader.unit.last("Image") or reader.unit.top, "Image is required", Grade.WRONG)
        return
    images.use(reader, pod, where, image)
    pull = reader.text("Pull")
    if pull is not None and pull.value not in _PULLS:
        known = ", ".join(filter(None, _PULLS))
        reader.say(pull.entry, f'"{pull.value}" must be one of {known}', Grade.WRONG)
    elif pull is not None:
        pod.put((*where, "imagePullPolicy"), _PULLS[pull.value], pull.entry)
    elif pod.at((*where, "imagePullPolicy")) is None:
        # Else Kubernetes would ask for :latest each time; Podman does not.
        pod.put((*where, "imagePullPolicy"), "IfNotPresent", image.entry)


def _command(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    words = reader.last_words("Exec")
    entry = reader.unit.last("Entrypoint")
    point = reader.text("Entrypoint")
    arguments = [literal(word.value) for word in words]
    if point is not None:
        pod.put((*where, "command"), [literal(one) for one in _entrypoint(point)], point.entry)
    elif entry is not None and not entry.value and arguments:
        # Taken from the image is nothing then: the first word is the program.
        pod.put((*where, "command"), arguments, words[0].entry)
        arguments = []
    elif entry is not None and not entry.value:
        reader.say(entry, "is not supported: nothing would be left to run but the image's words")
    if arguments:
        pod.put((*where, "args"), arguments, words[0].entry)
    directory = reader.text("WorkingDir")
    if directory is not None:
        pod.put((*where, "workingDir"), directory.value, directory.entry)


def _entrypoint(point: Read) -> list[str]:
    """Return the words of an entry point: a list in JSON, or one word."""
    try:
        found = json.loads(point.value)
    except ValueError:
        found = None
    if isinstance(found, list) and all(isinstance(one, str) for one in found):
        return found
    return [point.value]


def _metadata(reader: Reader, pod: PodDraft) -> None:
    for name, one in reader.pairs("Annotation").items():
        pod.annotate(name, one)
    if reader.text("Pod") is not None:
        for name, one in reader.pairs("Label").items():
            label(reader, pod, name, one)


def _limits(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    name = pod.at((*where, "name"))
    memory = reader.text("Memory")
    if memory is not None:
        try:
            amount = durations.amount(durations.size(memory.value))
            pod.put((*where, "resources", "limits", "memory"), amount, memory.entry)
        except ValueError as error:
            reader.say(memory.entry, str(error), Grade.WRONG)
    _processor(reader, pod, where)
    pids = reader.text("PidsLimit")
    if pids is not None:
        pod.annotate(f"{podman_limits.PREFIX}{podman_limits.PIDS}/{name}", pids)
    limits = [one for one in reader.whole("Ulimit") if one.value]
    if limits:
        entry = limits[-1].entry
        text = ",".join(one.value for one in limits)
        key = f"{podman_limits.PREFIX}{podman_limits.ULIMIT}"
        pod.put(("metadata", "annotations", key), text, entry)
        if len(pod.at(("spec", "containers")) or ()) > 1:
            reader.say(entry, "holds for all containers of the pod", Grade.TOLD)


def _processor(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    """Read the flags that limit the processor: Podman has no keys for them."""
    cpus, quota, period = (reader.text(key) for key in ("--cpus", "--cpu-quota", "--cpu-period"))
    shares = reader.text("--cpu-shares")
    try:
        if cpus is not None:
            milli = round(float(cpus.value) * 1000)
            pod.put((*where, "resources", "limits", "cpu"), f"{milli}m", cpus.entry)
        elif quota is not None:
            span = int(period.value) if period is not None else 100_000
            milli = round(int(quota.value) * 1000 / span)
            pod.put((*where, "resources", "limits", "cpu"), f"{milli}m", quota.entry)
        if shares is not None:
            milli = -(-int(shares.value) * 1000 // 1024)
            pod.put((*where, "resources", "requests", "cpu"), f"{milli}m", shares.entry)
    except (ValueError, ZeroDivisionError):
        entry = next(one for one in (cpus, quota, shares) if one is not None).entry
        reader.say(entry, "the amounts of its flags for processors are no numbers", Grade.WRONG)


def _user(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    user, group = reader.text("User"), reader.text("Group")
    if group is not None and user is None:
        reader.say(group.entry, "needs User", Grade.WRONG)
    if user is not None:
        name, _, its = user.value.partition(":")
        _id(reader, pod, (*where, _SECURITY, "runAsUser"), user.replace(value=name))
        if its and group is None:
            group = user.replace(value=its)
        if group is not None:
            _id(reader, pod, (*where, _SECURITY, "runAsGroup"), group)
    for extra in reader.whole("GroupAdd"):
        if extra.value.isdigit():
            pod.add(("spec", _SECURITY, "supplementalGroups"), int(extra.value), extra.entry)
        else:
            reader.say(extra.entry, f'is not supported: "{extra.value}" is no number')


def _id(reader: Reader, pod: PodDraft, path: FieldPath, read: Read) -> None:
    if read.value.isdigit():
        pod.put(path, int(read.value), read.entry)
    else:
        reader.say(read.entry, f'is not supported: "{read.value}" is no number; write its number')


def _terminal(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    """Read the flags for which Podman has no keys: of standard input, and of the host's spaces."""
    for key, field in (("--tty", "tty"), ("--interactive", "stdin")):
        flag = reader.flag(key)
        if flag is not None and flag.value:
            pod.put((*where, field), True, flag.entry)
    for key, field in (("--pid", "hostPID"), ("--ipc", "hostIPC")):
        mode = reader.text(key)
        if mode is not None and mode.value == "host":
            pod.put(("spec", field), True, mode.entry)
        elif mode is not None and mode.value != "private":
            reader.say(mode.entry, f"is not supported: {key}={mode.value}")


def _capabilities(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    for key, field in (("AddCapability", "add"), ("DropCapability", "drop")):
        for one in reader.listed(key):
            name = one.value.upper().removeprefix("CAP_")
            pod.add((*where, _SECURITY, "capabilities", field), name, one.entry)
    for key, field, value in (
        ("NoNewPrivileges", "allowPrivilegeEscalation", False),
        ("--privileged", "privileged", True),
        ("ReadOnly", "readOnlyRootFilesystem", True),
    ):
        flag = reader.flag(key)
        if flag is not None and flag.value:
            pod.put((*where, _SECURITY, field), value, flag.entry)


def _confinement(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    for key, field, root in (
        ("SeccompProfile", "seccompProfile", "/var/lib/kubelet/seccomp/"),
        ("AppArmor", "appArmorProfile", ""),
    ):
        profile = reader.text(key)
        if profile is None:
            continue
        if profile.value == "unconfined":
            pod.put((*where, _SECURITY, field), {"type": "Unconfined"}, profile.entry)
        elif profile.value.startswith(root):
            named = {"type": "Localhost", "localhostProfile": profile.value.removeprefix(root)}
            pod.put((*where, _SECURITY, field), named, profile.entry)
        else:
            reader.say(profile.entry, f"is not supported: profiles are files below {root}")
    for key, field in (("SecurityLabelType", "type"), ("SecurityLabelLevel", "level")):
        one = reader.text(key)
        if one is not None:
            pod.put((*where, _SECURITY, "seLinuxOptions", field), one.value, one.entry)
    for one in reader.words("Unmask"):
        if one.value == "ALL":
            pod.put((*where, _SECURITY, "procMount"), "Unmasked", one.entry)
        else:
            reader.say(one.entry, f"is not supported: {one.value}; there is ALL")
    for one in reader.listed("Sysctl"):
        name, _, value = one.value.partition("=")
        sysctls = ("spec", _SECURITY, "sysctls")
        pod.add(sysctls, {"name": name, "value": value}, one.entry)


def _stopping(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    signal = reader.text("StopSignal")
    if signal is not None:
        pod.put((*where, "lifecycle", "stopSignal"), signal_name(signal.value), signal.entry)
    command, word = reader.unit.last("ReloadCmd"), reader.unit.last("ReloadSignal")
    if command and command.value and word and word.value:
        reader.say(word, "cannot stand beside ReloadCmd", Grade.WRONG)
    for entry in (command, word):
        if entry is not None and entry.value:
            reader.say(entry, "is not supported: what runs is not told to read again")
    reader.last_words("ReloadCmd")


def signal_name(text: str) -> str:
    """Write a signal as Kubernetes does: SIGTERM for TERM and 15."""
    if text.isdigit():
        import signal

        return signal.Signals(int(text)).name if int(text) in set(signal.Signals) else text
    upper = text.upper()
    return upper if upper.startswith("SIG") else f"SIG{upper}"


def logs(reader: Reader, pod: PodDraft) -> None:
    """Read LogDriver= and LogOpt=: what becomes of the containers' output."""
    driver = reader.text("LogDriver")
    if driver is not None:
        known = _LOG_DRIVERS.get(driver.value)
        if known is None:
            message = f"{driver.value}: podpy logs reads files, one a container"
            reader.say(driver.entry, f"is not supported: {message}")
        else:
            pod.annotate(settings.LOG_DRIVER, driver.replace(value=known))
    for option in reader.whole("LogOpt"):
        name, _, value = option.value.partition("=")
        if name == "max-size":
            pod.annotate(settings.LOG_SIZE, option.replace(value=value))
        else:
            reader.say(option.entry, f"is not supported: {name}")


def _expose(reader: Reader, pod: PodDraft, where: FieldPath) -> None:
    for one in reader.whole("ExposeHostPort"):
        number, _, protocol = one.value.strip().partition("/")
        try:
            found = publishing.numbers(number)
        except ValueError:
            reader.say(one.entry, f'"{one.value}" is no port, as 80 or 8000-8010/udp', Grade.WRONG)
            continue
        if len(found) > 100:
            reader.say(one.entry, "is left out: ports need not be exposed", Grade.TOLD)
            continue
        sort = {"protocol": protocol.upper()} if protocol not in ("", "tcp") else {}
        for port in found:
            pod.add((*where, "ports"), {"containerPort": port, **sort}, one.entry)
