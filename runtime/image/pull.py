"""Bring an image into the store: skopeo fetches it as an OCI layout, podpy unpacks its layers.

    name or source -> Image, every layer unpacked and verified

Layers that are unpacked already are not unpacked again. Two podpy processes that pull images with
a common layer wait for each other at that layer only. Credentials reach skopeo in a file.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from enum import StrEnum

from manifests.container import PullPolicy
from manifests.faults import Fault, HostFault, Invalid, Retry
from manifests.value import Value
from runtime import proc
from runtime.image import auth, reference, registries
from runtime.image.store import Image, ImageConfig
from runtime.image.unpack import unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from runtime.image.store import Store

PULL_SECONDS = 1800.0
ASK_SECONDS = 60.0
TRIES = "2"


class Stage(StrEnum):
    """What a pull is doing; `progress` hears of each."""

    FETCHING = "fetching"
    UNPACKING = "unpacking"
    READY = "ready"


class Options(Value):
    """How registries are spoken to. `creds` is USER[:PASSWORD]; `tls_verify` None lets
    registries.conf decide."""

    authfile: str = ""
    creds: str = ""
    cert_dir: str = ""
    tls_verify: bool | None = None
    architecture: str = ""

    def __repr__(self) -> str:
        return f"Options(authfile={self.authfile!r}, tls_verify={self.tls_verify})"


DEFAULTS = Options()


def _silent(_stage: Stage, _what: str) -> None:
    return


def ensure(
    store: Store,
    name: str,
    policy: PullPolicy = PullPolicy.IF_NOT_PRESENT,
    options: Options = DEFAULTS,
    progress: Callable[[Stage, str], None] = _silent,
) -> Image:
    """Return the image `name`, pulled as the policy asks.

    Raises Invalid when the policy forbids a pull that is needed, or the image does not exist;
    Retry when a registry cannot be reached, HostFault when skopeo is missing.
    """
    there = store.find(name)
    if there is not None and not store.is_whole(there):
        there = None
    if policy is PullPolicy.NEVER:
        if there is None:
            raise Invalid(
                f'image "{name}" is not in the store and imagePullPolicy is Never',
                hint=f"podpy image pull {name}, or set imagePullPolicy: IfNotPresent",
            )
        return there
    if there is not None and policy in (PullPolicy.IF_NOT_PRESENT, PullPolicy.MISSING):
        return there
    if there is not None and _is_local(name):
        # Built or imported here: no registry has another one.
        return there
    try:
        return pull(store, name, options, progress)
    except Retry:
        if there is not None and policy is PullPolicy.NEWER:
            return there
        raise


def _is_local(name: str) -> bool:
    return reference.source(name) is None and reference.parse(name).registry == "localhost"


def pull(
    store: Store,
    name: str,
    options: Options = DEFAULTS,
    progress: Callable[[Stage, str], None] = _silent,
) -> Image:
    """Fetch the image, whatever the store has, and return it; see `ensure`."""
    source = reference.source(name)
    with store.locked(exclusive=False):
        if source is not None:
            return _fetch(store, str(source), _names_of(source), options, progress)
        wanted = reference.parse(name)
        faults: list[Fault] = []
        for place in registries.places(wanted, registries.read()):
            try:
                names = tuple(dict.fromkeys((str(place), str(wanted))))
                return _from_registry(store, place, names, options, progress)
            except (Invalid, Retry) as fault:
                faults.append(fault)
        if len(faults) == 1:
            raise faults[0]
        tried = "; ".join(fault.message for fault in faults)
        raise type(faults[-1])(f'image "{name}": found in no registry: {tried}')


def _from_registry(
    store: Store,
    place: reference.Reference,
    names: tuple[str, ...],
    options: Options,
    progress: Callable[[Stage, str], None],
) -> Image:
    """Fetch from a registry, unless what it has is what the store has."""
    there = store.find(str(place))
    if (
        there is not None
        and store.is_whole(there)
        and _remote_digest(f"docker://{place}", options, str(place)) == there.digest
    ):
        progress(Stage.READY, str(place))
        return there
    return _fetch(store, f"docker://{place}", names, options, progress)


def _names_of(source: reference.Source) -> tuple[str, ...]:
    """The name that a local source gives its image: oci:DIR:NAME; none where it says none."""
    if source.transport == "containers-storage":
        return (str(reference.parse(source.location.rpartition("]")[2])),)
    _, colon, name = source.location.partition(":")
    return (str(reference.parse(name)),) if colon and name else ()


def _fetch(
    store: Store,
    source: str,
    names: tuple[str, ...],
    options: Options,
    progress: Callable[[Stage, str], None],
) -> Image:
    about = names[0] if names else source
    progress(Stage.FETCHING, about)
    with _staging(store) as directory, _arguments(options, "src-", source) as arguments:
        platform = ("--override-arch", options.architecture) if options.architecture else ()
        _skopeo(
            *platform,
            "copy",
            "--quiet",
            "--dest-oci-accept-uncompressed-layers",
            *arguments,
            source,
            f"oci:{directory}/oci:image",
            about=about,
        )
        progress(Stage.UNPACKING, about)
        image = _import(store, f"{directory}/oci", about, _remote_digest(source, options, about))
    store.add(image, names)
    progress(Stage.READY, about)
    return image


def _remote_digest(source: str, options: Options, about: str) -> str:
    """The digest that the registry gives for the name: skopeo may have converted the manifest."""
    if not source.startswith("docker://"):
        return ""
    with _arguments(options, "", source) as arguments:
        return _sha256(_skopeo("inspect", *arguments, "--raw", source, about=about).stdout)


def _import(store: Store, layout: str, about: str, digest: str) -> Image:
    """Unpack the layers of the one image in an OCI layout."""
    index = _read_json(f"{layout}/index.json")
    manifest_digest = index["manifests"][0]["digest"]
    manifest = _read_json(_blob(layout, manifest_digest))
    config_digest = manifest["config"]["digest"]
    config = _read_json(_blob(layout, config_digest))
    diff_ids = config.get("rootfs", {}).get("diff_ids") or []
    if len(diff_ids) != len(manifest["layers"]):
        raise Invalid(
            f'image "{about}": its configuration names {len(diff_ids)} layers, its manifest '
            f"{len(manifest['layers'])}"
        )
    for layer, diff_id in zip(manifest["layers"], diff_ids, strict=True):
        _unpack(store, _blob(layout, layer["digest"]), layer["digest"], diff_id, about)
    return Image(
        id=config_digest.removeprefix("sha256:"),
        digest=digest or manifest_digest,
        config=_config(config.get("config") or {}),
        layers=tuple(diff_id.removeprefix("sha256:") for diff_id in diff_ids),
        size=sum(layer["size"] for layer in manifest["layers"]),
        created=config.get("created", ""),
        architecture=config.get("architecture", ""),
    )


def _config(raw: dict[str, Any]) -> ImageConfig:
    return ImageConfig(
        entrypoint=tuple(raw.get("Entrypoint") or ()),
        cmd=tuple(raw.get("Cmd") or ()),
        env=tuple(raw.get("Env") or ()),
        user=raw.get("User") or "",
        working_dir=raw.get("WorkingDir") or "",
        volumes=tuple(sorted(raw.get("Volumes") or ())),
        exposed_ports=tuple(sorted(raw.get("ExposedPorts") or ())),
        stop_signal=raw.get("StopSignal") or "",
        labels=raw.get("Labels") or {},
    )


def _unpack(store: Store, blob: str, digest: str, diff_id: str, about: str) -> None:
    """Unpack one layer, unless it is there; another process at the same layer is waited for."""
    name = diff_id.removeprefix("sha256:")
    target = f"{store.paths.layers}/{name}"
    if os.path.isdir(target):
        return
    with _layer_lock(store, name):
        if os.path.isdir(target):
            return
        temporary = f"{target}.tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            unpack(blob, temporary, digest=digest, diff_id=diff_id)
        except Fault as fault:
            raise type(fault)(f'image "{about}": {fault.message}', hint=fault.hint) from fault
        os.replace(temporary, target)


@contextlib.contextmanager
def _layer_lock(store: Store, name: str) -> Iterator[None]:
    """Hold the lock of one layer. Its file stays: two files of one name would be two locks."""
    directory = f"{store.paths.images}/locks"
    os.makedirs(directory, mode=0o700, exist_ok=True)
    lock = os.open(f"{directory}/{name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@contextlib.contextmanager
def _staging(store: Store) -> Iterator[str]:
    """A directory of this pull's own; what killed pulls left behind is removed on the way."""
    root = f"{store.paths.images}/staging"
    os.makedirs(root, mode=0o700, exist_ok=True)
    for name in os.listdir(root):
        _remove_if_left(f"{root}/{name}")
    directory = f"{root}/{os.getpid()}-{os.urandom(4).hex()}"
    os.mkdir(directory, 0o700)
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(descriptor)


def _remove_if_left(directory: str) -> None:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory, ignore_errors=True)
    except BlockingIOError:
        return  # its pull is still at work
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _arguments(options: Options, prefix: str, source: str) -> Iterator[tuple[str, ...]]:
    """skopeo's words for the options; `prefix` is "src-" where a command has two sides."""
    words: list[str] = []
    with contextlib.ExitStack() as stack:
        authfile = options.authfile
        if options.creds:
            registry = source.removeprefix("docker://").partition("/")[0]
            authfile = stack.enter_context(auth.file_for(options.creds, registry))
        if authfile:
            words += ["--authfile", authfile]
        if options.cert_dir:
            words += [f"--{prefix}cert-dir", options.cert_dir]
        if options.tls_verify is not None:
            words.append(f"--{prefix}tls-verify={str(options.tls_verify).lower()}")
        yield tuple(words)


_MISSING = ("manifest unknown", "name unknown", "not found", "no such file", "does not exist")
_DENIED = ("unauthorized", "denied", "authentication required", "forbidden")


def _skopeo(*words: str, about: str) -> proc.Result:
    seconds = PULL_SECONDS if "copy" in words else ASK_SECONDS
    policy = () if os.path.exists("/etc/containers/policy.json") else ("--insecure-policy",)
    result = proc.run("skopeo", *policy, *words, timeout=seconds)
    if result.status == 0:
        return result
    said = _plain(result.complaint)
    lower = said.lower()
    if any(sign in lower for sign in _DENIED):
        raise Invalid(
            f'image "{about}": access refused: {said}',
            hint="log in with `skopeo login`, or give --authfile or --creds",
        )
    if any(sign in lower for sign in _MISSING):
        raise Invalid(f'image "{about}": does not exist: {said}', hint="check name and tag")
    if "http: server gave HTTP response to HTTPS client" in said:
        raise Invalid(
            f'image "{about}": the registry speaks plain HTTP',
            hint="use --tls-verify=false, or mark it insecure in registries.conf",
        )
    if "no space left" in lower:
        raise HostFault(f'image "{about}": {said}', hint="podpy image prune --all")
    raise Retry(f'image "{about}": cannot be pulled: {said}', hint="the next pass tries again")


def _plain(complaint: str) -> str:
    """The message of skopeo's last log line."""
    last = complaint.splitlines()[-1]
    _, marker, message = last.partition("msg=")
    return message.strip('"').replace('\\"', '"') if marker else last


def _blob(layout: str, digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    return f"{layout}/blobs/{algorithm}/{value}"


def _read_json(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _sha256(content: bytes) -> str:
    import hashlib

    return f"sha256:{hashlib.sha256(content).hexdigest()}"
