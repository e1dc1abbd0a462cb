"""podpy killed in what its smaller commands do: Syncs, repositories, networks, files, restarts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from manifests import digests
from tests.fixtures import killed, rolling
from tests.fixtures.forge import Forge
from tests.fixtures.objects import claim, config, pod

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image
    from tests.fixtures.registry import Registry

pytestmark = pytest.mark.host

POINTS = 2


def files(folder: Path | str) -> dict[str, bytes]:
    """What is below a folder: path -> content, but locks."""
    return {
        os.path.relpath(os.path.join(place, name), folder): Path(place, name).read_bytes()
        for place, _, names in os.walk(folder)
        for name in names
        if not name.endswith("lock")
    }


def syncs(podpy: Podpy) -> list[str]:
    return os.listdir(Path(podpy.root, "etc", "syncs.d"))


def unfinished(podpy: Podpy) -> list[str]:
    return [line for line in killed.state(podpy) if line.endswith(".tmp")]


def test_a_sync_is_added_whole_or_not_at_all(
    podpy: Podpy, dying: killed.Dying, tmp_path: Path
) -> None:
    forge = Forge(tmp_path / "forge")
    forge.commit({"page.yaml": config("page")})
    add = ("sync", "add", "shop", "--url", forge.url)

    def settled(about: str) -> None:
        again = podpy.run(*add)
        assert again.status == 0 or "is there already" in again.stderr, f"{about}: {again.stderr}"
        assert syncs(podpy) == ["shop.yaml"], about
        podpy.ok("sync", "reconcile", "shop")
        podpy.ok("sync", "rm", "shop")
        assert syncs(podpy) == [], about

    killed.tell(dying, lambda: None, [killed.Step(add, settled)], POINTS)


def test_a_repository_that_was_half_made_is_made_by_the_next_init(
    podpy: Podpy, dying: killed.Dying, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    forge = Forge(tmp_path / "work")
    forge.commit({"page.yaml": config("page")})
    init = ("receive", "init", "shop")
    whole: list[dict[str, bytes]] = []

    def made(about: str) -> None:
        podpy.ok(*init)
        found = files(podpy.paths.received)
        whole.append(found) if not whole else None
        assert found == whole[0], about
        push = ["git", "-C", forge.url, "push", f"{tmp_path}/shop", "main"]
        done = subprocess.run(push, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{about}\n{done.stderr}"
        assert "configmap/page" in done.stderr, about

    def removed(about: str) -> None:
        podpy.run("receive", "rm", "shop")
        podpy.ok("sync", "rm", "shop")
        assert not files(podpy.paths.received), about
        assert not os.path.lexists(tmp_path / "shop.git"), about
        assert not unfinished(podpy), about

    rm = killed.Step(("receive", "rm", "shop"), removed)
    killed.tell(dying, lambda: None, [killed.Step(init, made), rm], POINTS)


def test_networks_come_and_go_whole(podpy: Podpy, dying: killed.Dying) -> None:
    create = ("network", "create", "front", "--subnet", "198.18.80.0/24", "--ignore")
    baseline: list[killed.Baseline] = []

    def made(about: str) -> None:
        podpy.ok(*create)
        (found,) = podpy.json("network", "inspect", "front", "-o", "json")
        assert found["subnet"] == "198.18.80.0/24", about
        assert os.path.exists(f"/sys/class/net/{found['link']}"), about

    def gone(about: str) -> None:
        podpy.ok("network", "prune")
        assert podpy.ok("network", "ls", "-q") == "", about
        baseline.append(killed.Baseline(podpy)) if not baseline else None
        assert baseline[0].left() == [], about

    steps = [
        killed.Step(create, made),
        killed.Step(("network", "rm", "front"), gone),
        killed.Step(("network", "prune"), gone, lambda: podpy.ok(*create)),
    ]
    killed.tell(dying, lambda: None, steps, POINTS)


def test_what_the_doctor_tries_is_taken_off(podpy: Podpy, dying: killed.Dying) -> None:
    podpy.ok("apply", "-f", "-", stdin=config("page"))
    baseline = killed.Baseline(podpy)

    def settled(about: str) -> None:
        podpy.run("doctor")
        assert baseline.left() == [], about
        found = [name for _, names, _ in os.walk(podpy.root) for name in names]
        assert not [name for name in found if name.startswith(".podpy-")], about

    ends = podpy.run("doctor").status
    killed.tell(dying, lambda: None, [killed.Step(("doctor",), settled, ends=ends)], POINTS)


def test_a_restart_is_ended_or_had_not_begun(
    podpy: Podpy, dying: killed.Dying, image: str, tmp_path: Path
) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(rolling.manifest("Deployment", "web", image, "one"))
    podpy.ok("apply", "-f", str(file))

    def settled(about: str) -> None:
        assert rolling.words(podpy).count("one") >= 2, about
        podpy.ok("apply", "-f", str(file))
        assert rolling.words(podpy) == ["one", "one"], about
        assert "successfully" in podpy.ok("rollout", "status", "--watch=false", "deploy/web")
        assert podpy.run("diff", "-f", str(file)).status == 0, about

    step = killed.Step(("rollout", "restart", "deploy/web"), settled)
    killed.tell(dying, lambda: None, [step], POINTS)
    podpy.ok("delete", "-f", str(file))


def test_what_is_pushed_is_there_whole_after_the_next_push(
    podpy: Podpy,
    dying: killed.Dying,
    local_registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, scratch = tmp_path / "deploy", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    url = f"oci://{local_registry.address}/team/killed"
    push = ("sync", "push", url, "-f", str(folder), "--insecure")
    number = 0

    def change() -> None:
        nonlocal number
        number += 1
        (folder / "page.yaml").write_text(config("page", str(number)))

    def settled(about: str) -> None:
        digest = podpy.ok(*push).split()[-1]
        said = podpy.ok("sync", "reconcile", "shop")
        assert digests.short(digest) in said, about
        (page,) = podpy.json("get", "configmaps", "-o", "json")["items"]
        assert page["data"]["text"] == str(number), about
        assert os.listdir(scratch) == [], about

    change()
    podpy.ok(*push)
    podpy.ok("sync", "add", "shop", "--oci", url, "--insecure")
    killed.tell(dying, lambda: None, [killed.Step(push, settled, change)], POINTS)


def test_images_are_pruned_by_the_next_prune(
    podpy: Podpy, dying: killed.Dying, busybox_image: Image
) -> None:
    prune = ("image", "prune", "--all")

    def pruned(about: str) -> None:
        podpy.ok(*prune)
        assert podpy.json("image", "ls", "-o", "json") == [], about
        left = [name for root in (podpy.paths.images, podpy.paths.layers) for name in files(root)]
        assert [name for name in left if not name.endswith("names.json")] == [], about
        podpy.load(busybox_image)

    podpy.load(busybox_image)
    killed.tell(dying, lambda: None, [killed.Step(prune, pruned)], POINTS)


FORMS = {
    "generate": ("generate", "kube", "-A", "-o"),
    "convert": ("convert", "-f", "app.yaml", "--to", "kubernetes", "-o"),
    "quadlet": ("render", "quadlet", "-f", "app.yaml", "--prune", "-o"),
    "systemd": ("render", "systemd", "-f", "app.yaml", "--prune", "-o"),
}


@pytest.mark.parametrize("form", FORMS)
def test_files_are_written_whole_and_completed_by_the_next_run(
    podpy: Podpy,
    dying: killed.Dying,
    image: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    out, app = tmp_path / "out", tmp_path / "app.yaml"
    write = (*FORMS[form], str(out))
    states: dict[str, dict[str, bytes]] = {}

    def wish(*texts: str) -> None:
        app.write_text("---".join(texts))
        if form == "generate":
            podpy.ok("apply", "--prune", "-f", str(app))

    def first() -> None:
        wish(pod(image), config("old"), claim("data"))

    def second() -> None:
        wish(pod(image, "new"), config("new"), claim("data"))

    def settles(name: str) -> killed.Step:
        def settled(about: str) -> None:
            podpy.ok(*write)
            found = files(out)
            assert found == states.setdefault(name, found), about
            assert len(found) >= 2, about

        return killed.Step(write, settled, first if name == "first" else second)

    steps = [settles("first"), settles("second")]
    killed.tell(dying, lambda: shutil.rmtree(out, ignore_errors=True), steps, POINTS)
