"""The units of images, and what Image= means: .image, .build and .artifact files. Pure.

They make no objects. What an .image says of pulling goes to the containers that name it.
"""

from __future__ import annotations

from manifests.quadlet import syntax, tables
from manifests.quadlet.reader import Reader
from manifests.quadlet.remarks import Grade
from manifests.quadlet.tables import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.problems import FieldPath
    from manifests.quadlet.pods import PodDraft
    from manifests.quadlet.reader import Read
    from manifests.quadlet.units import Unit, Units

_LOGINS = "images are pulled with this host's own registry logins"
_ARCHITECTURE = "images are those of this host's architecture"
_AGAIN = dict.fromkeys(("Retry", "RetryDelay"), "podpy tries again by itself")
_POLICIES = {"always": "Always", "never": "Never", "missing": "IfNotPresent", "newer": "Newer"}

IMAGE = Table(
    honoured=frozenset({"Image", "ImageTag", "Policy", "ServiceName"}),
    unsupported={
        **tables.ARGUMENTS,
        "PodmanArgs": "podpy is not run by Podman",
        "AllTags": "one image is pulled, that which is named",
        **dict.fromkeys(("Arch", "OS", "Variant"), _ARCHITECTURE),
        **dict.fromkeys(("AuthFile", "Creds"), _LOGINS),
        "CertDir": "the host's own certificates are trusted: /etc/containers/certs.d",
        "DecryptionKey": "images are not decrypted",
        "TLSVerify": "write it into /etc/containers/registries.conf: insecure = true",
    },
    told=_AGAIN,
    harmless={
        "AllTags": tables.NO,
        "TLSVerify": ("true", "yes", "1", "on"),
        "OS": ("linux",),
    },
)
BUILD = Table(
    honoured=frozenset(
        {
            *("Annotation", "Arch", "AuthFile", "BuildArg", "ContainersConfModule", "DNS"),
            *("DNSOption", "DNSSearch", "Environment", "File", "ForceRM", "GlobalArgs"),
            *("GroupAdd", "IgnoreFile", "ImageTag", "Label", "Network", "PodmanArgs", "Pull"),
            *("Retry", "RetryDelay", "Secret", "ServiceName", "SetWorkingDirectory"),
            *("TLSVerify", "Target", "Variant", "Volume"),
        }
    ),
)
"""Its keys are none of podpy's business: the unit as a whole is told of."""
ARTIFACT = Table(
    honoured=frozenset(
        {
            *("Artifact", "AuthFile", "CertDir", "ContainersConfModule", "Creds"),
            *("DecryptionKey", "GlobalArgs", "PodmanArgs", "Quiet", "Retry", "RetryDelay"),
            *("ServiceName", "TLSVerify"),
        }
    ),
)


def check(unit: Unit, units: Units) -> Reader:
    """Say what there is to say about a unit of an image by itself."""
    reader = Reader(unit)
    match unit.suffix:
        case ".image":
            tables.judge(reader, IMAGE)
            _require(reader, "Image")
            policy = reader.text("Policy")
            if policy is not None and policy.value not in _POLICIES:
                known = ", ".join(_POLICIES)
                reader.say(policy.entry, f'"{policy.value}" must be one of {known}', Grade.WRONG)
        case ".artifact":
            tables.judge(reader, ARTIFACT)
            _require(reader, "Artifact")
            reader.say(unit.top, "artifacts are not supported: nothing is fetched")
        case _:
            tables.judge(reader, BUILD)
            _check_build(reader, units)
    return reader


def resolved(reader: Reader, units: Units, read: Read) -> str | None:
    """Return the image that a word means; None for a unit that is not there, which is told."""
    if not read.value.endswith((".image", ".build")):
        return read.value
    unit = units.find(read.value, reader.unit)
    if unit is None:
        reader.say(read.entry, f"{read.value} is not among the units", Grade.WRONG)
        return None
    named = Reader(unit)
    if unit.suffix == ".build":
        tags = named.whole("ImageTag")
        return tags[0].value if tags else None
    given = named.text("ImageTag") or named.text("Image")
    return given.value if given is not None else None


def use(reader: Reader, pod: PodDraft, where: FieldPath, read: Read) -> None:
    """Give a container the image that a word means."""
    image = resolved(reader, pod.units, read)
    if image is None:
        return
    pod.put((*where, "image"), image, read.entry)
    unit = pod.units.find(read.value, reader.unit)
    policy = Reader(unit).text("Policy") if unit and unit.suffix == ".image" else None
    if policy is not None and policy.value in _POLICIES:
        pod.put((*where, "imagePullPolicy"), _POLICIES[policy.value], policy.entry)
    if unit is not None and unit.suffix == ".build":
        # What was built is nowhere to be pulled from.
        pod.put((*where, "imagePullPolicy"), "Never", read.entry)


def _require(reader: Reader, key: str) -> None:
    entry = reader.unit.last(key)
    if entry is None or not syntax.unquoted(entry.value):
        reader.say(entry or reader.unit.top, f"{key} is required", Grade.WRONG)


def _check_build(reader: Reader, units: Units) -> None:
    unit = reader.unit
    _require(reader, "ImageTag")
    file, directory = unit.last("File"), unit.last("SetWorkingDirectory")
    own = unit.last("WorkingDirectory", "Service")
    context = bool((directory and directory.value) or (own and own.value))
    if not context and not (file and file.value):
        reader.say(unit.top, "SetWorkingDirectory or File is required", Grade.WRONG)
    elif not context and file and not file.value.startswith(("/", "%", "http:", "https:")):
        message = "is relative, and there is no SetWorkingDirectory that it is relative to"
        reader.say(file, message, Grade.WRONG)
    for key, suffix in (("Network", ".network"), ("Volume", ".volume")):
        for one in reader.whole(key):
            name = one.value.partition(":")[0]
            if name.endswith(suffix) and units.find(name, unit) is None:
                reader.say(one.entry, f"{name} is not among the units", Grade.WRONG)
    tags = reader.whole("ImageTag")
    if tags:
        message = "podpy does not build it; have it built, and podpy image load it or push it"
        reader.say(tags[0].entry, f"is not supported: {message}: {tags[0].value}")
