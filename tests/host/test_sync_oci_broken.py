"""A Sync whose registry fails, lies, or is away; and podpy killed while it fetches an artifact."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from manifests import digests
from tests.fixtures import artifacts, broken_registry, killed
from tests.fixtures.command import wait_until
from tests.fixtures.git_https import command_lines_with
from tests.fixtures.objects import config

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.broken_registry import Handler
    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

RECONCILE = ("sync", "reconcile", "shop")


def configs(podpy: Podpy) -> list[str]:
    listed = podpy.json("get", "configmaps", "-o", "json")["items"]
    return sorted(item["metadata"]["name"] for item in listed)


def send_more(handler: Handler, content: bytes) -> None:
    handler.answer(content + bytes(1000), claimed=len(content) + 1000)


def send_without_end(handler: Handler, content: bytes) -> None:
    """Send far more than a disk should be filled with for this artifact."""
    size = 64 << 20
    handler.answer(content, claimed=size)
    with contextlib.suppress(OSError):
        for _ in range(size >> 20):
            handler.wfile.write(bytes(1 << 20))
    handler.close_connection = True


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (broken_registry.break_off, "cannot be fetched"),
        (broken_registry.lie, "cannot be fetched"),
        (broken_registry.refuse, "cannot be fetched"),
        (broken_registry.stall, "was not fetched within 3 s"),
        (send_more, "cannot be fetched"),
        (send_without_end, "a blob is larger than its manifest says"),
    ],
    ids=["dies", "corrupted", "busy", "stalls", "longer", "endless"],
)
def test_a_registry_that_fails_in_the_middle_harms_nothing_and_is_asked_again(
    podpy: Podpy,
    tmp_path: Path,
    failure: Callable[[broken_registry.Handler, bytes], None],
    said: str,
) -> None:
    good = artifacts.write(tmp_path / "good", artifacts.flux({"page.yaml": config("page")}))
    more = artifacts.write(tmp_path / "more", artifacts.flux({"more.yaml": config("more")}))
    with broken_registry.running(tmp_path / "good") as server:
        url = f"oci://{server.address}/shop"
        podpy.ok("sync", "add", "shop", "--oci", url, "--insecure", "--timeout", "3s")
        podpy.ok("sync", "reconcile", "shop")
        server.layout = tmp_path / "more"
        server.failures = {layer: [failure] * 9 for layer in server.layers()}
        podpy.ok("delete", "configmap", "page")
        cut = podpy.run("sync", "reconcile", "shop")
        kept, left = configs(podpy), list(Path(podpy.paths.sources).glob("*.incoming"))
        server.failures = {}
        server.released.set()
        after = podpy.run("sync", "reconcile", "shop")

    assert "SourceUnreachable" in cut.stdout
    assert said in cut.stdout
    assert (kept, left) == (["page"], [])
    assert digests.short(good) in cut.stdout
    assert after.stdout.endswith(f"Ready {digests.short(more)}\n")


def test_a_host_whose_registry_is_away_goes_by_its_disk(podpy: Podpy, tmp_path: Path) -> None:
    good = artifacts.write(tmp_path / "layout", artifacts.flux({"page.yaml": config("page")}))
    with broken_registry.running(tmp_path / "layout") as server:
        podpy.ok("sync", "add", "shop", "--oci", f"oci://{server.address}/shop", "--insecure")
        podpy.ok("sync", "reconcile", "shop")
    podpy.ok("delete", "configmap", "page")
    done = podpy.run("sync", "reconcile", "shop")
    again = podpy.run("sync", "reconcile", "shop")

    assert done.status == 1
    assert "configmap/page created" in done.stdout
    assert f"SourceUnreachable {digests.short(good)}" in again.stdout
    assert again.stdout.count("\n") == 1


def test_a_fetch_in_which_podpy_is_killed_is_done_again(podpy: Podpy, tmp_path: Path) -> None:
    digest = artifacts.write(tmp_path / "layout", artifacts.flux({"page.yaml": config("page")}))
    with broken_registry.running(tmp_path / "layout") as server:
        server.failures = {server.layers()[0]: [broken_registry.stall] * 9}
        podpy.ok("sync", "add", "shop", "--oci", f"oci://{server.address}/shop", "--insecure")
        child = podpy.start(*RECONCILE)
        wait_until(lambda: server.layers()[0] in server.asked, "the layer is asked for")
        child.kill()
        child.wait(30)
        wait_until(lambda: command_lines_with(server.address) == [], "skopeo has ended")
        server.failures = {}
        server.released.set()
        after = podpy.run(*RECONCILE)

    assert after.stdout.endswith(f"Ready {digests.short(digest)}\n")
    assert not list(Path(podpy.paths.sources).glob("*.incoming"))


def test_a_pass_can_be_killed_at_any_effect(
    podpy: Podpy, dying: killed.Dying, tmp_path: Path
) -> None:
    folders = [tmp_path / "layout-0"]
    artifacts.write(folders[0], artifacts.flux({"n0.yaml": config("n0")}))
    with broken_registry.running(folders[0]) as server:

        def push() -> None:
            number = len(folders)
            server.layout = tmp_path / f"layout-{number}"
            folders.append(server.layout)
            artifacts.write(server.layout, artifacts.flux({"n.yaml": config(f"n{number}")}))

        def settled(about: str) -> None:
            done, again = podpy.run(*RECONCILE), podpy.run(*RECONCILE)
            digest = digests.short(server.manifest_digest())
            assert done.status == 0, f"{about}\n{done.stdout}{done.stderr}"
            assert again.stdout == f"sync/shop: Ready {digest}\n", about
            assert configs(podpy) == [f"n{len(folders) - 1}"], about
            assert not list(Path(podpy.paths.sources).glob("*.incoming")), about

        # Each of them takes the place of all that there is.
        sync = Path(podpy.root) / "etc/syncs.d/shop.yaml"
        podpy.ok("sync", "add", "shop", "--oci", f"oci://{server.address}/shop", "--insecure")
        sync.write_text(f"{sync.read_text()}  pruneLimit: {{percent: 100}}\n")
        podpy.ok(*RECONCILE)
        killed.tell(dying, lambda: None, [killed.Step(RECONCILE, settled, push)])
