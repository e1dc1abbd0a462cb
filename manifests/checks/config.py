"""Check ConfigMaps and Secrets: keys, sizes, and what the types of Secrets ask for.

No message shows what a Secret holds.
"""

from __future__ import annotations

from manifests.checks import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.checks.findings import Findings
    from manifests.config import ConfigMap, Secret

LARGEST = 1024 * 1024
"""Bytes of all values of a ConfigMap or Secret."""

_NEEDED = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
_JSON = frozenset({"kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson"})
_ACCOUNT = "kubernetes.io/service-account.name"


def check_config_map(config: ConfigMap, findings: Findings) -> None:
    for field, keys in (("data", config.data), ("binaryData", config.binary_data)):
        for key in keys:
            findings.unless(names.config_key(key), (field, key))
    for key in config.data.keys() & config.binary_data.keys():
        findings.add(("binaryData", key), f'the key "{key}" is in data as well')
    texts = (text.encode() for text in config.data.values())
    _check_size((*texts, *config.binary_data.values()), findings)


def check_secret(secret: Secret, findings: Findings) -> None:
    for field, keys in (("data", secret.data), ("stringData", secret.string_data)):
        for key in keys:
            findings.unless(names.config_key(key), (field, key))
    content = secret.content()
    _check_size(content.values(), findings)
    for key in _NEEDED.get(secret.type, ()):
        if key not in content:
            findings.add(("data", key), f"is required in a Secret of type {secret.type}")
        elif not content[key] and secret.type != "kubernetes.io/tls":
            findings.add(("data", key), "must not be empty")
        elif secret.type in _JSON and not _is_json(content[key]):
            findings.add(("data", key), "must hold JSON")
    if secret.type == "kubernetes.io/basic-auth" and not {"username", "password"} & content.keys():
        findings.add(("data",), f"must have username or password: the type is {secret.type}")
    unnamed = not secret.metadata.annotations.get(_ACCOUNT)
    if secret.type == "kubernetes.io/service-account-token" and unnamed:
        message = f"is required in a Secret of type {secret.type}"
        findings.add(("metadata", "annotations", _ACCOUNT), message)


def _check_size(values: Iterable[bytes], findings: Findings) -> None:
    size = sum(len(value) for value in values)
    if size > LARGEST:
        findings.add((), f"holds {size} bytes; the limit is {LARGEST} (1 MiB)")


def _is_json(value: bytes) -> bool:
    import json

    try:
        json.loads(value)
    except ValueError:
        return False
    return True
