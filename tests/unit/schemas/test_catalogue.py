"""schemas.catalogue: kinds, scopes and fields."""

from __future__ import annotations

import pytest

from schemas import catalogue


def test_kinds_that_people_write_are_known() -> None:
    for api_version, kind in (
        ("v1", "Pod"),
        ("v1", "PersistentVolumeClaim"),
        ("apps/v1", "Deployment"),
        ("batch/v1", "CronJob"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("policy/v1", "PodDisruptionBudget"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("storage.k8s.io/v1", "StorageClass"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ("podpy.dev/v1", "Network"),
    ):
        assert catalogue.known(api_version, kind), kind
    for kind in ("PodList", "Status", "Binding", "DeleteOptions", "pod"):
        assert not catalogue.known("v1", kind), kind


@pytest.mark.parametrize(
    ("api_version", "kind", "namespaced"),
    [
        ("v1", "Pod", True),
        ("v1", "Namespace", False),
        ("v1", "PersistentVolume", False),
        ("v1", "PersistentVolumeClaim", True),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", False),
        ("podpy.dev/v1", "Network", False),
        ("example.org/v1", "Unknown", True),
    ],
)
def test_scope(api_version: str, kind: str, namespaced: bool) -> None:
    assert catalogue.namespaced(api_version, kind) == namespaced


@pytest.mark.parametrize(
    ("api_version", "kind", "said"),
    [
        (
            "extensions/v1beta1",
            "Deployment",
            'there is no Deployment in apiVersion extensions/v1beta1; did you mean "apps/v1"?',
        ),
        ("v1", "Deployemnt", 'the kind Deployemnt is not known; did you mean "Deployment"?'),
        ("v1", "pod", 'the kind pod is not known; did you mean "Pod"?'),
        ("example.org/v1", "Frobnicator", "the kind Frobnicator of example.org/v1 is not known"),
    ],
)
def test_unknown_kinds_come_with_a_guess(api_version: str, kind: str, said: str) -> None:
    assert catalogue.unknown_kind(api_version, kind) == said


def test_stable_versions_come_first() -> None:
    assert catalogue.api_versions("IPAddress") == (
        "networking.k8s.io/v1",
        "networking.k8s.io/v1beta1",
    )
