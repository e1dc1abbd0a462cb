"""reconciler.workloads.naming: hashes of specs and names of pods."""

from __future__ import annotations

import re

from reconciler.workloads import naming
from tests.unit.reconciler.builders import container, pod, spec, template

DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def test_a_pod_name_is_its_owner_and_five_letters_of_the_alphabet() -> None:
    name = naming.pod_name("web", "seed", ())

    assert re.fullmatch(f"web-[{naming.ALPHABET}]{{5}}", name)


def test_the_same_seed_gives_the_same_name() -> None:
    assert naming.pod_name("web", "a", ()) == naming.pod_name("web", "a", ())
    assert naming.pod_name("web", "a", ()) != naming.pod_name("web", "b", ())


def test_a_name_that_is_taken_is_not_given_again() -> None:
    taken: set[str] = set()
    for _ in range(50):
        taken.add(naming.pod_name("web", "seed", taken))

    assert len(taken) == 50


def test_a_long_owner_is_cut_to_a_valid_name() -> None:
    name = naming.pod_name("x" * 200, "seed", ())

    assert len(name) == naming.LONGEST_NAME


def test_long_owners_with_one_beginning_get_different_names() -> None:
    first, second = "x" * 80 + "a", "x" * 80 + "b"

    assert naming.pod_name(first, "seed", ()) != naming.pod_name(second, "seed", ())


def test_an_owner_cut_behind_a_dot_or_dash_still_gives_a_valid_name() -> None:
    for sign in ".-":
        name = naming.pod_name("x" * 56 + sign + "yyy", "seed", ())

        assert DNS_SUBDOMAIN.fullmatch(name), name


def test_a_template_hash_has_ten_letters_and_covers_labels() -> None:
    first, second = naming.template_hash(template()), naming.template_hash(template(tier="b"))

    assert re.fullmatch(f"[{naming.ALPHABET}]{{10}}", first)
    assert first != second


def test_the_spec_hash_leaves_out_what_changes_in_place() -> None:
    plain = pod()
    labelled = plain.replace(metadata=plain.metadata.replace(labels={"a": "b"}))
    noted = plain.replace(metadata=plain.metadata.replace(annotations={"note": "x"}))

    assert naming.spec_hash(labelled) == naming.spec_hash(noted) == naming.spec_hash(plain)


def test_the_spec_hash_covers_the_spec_and_the_annotations_that_podpy_reads() -> None:
    plain = pod()
    podmans = plain.metadata.replace(annotations={"io.podman.annotations.init": "TRUE"})

    hashes = {
        naming.spec_hash(plain),
        naming.spec_hash(pod(of=spec(container(image="redis")))),
        naming.spec_hash(pod(network="front")),
        naming.spec_hash(plain.replace(metadata=podmans)),
    }

    assert len(hashes) == 4


def test_the_spec_hash_does_not_depend_on_the_order_of_annotations() -> None:
    first = pod(network="front", address="10.0.0.9")
    second = pod(address="10.0.0.9", network="front")

    assert naming.spec_hash(first) == naming.spec_hash(second)
