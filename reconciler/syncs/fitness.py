"""Find what this host lacks of what its Syncs go by: a Sync in, every reason out.

A pass asks when it could not have a revision, and `podpy doctor` asks beforehand.
"""

from __future__ import annotations

import os

from manifests.faults import Fault, HostFault
from manifests.strenum import StrEnum
from manifests.value import Value
from runtime import secret_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.sync import Receiver, Sync
    from runtime.paths import Paths


class Care(StrEnum):
    """Who may do what with a file: others may not read it, may not write it, or both do no harm."""

    PRIVATE = "private"
    TRUSTED = "trusted"
    ANY = "any"


class Needed(Value):
    """A file of this host that a Sync names, and for what."""

    path: str
    purpose: str
    care: Care = Care.ANY


def unfit(paths: Paths, sync: Sync, fault: Fault) -> tuple[str, ...]:
    """Return why this host is to blame for `fault`, which kept a revision from being had, in words;
    nothing where the source is."""
    from reconciler.targets.host import fitness

    said = [str(fault)] if isinstance(fault, HostFault) else []
    found = (*fitness.disks(paths, 0), *faults_of(for_source(sync)))
    return tuple(dict.fromkeys((*said, *map(str, found))))


def faults_of(files: Iterator[Needed]) -> Iterator[HostFault]:
    """Yield what is wrong with each of these files, if anything is."""
    for file in files:
        try:
            check(file)
        except HostFault as fault:
            yield fault


def check(file: Needed) -> None:
    """Raise HostFault where the file is not there, cannot be read, or is open to others."""
    match file.care:
        case Care.PRIVATE:
            secret_files.check_private(file.path)
        case Care.TRUSTED:
            secret_files.check_trusted(file.path)
        case Care.ANY:
            pass
    try:
        os.close(os.open(file.path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        raise HostFault(f"{file.path} cannot be read: {error.strerror}") from error


def files(sync: Sync) -> Iterator[Needed]:
    """Yield every file of this host that the Sync names."""
    spec = sync.spec
    yield from for_source(sync)
    if spec.decryption is not None:
        path = spec.decryption.age_key_file
        yield Needed(path=path, purpose="opens its Secrets", care=Care.PRIVATE)
    if spec.template is not None and spec.template.jinja2 is not None:
        for path in spec.template.jinja2.host_values:
            yield Needed(path=path, purpose="has values for templates", care=Care.TRUSTED)
    if spec.webhook is not None:
        path = spec.webhook.secret_file
        yield Needed(path=path, purpose="proves webhooks", care=Care.PRIVATE)
    for receiver in spec.notify:
        yield from _of_receiver(receiver)


def for_source(sync: Sync) -> Iterator[Needed]:
    """Yield the files without which the source cannot be asked."""
    git, oci = sync.spec.source.git, sync.spec.source.oci
    if oci is not None:
        own = oci.credentials
        for path, purpose in ((own.password_file, "is the password"), (own.auth_file, "logs in")):
            if path:
                yield Needed(path=path, purpose=f"{purpose} at its registry", care=Care.PRIVATE)
        if own.ca_file:
            yield Needed(path=own.ca_file, purpose="has the registry's authority")
        if oci.verify is not None:
            path = oci.verify.cosign_key_file
            yield Needed(path=path, purpose="says who may sign", care=Care.TRUSTED)
    if git is None:
        return
    given = git.credentials
    secrets = ((given.token_file, "is the token"), (given.ssh_key_file, "is the key"))
    plain = ((given.known_hosts_file, "has the remote's key"), (given.ca_file, "has the authority"))
    for path, purpose in secrets:
        if path:
            yield Needed(path=path, purpose=f"{purpose} for its remote", care=Care.PRIVATE)
    for path, purpose in plain:
        if path:
            yield Needed(path=path, purpose=purpose)
    for path in (git.verify.allowed_signers_file, git.verify.gpg_keys_file) if git.verify else ():
        if path:
            yield Needed(path=path, purpose="says who may sign", care=Care.TRUSTED)


def _of_receiver(receiver: Receiver) -> Iterator[Needed]:
    status, hook = receiver.commit_status, receiver.webhook
    if status is not None:
        yield Needed(path=status.token_file, purpose="is the forge's token", care=Care.PRIVATE)
    if hook is not None:
        yield Needed(path=hook.secret_file, purpose="signs notifications", care=Care.PRIVATE)
    if receiver.apprise is not None:
        path = receiver.apprise.url_file
        yield Needed(path=path, purpose="leads to who is told", care=Care.PRIVATE)
    for one in (status, hook):
        if one is not None and one.ca_file:
            yield Needed(path=one.ca_file, purpose="has the receiver's authority")
