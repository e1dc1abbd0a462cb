"""Facts of containers as `podman inspect` 4.3 and 5.4 tell them, as far as they are read."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from manifests.inspected.facts import Facts, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOP: dict[str, Any] = {
    "Id": "096e1ec893ee3b566b82d8a329eacf8527551defbd5bd7b3f720d9d616691097",
    "Name": "shop",
    "Path": "sh",
    "Args": ["-c", "exec httpd -f"],
    "State": {"Status": "running"},
    "Image": "155e952dfde6419a2035932c9a661ced426ef1ee3a87b734a9cf0d9ef5ce47f1",
    "ImageName": "localhost/demo:1",
    "Rootfs": "",
    "Mounts": [
        {
            "Type": "volume",
            "Name": "data",
            "Source": "/var/lib/containers/storage/volumes/data/_data",
            "Destination": "/data",
            "Driver": "local",
            "Options": ["nosuid", "nodev", "rbind"],
            "RW": True,
            "Propagation": "rprivate",
        }
    ],
    "NetworkSettings": {
        "IPAddress": "10.88.0.3",
        "Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "81/udp": None},
        "Networks": {"podman": {"IPAddress": "10.88.0.3", "Aliases": ["096e1ec893ee"]}},
    },
    "Config": {
        "Hostname": "096e1ec893ee",
        "User": "",
        "Env": ["PATH=/bin", "LEVEL=debug", "TERM=xterm", "container=podman", "HOME=/root"],
        "WorkingDir": "/",
        "Labels": {"app": "shop", "of-image": "yes"},
        "StopSignal": 15,
        "StopTimeout": 10,
        "Umask": "0022",
        "CreateCommand": ["podman", "run"],
    },
    "HostConfig": {
        "NetworkMode": "bridge",
        "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
        "LogConfig": {"Type": "k8s-file"},
        "IpcMode": "shareable",
        "PidMode": "private",
        "PidsLimit": 2048,
        "ShmSize": 65536000,
        "MemorySwappiness": -1,
        "Devices": [],
    },
}
IMAGE = {"Env": ["PATH=/bin"], "Cmd": ["sh"], "Labels": {"of-image": "yes"}}


def facts(changes: Mapping[str, Any], image: Mapping[str, Any] = IMAGE, **more: Any) -> Facts:
    """Return the facts of SHOP with changes at paths, as HostConfig.Memory."""
    raw = copy.deepcopy(SHOP)
    for path, value in changes.items():
        *way, last = path.split(".")
        part = raw
        for step in way:
            part = part.setdefault(step, {})
        part[last] = value
    return Facts(raw=raw, image=image, **more)


def alone(one: Facts) -> Subject:
    return Subject(name=one.name, face=one, containers=(one,))
