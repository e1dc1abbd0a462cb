"""Where podpy keeps things on this host: every path is built here.

    state_dir  /var/lib/podpy            (0700)
        state.db                         objects, events, leases; SQLite, only memory
        cache/                           decoded manifests by content hash; disposable
        images/                          image store: see runtime.image.store
        layers/                          unpacked layers, shared by all images
        volumes/NAMESPACE/CLAIM/         PersistentVolumeClaims: user data, never removed unasked
        locks                            an empty file: byte ranges of it are the locks of names
        quadlet/SYNC.json                which files and units a Sync has with systemd
        sources/SYNC.git                 a Sync's revisions; a cache, fetched again when lost
        receive/NAME.git                 repositories that are pushed to: the users' own
        adopting/GROUP.json              what Podman runs, on its way to podpy or back
        trial/                           what is tried of overlayfs, once a boot; gone at its end
        secrets.key                      keys the digests of Secrets in state.db (0600)
        pods/UID/                        what a pod may fill the disk with
            containers/CONTAINER/        {upper,work}: its writable layer; volumes/: its image's
            emptydir/VOLUME/
            etc/{hosts,resolv.conf,hostname}     containers may write to them
            ended.json                   what a pod that is no workload's came to
    run_dir    /run/podpy                (tmpfs, 0711; dies with what it describes)
        pods/UID/                        (pods: 0700)
            pod.json                     the pod as it was asked for, and what it was given
            mnt                          the pinned mount namespace: the pod's one host mount
            ns/{net,ipc,uts}             pins, mounted inside the pod's mount namespace only
            volumes/VOLUME/              projected and tmpfs volumes, mounted in the pod's namespace
            probes.json, prober          what probes have found last, and who runs them
            messages/CONTAINER           its last words; a tmpfs in the pod's namespace
            containers/CONTAINER/
                config.json, rootfs/     the OCI bundle
                pid, conmon.pid, exit/   conmon's records
                status.json              attempts, restarts, last termination
                cgroup                   a link to the one that systemd gave it, where it did
        pending/NAMESPACE_POD.json       pods that could not be made, and why
        networks/NAME/                   the name server's files of that network
        nft.json                         the nft table as podpy has last loaded it
        halting                          there once the host goes down: nothing is started
        secrets/NAMESPACE/               Secret objects: never on a disk
        webhooks                         by which webhooks the agent was called
        asked/SYNC                       when a pass of a Sync was last asked for
        crun/, conmon/                   the OCI runtime's and conmon's own state
    user_dir   RUN_DIR-user              rootless: the namespaces of the user, in which podpy works
        namespaces.json, lock            who holds them; locked while they are made
        slirp.sock, resolv.conf          slirp4netns' API; whom names are asked of
        holder.pid, complaint            for the user's systemd; why it could not make them
    config_dir /etc/podpy                (the administrator's; podpy writes what it is told to)
        podpy.toml                       settings: the host's labels, the trash's time
        syncs.d/*.yaml                   the Syncs that this host follows
    log_dir    /var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log       as the kubelet lays them out

Names of Kubernetes have up to 253 bytes, a file's has 255: what is made of several is `fitted`.

Rootless, the four roots lie under the XDG directories; nothing but this file knows that.
Paths are text, not pathlib: importing pathlib costs as much as starting a container's network.
"""

from __future__ import annotations

import os

from manifests import digests
from manifests.value import Value

_RUN_DIR = "/run/podpy"
NAME_BYTES = 255
"""NAME_MAX of every Linux file system."""


class Paths(Value):
    """The roots, and `instance`: the name that podpy's cgroups, links and nft table carry.

    Two instances on one host (a test beside the real one) share nothing.
    """

    state_dir: str
    run_dir: str
    log_dir: str
    config_dir: str = "/etc/podpy"
    instance: str = "podpy"

    @property
    def database(self) -> str:
        return f"{self.state_dir}/state.db"

    @property
    def cache(self) -> str:
        return f"{self.state_dir}/cache"

    @property
    def images(self) -> str:
        return f"{self.state_dir}/images"

    @property
    def layers(self) -> str:
        return f"{self.state_dir}/layers"

    @property
    def claims(self) -> str:
        return f"{self.state_dir}/volumes"

    @property
    def trash(self) -> str:
        """Removed claims, on the file system of those that are in use: moving one is a rename."""
        return f"{self.claims}/.trash"

    @property
    def quadlet(self) -> str:
        return f"{self.state_dir}/quadlet"

    @property
    def sources(self) -> str:
        return f"{self.state_dir}/sources"

    @property
    def adopting(self) -> str:
        return f"{self.state_dir}/adopting"

    @property
    def received(self) -> str:
        return f"{self.state_dir}/receive"

    @property
    def syncs(self) -> str:
        return f"{self.config_dir}/syncs.d"

    @property
    def settings(self) -> str:
        return f"{self.config_dir}/podpy.toml"

    @property
    def secrets_key(self) -> str:
        return f"{self.state_dir}/secrets.key"

    @property
    def pods(self) -> str:
        return f"{self.run_dir}/pods"

    @property
    def pending(self) -> str:
        return f"{self.run_dir}/pending"

    @property
    def schedules(self) -> str:
        return f"{self.run_dir}/schedules"

    @property
    def networks(self) -> str:
        return f"{self.run_dir}/networks"

    @property
    def rules(self) -> str:
        return f"{self.run_dir}/nft.json"

    @property
    def secrets(self) -> str:
        return f"{self.run_dir}/secrets"

    @property
    def halting(self) -> str:
        return f"{self.run_dir}/halting"

    @property
    def asked(self) -> str:
        return f"{self.run_dir}/asked"

    @property
    def user_dir(self) -> str:
        return f"{self.run_dir}-user"

    @property
    def is_the_hosts(self) -> bool:
        """Whether this is the instance of root on this host, not one of a user or beside it."""
        return self.run_dir == _RUN_DIR

    @property
    def locks(self) -> str:
        return f"{self.state_dir}/locks"

    @property
    def oci_state(self) -> str:
        return f"{self.run_dir}/crun"

    def pod(self, uid: str) -> str:
        return f"{self.run_dir}/pods/{uid}"

    def pod_disk(self, uid: str) -> str:
        return f"{self.state_dir}/pods/{uid}"

    def container_disk(self, uid: str, name: str) -> str:
        return f"{self.state_dir}/pods/{uid}/containers/{name}"

    def ended(self, uid: str) -> str:
        return f"{self.state_dir}/pods/{uid}/ended.json"

    def empty_dir(self, uid: str, volume: str) -> str:
        return f"{self.state_dir}/pods/{uid}/emptydir/{volume}"

    def pod_etc(self, uid: str) -> str:
        return f"{self.state_dir}/pods/{uid}/etc"

    def container(self, uid: str, name: str) -> str:
        return f"{self.run_dir}/pods/{uid}/containers/{name}"

    def given_cgroup(self, uid: str, name: str) -> str:
        return f"{self.run_dir}/pods/{uid}/containers/{name}/cgroup"

    def message(self, uid: str, name: str) -> str:
        return f"{self.run_dir}/pods/{uid}/messages/{name}"

    def claim(self, namespace: str, name: str) -> str:
        return f"{self.state_dir}/volumes/{namespace}/{name}"

    def pod_logs(self, namespace: str, pod: str, uid: str) -> str:
        return f"{self.log_dir}/{fitted(f'{namespace}_{pod}', f'_{uid}')}"


def fitted(name: str, end: str = "") -> str:
    """Return `name` and `end` as one file's name.

    Where that is too long, `name` is cut and a digest tells it from others that begin alike.
    """
    if len(f"{name}{end}".encode()) <= NAME_BYTES:
        return f"{name}{end}"
    mark = f"-{digests.of(name)[:16]}{end}"
    kept = name.encode()[: NAME_BYTES - len(mark.encode())]
    return kept.decode(errors="ignore") + mark


def _check(root: str, instance: str) -> None:
    from manifests.faults import Invalid

    if not root.startswith("/"):
        raise Invalid(f"PODPY_ROOT={root}: is no absolute path")
    if not instance.replace("-", "").isalnum() or not instance.isascii():
        raise Invalid(f"PODPY_INSTANCE={instance}: is no name", hint="letters, digits, hyphens")


def _user() -> int | None:
    """Return for whom podpy works; None for root, which a user is only inside their namespaces."""
    if os.geteuid() != 0:
        return os.geteuid()
    if "PODPY_ROOTLESS" not in os.environ:
        return None
    from runtime.rootless import mode

    return mode.user()


def default() -> Paths:
    """The paths of this user; PODPY_ROOT puts them below a directory, with an instance of its own.

    PODPY_ROOT=/tmp/x gives /tmp/x/{lib,run,log,etc} and the instance in PODPY_INSTANCE.
    Raises Invalid for a root that depends on the working directory, and for an instance whose name
    cannot be that of links, rules and cgroups.
    """
    root = os.environ.get("PODPY_ROOT")
    if root:
        instance = os.environ.get("PODPY_INSTANCE", "podpy")
        _check(root, instance)
        return Paths(
            state_dir=f"{root}/lib",
            run_dir=f"{root}/run",
            log_dir=f"{root}/log",
            config_dir=f"{root}/etc",
            instance=instance,
        )
    user = _user()
    if user is None:
        return Paths(state_dir="/var/lib/podpy", run_dir=_RUN_DIR, log_dir="/var/log/pods")
    home = os.path.expanduser("~")
    data = os.environ.get("XDG_DATA_HOME", f"{home}/.local/share")
    run = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{user}")
    state = os.environ.get("XDG_STATE_HOME", f"{home}/.local/state")
    config = os.environ.get("XDG_CONFIG_HOME", f"{home}/.config")
    return Paths(
        state_dir=f"{data}/podpy",
        run_dir=f"{run}/podpy",
        log_dir=f"{state}/podpy/log/pods",
        config_dir=f"{config}/podpy",
    )
