"""The keys of services in Compose files: which are honoured, which are not and why."""

from __future__ import annotations

_HOST = "podpy has no counterpart for it"
USERS = "root in the container is root of the host"
_CGROUPS = "the limits of a container are cpus and memory"
_DEVICES = "podpy gives no devices yet"

HONOURED = frozenset(
    {
        *("annotations", "build", "cap_add", "cap_drop", "command", "configs", "container_name"),
        *("cpus", "cpuset", "depends_on", "deploy", "dns", "dns_opt", "dns_search"),
        *("entrypoint", "env_file", "environment", "expose", "extra_hosts", "group_add"),
        *("healthcheck", "hostname", "image", "init", "ipc", "labels", "logging", "mem_limit"),
        *("mem_reservation", "network_mode", "networks", "pid", "pids_limit", "ports"),
        *("privileged", "profiles", "pull_policy", "read_only", "restart", "scale", "secrets"),
        *("security_opt", "shm_size", "stdin_open", "stop_grace_period", "stop_signal"),
        *("sysctls", "tmpfs", "tty", "ulimits", "user", "userns_mode", "volumes", "working_dir"),
    }
)
UNSUPPORTED = {
    "attach": "podpy logs shows the output of every container",
    "blkio_config": _CGROUPS,
    "cgroup": "podpy makes the cgroups itself",
    "cgroup_parent": "podpy makes the cgroups itself",
    "cpu_count": _CGROUPS,
    "cpu_percent": _CGROUPS,
    "cpu_period": _CGROUPS,
    "cpu_quota": _CGROUPS,
    "cpu_rt_period": _CGROUPS,
    "cpu_rt_runtime": _CGROUPS,
    "cpu_shares": _CGROUPS,
    "credential_spec": "there are no Windows containers",
    "develop": "nothing is watched while it is developed",
    "device_cgroup_rules": _DEVICES,
    "devices": _DEVICES,
    "domainname": _HOST,
    "extends": "write the service out, or use an anchor of YAML",
    "external_links": "pods of a network are found by their own names",
    "gpus": _DEVICES,
    "isolation": "there are no Windows containers",
    "label_file": "write the labels out",
    "links": "pods of a network are found by their own names",
    "mac_address": "write podpy.dev/mac as an annotation",
    "mem_swappiness": _CGROUPS,
    "memswap_limit": _CGROUPS,
    "models": _HOST,
    "oom_kill_disable": _CGROUPS,
    "oom_score_adj": _CGROUPS,
    "platform": "images are those of this host's architecture",
    "post_start": "write lifecycle.postStart into the manifest",
    "pre_stop": "write lifecycle.preStop into the manifest",
    "provider": _HOST,
    "runtime": "the container runs under the default OCI runtime",
    "storage_opt": _HOST,
    "use_api_socket": _HOST,
    "uts": "a pod has a host name of its own",
    "volumes_from": "name the volumes in each service",
}
KNOWN = HONOURED | UNSUPPORTED.keys()
TOP = frozenset({"name", "version", "services", "networks", "volumes", "secrets", "configs"})
TOP_UNSUPPORTED = {"include": "convert each file by itself", "models": _HOST}
