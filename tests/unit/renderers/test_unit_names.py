from __future__ import annotations

from renderers import unit_names


def test_no_pods_slice_is_within_that_of_another_pod() -> None:
    names = [unit_names.pod_slice("default", name) for name in ("web", "web-a")]

    assert names == ["podpy-default-web.slice", r"podpy-default-web\x2da.slice"]
    assert unit_names.pod_slice("shop-a", "web") == r"podpy-shop\x2da-web.slice"


def test_a_container_and_a_pod_never_have_one_name() -> None:
    assert unit_names.container_service("shop", "web", "a") != unit_names.pod_service(
        "shop", "web-a"
    )
    assert unit_names.container_service("a", "b-c", "d") != unit_names.container_service(
        "a", "b", "c-d"
    )


def test_only_names_that_systemd_takes_are_short_enough() -> None:
    assert not unit_names.too_long("a" * 247 + ".service")
    assert unit_names.too_long("a" * 248 + ".service")
