"""PodmanArgs=: flags of podman run, read as the keys that say the same."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.quadlet.reader import Read, Reader
    from manifests.quadlet.syntax import Entry

_WORDS = {
    "--annotation": "Annotation",
    "--env": "Environment",
    "-e": "Environment",
    "--env-file": "EnvironmentFile",
    "--label": "Label",
    "-l": "Label",
    "--mount": "Mount",
    "--secret": "Secret",
}
"""Flags whose keys are split into words."""
_CPU = ("--cpus", "--cpu-period", "--cpu-quota", "--cpu-shares")
_WHOLE = {
    "--add-host": "AddHost",
    "--cap-add": "AddCapability",
    "--cap-drop": "DropCapability",
    "--cgroups": "CgroupsMode",
    "--device": "AddDevice",
    "--dns": "DNS",
    "--dns-option": "DNSOption",
    "--dns-search": "DNSSearch",
    "--entrypoint": "Entrypoint",
    "--exit-policy": "ExitPolicy",
    "--gidmap": "GIDMap",
    "--group-add": "GroupAdd",
    "--health-cmd": "HealthCmd",
    "--health-interval": "HealthInterval",
    "--health-on-failure": "HealthOnFailure",
    "--health-retries": "HealthRetries",
    "--health-start-period": "HealthStartPeriod",
    "--health-startup-cmd": "HealthStartupCmd",
    "--health-startup-interval": "HealthStartupInterval",
    "--health-timeout": "HealthTimeout",
    "--health-startup-retries": "HealthStartupRetries",
    "--hostname": "HostName",
    "--health-startup-timeout": "HealthStartupTimeout",
    "-h": "HostName",
    "--ip": "IP",
    "--ip6": "IP6",
    "--log-driver": "LogDriver",
    "--log-opt": "LogOpt",
    "--memory": "Memory",
    "-m": "Memory",
    "--name": "ContainerName",
    "--net": "Network",
    "--network": "Network",
    "--network-alias": "NetworkAlias",
    "--pids-limit": "PidsLimit",
    "--publish": "PublishPort",
    "-p": "PublishPort",
    "--pull": "Pull",
    "--retry": "Retry",
    "--retry-delay": "RetryDelay",
    "--shm-size": "ShmSize",
    "--stop-signal": "StopSignal",
    "--stop-timeout": "StopTimeout",
    "--sysctl": "Sysctl",
    "--tmpfs": "Tmpfs",
    "--tz": "Timezone",
    "--uidmap": "UIDMap",
    "--ulimit": "Ulimit",
    "--user": "User",
    "-u": "User",
    "--userns": "UserNS",
    "--volume": "Volume",
    "-v": "Volume",
    "--workdir": "WorkingDir",
    "-w": "WorkingDir",
    **{flag: flag for flag in (*_CPU, "--pid", "--ipc")},
}
_LISTS = frozenset({"Sysctl", "--sysctl", "AddCapability", "DropCapability", "AddDevice"})
"""Keys that are split at blanks, and have no escapes."""
_SWITCHES = {
    "--init": "RunInit",
    "--privileged": "--privileged",
    "--read-only": "ReadOnly",
    "--env-host": "EnvironmentHost",
    "--http-proxy": "HttpProxy",
    "--read-only-tmpfs": "ReadOnlyTmpfs",
    **dict.fromkeys(("--tty", "-t"), "--tty"),
    **dict.fromkeys(("--interactive", "-i"), "--interactive"),
}
_SECURITY = {
    "seccomp": "SeccompProfile",
    "apparmor": "AppArmor",
    "mask": "Mask",
    "unmask": "Unmask",
    "no-new-privileges": "NoNewPrivileges",
    "label=type": "SecurityLabelType",
    "label=level": "SecurityLabelLevel",
    "label=filetype": "SecurityLabelFileType",
}
_OF_PODS = {"Sysctl": "--sysctl", "Memory": "--memory"}
"""What [Pod] has no key for, and podpy does honour."""


def expand(reader: Reader) -> None:
    """Add to a unit what its PodmanArgs= say; flags that have no key are told of."""
    found = list(_entries(reader))
    if found:
        reader.unit = reader.unit.with_more(found)


def _entries(reader: Reader) -> Iterator[Entry]:
    left = reader.words("PodmanArgs")[::-1]
    while left:
        word = left.pop()
        flag, equals, value = word.value.partition("=")
        if flag in _SWITCHES:
            yield _entry(word, _SWITCHES[flag], value if equals else "true")
            continue
        if flag not in _WORDS and flag not in _WHOLE and flag != "--security-opt":
            if flag.startswith("-"):
                reader.say(word.entry, f"is not supported: {flag}")
            continue
        if not equals:
            if not left:
                reader.say(word.entry, f"{flag} needs a value")
                return
            value = left.pop().value
        if flag == "--security-opt":
            yield from _security(reader, word, value)
        elif flag in _WORDS:
            yield _entry(word, _WORDS[flag], _quoted(value))
        else:
            key = _WHOLE[flag]
            if reader.unit.suffix == ".pod":
                key = _OF_PODS.get(key, key)
            quoted = value[:1] == value[-1:] == '"' or (key in _LISTS and " " in value)
            yield _entry(word, key, f'"{value}"' if quoted else value)


def _security(reader: Reader, word: Read, value: str) -> Iterator[Entry]:
    name, _, rest = value.partition("=")
    if name == "label":
        kind, _, rest = rest.partition(":")
        name = f"label={kind}"
    if name == "label=disable":
        yield _entry(word, "SecurityLabelDisable", "true")
    elif name in _SECURITY:
        yield _entry(word, _SECURITY[name], rest or "true")
    else:
        reader.say(word.entry, f"is not supported: --security-opt {value}")


def _entry(word: Read, key: str, value: str) -> Entry:
    # It has been expanded; what it holds now stands for itself.
    return word.entry.replace(key=key, value=value.replace("%", "%%").replace("$", "$$"))


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
