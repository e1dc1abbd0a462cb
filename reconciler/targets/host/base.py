"""What every part of the host target works with: paths, database, cgroups, images, sources.

Made once for a command; what costs start-up time is made when it is first asked for.
"""

from __future__ import annotations

import os
import threading
from functools import cached_property

from manifests import kinds
from manifests.config import ConfigMap, Secret
from manifests.value import EMPTY
from reconciler.state import objects, secrets
from runtime import memory
from runtime.kernel import cgroups as kernel_cgroups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from manifests.kinds import Object
    from manifests.pod import Pod
    from manifests.ref import Ref
    from manifests.targeting import HostIdentity
    from reconciler.state.database import Database
    from reconciler.state.objects import Applied
    from reconciler.targets.host.environment import HostFacts, Sources
    from runtime.image.store import Store
    from runtime.kernel.inside import Inside
    from runtime.oci.engine import Engine
    from runtime.paths import Paths

START_SECONDS = 120.0
SECCOMP_ROOT = "/var/lib/kubelet/seccomp"
"""Where the kubelet looks for Localhost profiles."""


def _not_overtaken() -> None:
    """Whoever asks goes on."""


class Base:
    """`hook` is the program that conmon starts when a container ends: podpy itself.

    `start_seconds` is how long a pod may take until it runs, `grace_seconds` how long to end where
    that is not to be what the pod itself says. `digests` are those of the ConfigMaps and Secrets
    that pods may show. `overtaken` is asked while a pass waits for health: it raises what ends that
    wait. With `start` False new pods are made and nothing of them runs. Claims whose
    data is removed are kept in the trash for `trash_seconds` (None: as long as this host's settings
    say), as removed `by` this command or Sync. `unlimited` names the containers that have been made
    without the limits they ask for.
    """

    def __init__(
        self,
        paths: Paths,
        database: Database,
        *,
        hook: str = "",
        start_seconds: float = START_SECONDS,
        seccomp_root: str = SECCOMP_ROOT,
        start: bool = True,
        grace_seconds: float | None = None,
        trash_seconds: float | None = None,
        by: str = "",
    ) -> None:
        self.paths = paths
        self.database = database
        self.hook = hook
        self.start_seconds = start_seconds
        self.seccomp_root = seccomp_root
        self.start = start
        self.grace_seconds = grace_seconds
        self.trash_seconds = trash_seconds
        self.by = by
        self.overtaken: Callable[[], None] = _not_overtaken
        self.digests: Mapping[Ref, str] = EMPTY
        self.unlimited: set[str] = set()
        self._wished: dict[Ref, Object] = {}
        self._engine: Engine | None = None
        self._engine_lock = threading.Lock()
        self._profile_lock = threading.Lock()
        self._profile_loaded = False
        self._database_lock = threading.Lock()

    @cached_property
    def cgroups(self) -> kernel_cgroups.View:
        """The cgroup hierarchies that pods' containers are put in."""
        return kernel_cgroups.view()

    @cached_property
    def store(self) -> Store:
        from runtime.image.store import Store

        return Store(self.paths)

    @cached_property
    def facts(self) -> HostFacts:
        """What containers may ask about this host."""
        from reconciler.targets.host.environment import HostFacts
        from runtime.observe import facts

        return HostFacts(
            node=facts.node_name(),
            addresses=facts.addresses(),
            cpus=os.cpu_count() or 1,
            memory=facts.memory_bytes(),
            storage=facts.storage_bytes(self.paths.state_dir),
        )

    @cached_property
    def identity(self) -> HostIdentity:
        """What this host is known by. Raises Invalid where its settings are wrong."""
        from runtime.observe import identity

        return identity.read(self.paths)

    def engine(self, inside: Inside) -> Engine:
        """Return the OCI runtime that works here; found out in the pod that `inside` is in."""
        from runtime.oci import engine

        with self._engine_lock:
            if self._engine is None:
                self._engine = inside.call(
                    engine.find, self.paths.run_dir, self.pod_cgroups, self.paths.instance
                )
            return self._engine

    def knows_engine(self) -> bool:
        """Tell whether the OCI runtime that works here was found out before, since the boot."""
        from runtime.oci import engine

        with self._engine_lock:
            if self._engine is None:
                self._engine = engine.known(self.paths.run_dir, self.pod_cgroups)
            return self._engine is not None

    @cached_property
    def default_profile(self) -> str:
        """The AppArmor profile of containers that name none; "" where podpy cannot load one."""
        from renderers import apparmor as text
        from runtime.kernel import apparmor

        if not apparmor.enabled():
            return ""
        self._profile_loaded = text.NAME in apparmor.loaded()
        return text.NAME if self._profile_loaded or apparmor.can_load() else ""

    def load_default_profile(self) -> None:
        """Give the kernel the default profile, if there is one that it does not have yet."""
        from renderers import apparmor as text
        from runtime.kernel import apparmor

        with self._profile_lock:
            if self.default_profile and not self._profile_loaded:
                apparmor.load(text.render(abi=apparmor.knows_abi()))
                self._profile_loaded = True

    @property
    def substitute(self) -> str:
        """Return why containers of this pass are not run by crun, and by what; else ""."""
        engine = self._engine
        return f"{engine.kind} runs them: {engine.reason}" if engine and engine.reason else ""

    @cached_property
    def pod_cgroups(self) -> kernel_cgroups.View:
        """The hierarchies as a pod sees them: without v2's on a hybrid host."""
        return self.cgroups.in_pod()

    def limits_swap(self, seen: kernel_cgroups.View) -> bool:
        """Tell whether the kernel accounts swap, so that memory.memsw / memory.swap.max exist."""
        if seen.v2:
            return os.path.exists("/proc/swaps") and "memory" in seen.controllers
        root = seen.directory("memory", "")
        return root is not None and os.path.exists(f"{root}/memory.memsw.limit_in_bytes")

    def wish(self, things: Iterable[Object]) -> None:
        """Let these objects be found from now on, in place of the remembered ones."""
        for thing in things:
            self._wished[kinds.ref(thing)] = thing

    def withdraw(self, refs: Iterable[Ref]) -> None:
        """Let what is remembered of these objects be found again."""
        for ref in refs:
            self._wished.pop(ref, None)

    @property
    def wished(self) -> Collection[Ref]:
        """The objects that were wished in this pass."""
        return self._wished.keys()

    def find(self, ref: Ref) -> Object | None:
        """Return a ConfigMap, Secret or other object: as wished, or as it was applied."""
        if ref in self._wished:
            return self._wished[ref]
        if ref.kind == "Secret":
            return secrets.read(self.paths, ref.namespace, ref.name)
        applied = self._applied(ref)
        return None if applied is None else applied.object()

    def _applied(self, ref: Ref) -> Applied | None:
        with self._database_lock:
            return objects.find(self.database, ref)

    def sources(self, pod: Pod) -> Sources:
        """Return the ConfigMaps and Secrets that the pod names and that exist."""
        from manifests import references
        from reconciler.targets.host.environment import Sources

        configmaps: dict[str, ConfigMap] = {}
        found_secrets: dict[str, Secret] = {}
        lost: dict[str, str] = {}
        for ref in references.references(pod):
            thing = self.find(ref) if ref.kind in ("ConfigMap", "Secret") else None
            if isinstance(thing, ConfigMap):
                configmaps[ref.name] = thing
            elif isinstance(thing, Secret):
                found_secrets[ref.name] = thing
            elif ref.kind == "Secret" and (applied := self._applied(ref)) is not None:
                lost[ref.name] = _coming_back(applied)
        shown = any(volume.downward_api or volume.projected for volume in pod.spec.volumes)
        facts = self.facts if shown else None
        return Sources(configmaps=configmaps, secrets=found_secrets, lost=lost, facts=facts)


def _coming_back(secret: Applied) -> str:
    """Say how a Secret whose content is lost comes back: from where it came."""
    from reconciler.syncs import decide

    if secret.applyset.startswith(decide.APPLYSET):
        name = secret.applyset.removeprefix(decide.APPLYSET)
        return f"the next pass of its Sync brings it: podpy sync reconcile {name}"
    where = f"it came from {secret.file}:{secret.line}: " if secret.file else ""
    return f"{where}apply its manifest again"


def ensure_directories(paths: Paths) -> None:
    """Make the roots with their modes; run_dir is put on tmpfs where the host's /run is none."""
    os.makedirs(paths.state_dir, mode=0o700, exist_ok=True)
    # Below it any user may write to claims and emptyDirs: no user of this host gets that far.
    if os.stat(paths.state_dir).st_mode & 0o077:
        os.chmod(paths.state_dir, 0o700)
    memory.ensure(paths.run_dir)
    os.makedirs(paths.log_dir, mode=0o755, exist_ok=True)
    # ConfigMaps lie below it, and a pin that somebody opens keeps its namespaces for ever.
    os.makedirs(paths.pods, mode=0o700, exist_ok=True)
    if os.stat(paths.pods).st_mode & 0o077:
        os.chmod(paths.pods, 0o700)
