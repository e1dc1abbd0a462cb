"""Read an image's manifest and configuration: JSON bytes in, typed values out. Pure.

Called by runtime.image.pull, after skopeo has fetched the bytes. OCI manifests and Docker's
schema 2 are read, and the indexes of both; schema 1, which registries have dropped, is refused.
The formats are those of the OCI image specification 1.1.
"""

from __future__ import annotations

import json
import os

from manifests.faults import Invalid
from manifests.value import Value
from runtime.image import reference
from runtime.image.store import ImageConfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LARGEST = 8 << 20
"""Bytes that a manifest or a configuration may have; registries stop at 4 MiB."""

_ARCHITECTURES = {
    "x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386",
    "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64", "loongarch64": "loong64",
}  # fmt: skip
_VARIANTS = {"armv7l": "v7", "armv6l": "v6"}


class Platform(Value):
    """Which of an index's images is wanted."""

    os: str = "linux"
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


class Layer(Value):
    """A blob as the manifest lists it: what it is, not what is in it."""

    digest: str
    size: int


class Manifest(Value):
    """One image: the digest of its configuration, and its layers, the lowest first."""

    config: str
    config_size: int
    layers: tuple[Layer, ...]


class Configuration(Value):
    """An image's configuration; `created` is RFC 3339, `diff_ids` are the lowest layer's first."""

    run: ImageConfig
    created: str
    architecture: str
    diff_ids: tuple[str, ...]


def digest_of(data: bytes) -> str:
    """Return the digest that names `data`."""
    import hashlib

    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def platform(text: str = "") -> Platform:
    """Return the platform `[OS/]ARCHITECTURE[/VARIANT]`, or this host's when `text` is empty."""
    if not text:
        machine = os.uname().machine
        return Platform(
            architecture=_ARCHITECTURES.get(machine, machine), variant=_VARIANTS.get(machine, "")
        )
    parts = text.split("/")
    if len(parts) == 1:
        return Platform(architecture=_ARCHITECTURES.get(parts[0], parts[0]))
    if len(parts) > 3 or not all(parts):
        raise Invalid(f'platform "{text}": not OS/ARCHITECTURE[/VARIANT]')
    return Platform(
        os=parts[0],
        architecture=_ARCHITECTURES.get(parts[1], parts[1]),
        variant=parts[2] if len(parts) == 3 else "",
    )


def choose(raw: bytes, wanted: Platform) -> str | None:
    """Return the digest of the index's image for `wanted`; None when `raw` is no index.

    The same variant is best, then an entry without one, then any: an image for an older variant
    is better than none, as containerd judges too.
    """
    found = _json(raw, "manifest")
    if not isinstance(found.get("manifests"), list):
        return None
    best: tuple[int, str] | None = None
    there: list[str] = []
    for item in found["manifests"]:
        about = (item.get("platform") if isinstance(item, dict) else None) or {}
        said = Platform(
            os=about.get("os", "linux"),
            architecture=about.get("architecture", ""),
            variant=about.get("variant", ""),
        )
        there.append(str(said))
        if (said.os, said.architecture) != (wanted.os, wanted.architecture):
            continue
        rank = 2 if said.variant == wanted.variant else 1 if not said.variant else 0
        if best is None or rank > best[0]:
            best = (rank, _digest(item, "the index"))
    if best is None:
        known = ", ".join(sorted({name for name in there if "unknown" not in name}))
        raise Invalid(
            f"the image is not for {wanted}, only for {known or 'no platform at all'}",
            hint="choose one: podpy image pull --arch",
        )
    return best[1]


def manifest(raw: bytes) -> Manifest:
    """Read one image's manifest; raises Invalid when it is none."""
    found = _json(raw, "manifest")
    if found.get("schemaVersion") != 2 or not isinstance(found.get("config"), dict):
        raise Invalid(
            "the manifest is neither OCI's nor Docker's schema 2",
            hint="push the image again with a tool of this decade",
        )
    layers = tuple(
        Layer(digest=_digest(item, "the manifest"), size=_size(item))
        for item in found.get("layers") or ()
    )
    config = found["config"]
    return Manifest(
        config=_digest(config, "the manifest"), config_size=_size(config), layers=layers
    )


def configuration(raw: bytes) -> Configuration:
    """Read an image's configuration; raises Invalid when it is none."""
    found = _json(raw, "configuration")
    run = found.get("config") or {}
    rootfs = found.get("rootfs") or {}
    diff_ids = (rootfs.get("diff_ids") or []) if isinstance(rootfs, dict) else []
    if not isinstance(run, dict) or not isinstance(run.get("Labels") or {}, dict):
        raise Invalid("the image's configuration is malformed: is it an image for containers?")
    for diff_id in diff_ids:
        if not isinstance(diff_id, str) or not reference.is_digest(diff_id):
            raise Invalid(f"the image's configuration has {diff_id!r} where a diff id must be")
    return Configuration(
        run=ImageConfig(
            entrypoint=_texts(run, "Entrypoint"),
            cmd=_texts(run, "Cmd"),
            env=_texts(run, "Env"),
            user=_text(run, "User"),
            working_dir=_text(run, "WorkingDir"),
            volumes=_keys(run, "Volumes"),
            exposed_ports=_keys(run, "ExposedPorts"),
            stop_signal=_text(run, "StopSignal"),
            labels={key: str(text) for key, text in (run.get("Labels") or {}).items()},
        ),
        created=_text(found, "created"),
        architecture=_text(found, "architecture"),
        diff_ids=tuple(diff_ids),
    )


def is_docker(raw: bytes) -> bool:
    """Whether the manifest is Docker's: skopeo rewrites its configuration in an OCI layout."""
    return "docker" in str(_json(raw, "manifest").get("mediaType", ""))


def _json(raw: bytes, what: str) -> dict[str, Any]:
    if len(raw) > LARGEST:
        raise Invalid(f"the image's {what} has {len(raw)} bytes, more than {LARGEST}")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise Invalid(f"the image's {what} is not JSON") from None
    if not isinstance(found, dict):
        raise Invalid(f"the image's {what} is not a JSON object")
    return found


def _digest(item: object, where: str) -> str:
    found = item.get("digest") if isinstance(item, dict) else None
    if not isinstance(found, str) or not reference.is_digest(found):
        raise Invalid(f"{where} holds {found!r}, which is not a sha256 digest")
    return found


def _size(item: dict[str, Any]) -> int:
    size = item.get("size")
    if not isinstance(size, int) or not 0 <= size < 1 << 50:
        raise Invalid(f"the manifest gives a blob {size!r} bytes")
    return size


def _texts(found: dict[str, Any], key: str) -> tuple[str, ...]:
    listed = found.get(key) or ()
    if not isinstance(listed, (list, tuple)) or not all(isinstance(item, str) for item in listed):
        raise Invalid(f"the image's configuration is malformed: {key} is not a list of texts")
    return tuple(listed)


def _text(found: dict[str, Any], key: str) -> str:
    text = found.get(key) or ""
    if not isinstance(text, str):
        raise Invalid(f"the image's configuration is malformed: {key} is not a text")
    return text


def _keys(found: dict[str, Any], key: str) -> tuple[str, ...]:
    held = found.get(key) or {}
    if not isinstance(held, dict):
        raise Invalid(f"the image's configuration is malformed: {key} is not an object")
    return tuple(sorted(held))
