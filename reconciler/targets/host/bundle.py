"""Make a container's bundle: look everything up on the host, and render its config.json.

What the container is, is decided by the pure modules beside this one; here is what they need to
know: the image's users, the host's abilities, a seccomp profile's text.
"""

from __future__ import annotations

import os

from manifests.faults import Invalid
from manifests.value import Value
from reconciler.targets.host import (
    confinement,
    environment,
    process,
    rootfs,
    volume_mounts,
    volumes,
)
from reconciler.targets.host import container as resolve
from reconciler.targets.host.process import Identity
from renderers import capabilities, oci_config
from runtime.kernel import apparmor
from runtime.oci import container as oci
from runtime.oci import last_words
from runtime.rootless import mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.container import Container
    from manifests.observed import PodRecord
    from reconciler.targets.host.base import Base
    from runtime.image.store import Image
    from runtime.kernel.inside import Inside

SELINUX = "/sys/fs/selinux/enforce"


class Described(Value):
    """What a container comes to; `bindings` are to be attached before it is created."""

    spec: oci_config.ContainerSpec
    bindings: tuple[volume_mounts.Binding, ...]
    label: str


def describe(base: Base, record: PodRecord, container: Container, image: Image) -> Described:
    """Return what the container will be. Changes nothing, so it can be asked before it is time.

    Raises Fault where references, security settings or the image do not work out.
    """
    sources = base.sources(record.pod)
    subject = environment.Subject(
        record=record, container=container, sources=sources, facts=base.facts
    )
    settings = image.config
    described = resolve.Image(
        entrypoint=settings.entrypoint,
        cmd=settings.cmd,
        env=settings.env,
        user=settings.user,
        working_dir=settings.working_dir,
        volumes=settings.volumes,
    )
    planned = volumes.plan(record, sources, base.paths)
    declared, bindings = resolve.prepare(subject, described, planned, base.paths)
    spec = resolve.container_spec(
        resolve.Context(
            subject=subject,
            image=described,
            declared=declared,
            bindings=bindings,
            user=_user(base, record, container, image),
            engine=_abilities(base, record, container),
            paths=base.paths,
            cgroup=_cgroup(base, record, container),
            seccomp_profile=_profile(base, subject),
        )
    )
    return Described(spec=spec, bindings=bindings, label=subject.label)


def prepare(
    base: Base, record: PodRecord, container: Container, image: Image, inside: Inside
) -> dict[str, Any]:
    """Mount the container's root and bindings inside the pod, and return its config.json."""
    described = describe(base, record, container, image)
    if described.spec.apparmor == base.default_profile:
        base.load_default_profile()
    inside.call(rootfs.mount, base, record.uid, container.name, image)
    inside.call(last_words.prepare, base.paths.message(record.uid, container.name))
    inside.call(volume_mounts.attach, described.bindings, label=described.label)
    return oci_config.render(described.spec)


def _cgroup(base: Base, record: PodRecord, container: Container) -> str:
    if not base.cgroups.hierarchies:
        if container.resources.limits:
            base.unlimited.add(f"{record.pod.metadata.name}/{container.name}")
        return ""
    return oci.cgroup_of(base.paths, record.uid, container.name)


def _user(base: Base, record: PodRecord, container: Container, image: Image) -> Identity:
    wanted = process.user_to_resolve(record.pod.spec, container, image.config.user)
    if wanted in ("0", "root"):
        return Identity()
    from runtime.image import users

    found = users.resolve(wanted, base.store.layer_directories(image))
    return Identity(uid=found.uid, gid=found.gid, groups=found.groups)


def _abilities(base: Base, record: PodRecord, container: Container) -> resolve.Engine:
    from runtime.oci import host

    seen = base.pod_cgroups
    nodes = host.devices() if container.security_context.privileged else ()
    return resolve.Engine(
        cgroup_v2=seen.v2,
        machine=os.uname().machine,
        capabilities=capabilities.from_mask(host.capabilities()),
        lowest_oom_score_adj=host.lowest_oom_score_adj(),
        swap_limits=base.limits_swap(seen),
        device_rules=not mode.active(),
        apparmor=_armor(base, record, container),
        selinux=os.path.exists(SELINUX),
        devices=tuple(
            oci_config.Device(
                path=node.path,
                kind=node.kind,
                major=node.major,
                minor=node.minor,
                mode=node.mode,
                uid=node.uid,
                gid=node.gid,
            )
            for node in nodes
        ),
    )


def _armor(base: Base, record: PodRecord, container: Container) -> confinement.Armor | None:
    if not apparmor.enabled():
        return None
    own, pods = container.security_context, record.pod.spec.security_context
    named = confinement.wants_localhost(own, pods)
    loaded = apparmor.loaded() if named else frozenset()
    return confinement.Armor(default=base.default_profile, loaded=loaded)


def _profile(base: Base, subject: environment.Subject) -> str:
    path = resolve.localhost_profile(subject, base.seccomp_root)
    if path is None:
        return ""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Invalid(
            f"{subject.label}: seccomp profile {path} cannot be read: {error.strerror}",
            hint="put the profile there, or use --seccomp-profile-root",
        ) from error
