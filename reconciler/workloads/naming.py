"""Hash specs and name pods, as Kubernetes' controllers do: `web-6f9d8c7b54-x2x9q`. Pure.

The alphabet is Kubernetes' (no vowels, no digits that look like letters), so that no name spells
a word. Names follow from what they are made of: the same inputs give the same name.
"""

from __future__ import annotations

import json

from manifests import codec, digests, settings
from manifests.ref import SpecHash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from manifests.pod import Pod, PodTemplate

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
TEMPLATE_HASH_LENGTH = 10
SUFFIX_LENGTH = 5
LONGEST_NAME = 63
READ_ANNOTATIONS = ("podpy.dev/", "io.podman.annotations.")
"""Prefixes of annotations that change what runs; the others are for people."""


def spec_hash(pod: Pod) -> SpecHash:
    """Return the hash of what makes a pod what it runs: its spec and the annotations podpy reads.

    Labels and other annotations change in place, as in Kubernetes.
    """
    return _digest({"spec": codec.encode(pod.spec), "annotations": read_annotations(pod)})


def read_annotations(pod: Pod) -> dict[str, str]:
    """Return those of the pod's annotations that change what runs."""
    return read_of(pod.metadata.annotations)


def read_of(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return those annotations that change what runs; when it begins is no matter of that."""
    return {
        key: value
        for key, value in annotations.items()
        if key.startswith(READ_ANNOTATIONS) and key not in settings.ORDER
    }


def template_hash(template: PodTemplate) -> str:
    """Return the `pod-template-hash` of a workload's pods: it covers the whole template."""
    return _spell(_digest(codec.encode(template)), TEMPLATE_HASH_LENGTH)


def pod_name(owner: str, seed: str, taken: Container[str]) -> str:
    """Return OWNER-xxxxx, a name that is not taken; `seed` decides which."""
    # Cut behind a dot it would be no name: each part of a name begins with a letter or digit.
    stem = owner[: LONGEST_NAME - SUFFIX_LENGTH - 1].rstrip("-.")
    attempt = 0
    while True:
        name = f"{stem}-{_spell(_digest([owner, seed, attempt]), SUFFIX_LENGTH)}"
        if name not in taken:
            return name
        attempt += 1


def _digest(value: Mapping[str, object] | list[object]) -> SpecHash:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return SpecHash(digests.of(text))


def _spell(digest: str, length: int) -> str:
    number = int(digest, 16)
    letters = []
    for _ in range(length):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)
