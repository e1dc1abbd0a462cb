"""Find the OCI runtime that works on this host: crun, or runc where crun is missing or cannot run.

Whether a runtime runs is found out by running it once on a trivial container, in the mount
namespace of the caller (a pod's). The answer is kept in RUN_DIR/engine.json and holds until a
binary, the kernel or the cgroup view changes; reading it starts no process.
"""

from __future__ import annotations

import os

from manifests import compact_json
from manifests.faults import Fault, HostFault
from manifests.strenum import StrEnum
from manifests.value import Value
from runtime import files, proc
from runtime.oci.options import options
from runtime.rootless import mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runtime.kernel import cgroups

_TRIAL_SECONDS = 30.0


class Kind(StrEnum):
    CRUN = "crun"
    RUNC = "runc"


_STATE_FILES = {Kind.CRUN: "status", Kind.RUNC: "state.json"}
"""What each keeps in a container's state directory, and the other does not."""


class Engine(Value):
    """The chosen runtime and the supervisor. `reason` says in a line why it is not crun, if so."""

    kind: Kind
    path: str
    version: tuple[int, ...]
    conmon: str
    reason: str = ""

    @property
    def starts_by_fifo(self) -> bool:
        """Whether a created container may be started by writing to its exec.fifo.

        crun's `start` does that and no more for a container without hooks; seen in its sources and
        tried for 1.8 to 1.21. In runc the container writes and `start` reads.
        """
        return self.kind is Kind.CRUN and (1, 8) <= self.version < (2,)

    def shield(self) -> None:
        """Make crun's file read-only in the calling thread's (a pod's) mount namespace, once.

        A container could otherwise overwrite it through /proc/PID/exe (CVE-2019-5736), so crun
        copies itself to memory and starts again on every call, 1.3 ms, unless it finds this.
        """
        from runtime.kernel import mounts

        if self.kind is Kind.CRUN and not mounts.is_mounted(self.path):
            mounts.bind(self.path, self.path, recursive=False, access=mounts.READ_ONLY)


def known(run_dir: str, seen: cgroups.View) -> Engine | None:
    """Return the engine that `find` would return without trying any; starts no process."""
    conmon = locate("conmon")
    return None if conmon is None else _remembered(_record(run_dir), _key(seen, conmon))


def find(run_dir: str, seen: cgroups.View, instance: str) -> Engine:
    """Return the engine for containers made under the cgroup view `seen`; call it inside a pod.

    `instance` names the cgroup of the trial. Raises HostFault, with what each runtime said, when
    none runs or conmon is missing.
    """
    remembered = known(run_dir, seen)
    if remembered is not None:
        return remembered
    conmon = locate("conmon")
    if conmon is None:
        raise HostFault("conmon: not found on this host", hint="install the package conmon")
    complaints: list[str] = []
    for kind in Kind:
        path = locate(kind)
        if path is None:
            complaints.append(f"{kind} is not installed")
            continue
        if kind is not Kind.CRUN and mode.without_cgroups():
            complaints.append(f"{kind} cannot do without cgroups")
            continue
        complaint = _try(path, run_dir, seen, instance)
        if complaint:
            complaints.append(f"{kind} cannot run here: {complaint}")
            continue
        engine = Engine(
            kind=kind,
            path=path,
            version=version(path),
            conmon=conmon,
            reason="; ".join(complaints),
        )
        _remember(_record(run_dir), _key(seen, conmon), engine)
        return engine
    raise HostFault(
        f"no OCI runtime works on this host: {'; '.join(complaints)}", hint="install crun"
    )


def maker(state_dir: str) -> Kind | None:
    """Return which runtime made the container whose state it keeps in `state_dir`; None if gone."""
    for kind, file in _STATE_FILES.items():
        if os.path.exists(f"{state_dir}/{file}"):
            return kind
    return None


def locate(tool: str) -> str | None:
    """Return where the program itself lies: replacing it must be seen behind a link, too."""
    path = proc.find(tool)
    return os.path.realpath(path) if path else None


def _record(run_dir: str) -> str:
    return f"{run_dir}/engine.json"


def _key(seen: cgroups.View, conmon: str) -> str:
    parts = [os.uname().release, seen.version, ",".join(sorted(seen.controllers))]
    for path in (conmon, *(locate(kind) for kind in Kind)):
        if path:
            status = os.stat(path)
            parts.append(f"{path} {status.st_mtime_ns} {status.st_size}")
        else:
            parts.append("-")
    return "|".join(parts)


def _remembered(path: str, key: str) -> Engine | None:
    try:
        kept = compact_json.loads(files.read(path))
        if kept["key"] != key:
            return None
        return Engine(
            kind=Kind(kept["kind"]),
            path=kept["path"],
            version=tuple(kept["version"]),
            conmon=kept["conmon"],
            reason=kept["reason"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(path: str, key: str, engine: Engine) -> None:
    kept = {"key": key, **{field: getattr(engine, field) for field in Engine.__fields__}}
    files.write_json(path, kept)


def version(path: str) -> tuple[int, ...]:
    """Read `crun version 1.8.1`, `conmon version 2.1.6`, `runc version 1.1.5+ds1`."""
    words = proc.check(path, "--version", timeout=10).text.split()
    digits = words[2].split("+")[0].split("-")[0] if len(words) > 2 else ""
    return tuple(int(part) for part in digits.split(".") if part.isdigit())


def _try(path: str, run_dir: str, seen: cgroups.View, instance: str) -> str:
    """Run the host's own /bin/true in a container; return what went wrong, if anything."""
    import shutil

    from runtime import proc
    from runtime.kernel import cgroups

    name = f"trial-{os.getpid()}"
    bundle, root = f"{run_dir}/{name}", f"{run_dir}/{name}/root"
    cgroup = f"/{instance}/{name}"
    os.makedirs(root, mode=0o700, exist_ok=True)
    os.makedirs(f"{bundle}/rootfs", exist_ok=True)
    try:
        with open(f"{bundle}/config.json", "w", encoding="utf-8") as file:
            config = _trial_config(cgroup if seen.hierarchies else "", seen.v2)
            file.write(compact_json.dumps(config))
        if seen.v2:
            cgroups.create(seen, cgroup)
        words = (*options(root), "run", "--bundle", bundle, name)
        result = proc.run(path, *words, timeout=_TRIAL_SECONDS)
        if result.status == 0:
            return ""
        proc.run(path, *options(root), "delete", "--force", name, timeout=_TRIAL_SECONDS)
        return result.complaint.splitlines()[-1]
    except Fault as fault:
        return fault.message
    finally:
        shutil.rmtree(bundle, ignore_errors=True)
        cgroups.remove(seen, cgroup)


def _trial_config(cgroup: str, v2: bool) -> dict[str, Any]:
    held = ["CAP_KILL"]
    devices = {"devices": [{"allow": False, "access": "rwm"}]}
    resources = {} if mode.active() else devices
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": ["/bin/true"],
            "env": ["PATH=/usr/bin:/bin"],
            "cwd": "/",
            "capabilities": {"bounding": held, "effective": held, "permitted": held},
        },
        "root": {"path": "rootfs"},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
            *(
                {"destination": path, "type": "bind", "source": path, "options": ["rbind", "ro"]}
                for path in ("/usr", "/bin", "/lib", "/lib64")
                if os.path.isdir(path)
            ),
        ],
        "linux": {
            "namespaces": [
                {"type": kind} for kind in ("pid", "mount", *(("cgroup",) if v2 else ()))
            ],
            **({"cgroupsPath": cgroup, "resources": resources} if cgroup else {}),
        },
    }
