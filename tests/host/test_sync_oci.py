"""A Sync whose source is an artifact of a registry, on a real one, and on one that misbehaves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from manifests import digests
from reconciler.source import kustomize
from runtime.image import manifest
from tests.fixtures import artifacts, broken_registry, sops
from tests.fixtures.artifacts import Artifact, Blob
from tests.fixtures.objects import config, pod
from tests.fixtures.shop import Shop

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy
    from tests.fixtures.registry import Registry

pytestmark = pytest.mark.host


@pytest.fixture
def shop(podpy: Podpy, local_registry: Registry, tmp_path: Path) -> Shop:
    return Shop(podpy, local_registry, tmp_path)


def status(podpy: Podpy) -> dict[str, Any]:
    found: dict[str, Any] = podpy.json("sync", "status", "shop", "-o", "json")[0]["status"]
    return found


def configs(podpy: Podpy) -> list[str]:
    listed = podpy.json("get", "configmaps", "-o", "json")["items"]
    return sorted(item["metadata"]["name"] for item in listed)


def test_a_tag_is_followed_and_an_unchanged_one_changes_nothing(
    podpy: Podpy, shop: Shop, image: str
) -> None:
    first = shop.push(artifacts.flux({"web.yaml": pod(image), "page.yaml": config("page")}))
    shop.add("--insecure")
    begun, again = shop.follow(), shop.follow()
    second = shop.push(artifacts.flux({"web.yaml": pod(image), "more.yaml": config("more")}))
    after = shop.follow()

    assert begun.stdout.endswith(f"sync/shop: Ready {digests.short(first)}\n")
    assert again.stdout == f"sync/shop: Ready {digests.short(first)}\n"
    assert "pod/web" not in after.stdout
    assert after.stdout.endswith(f"sync/shop: Ready {digests.short(second)}\n")
    assert configs(podpy) == ["more"]
    assert (status(podpy)["good"], status(podpy)["seen"]) == (second, second)
    history = podpy.ok("sync", "history", "shop")
    assert digests.short(first) in history
    assert digests.short(second) in history
    assert digests.short(second) in podpy.ok("sync", "ls")


@pytest.mark.parametrize("form", ["oras directory", "oras files", "image", "zstd"])
def test_what_other_tools_push_is_followed(podpy: Podpy, shop: Shop, form: str) -> None:
    files = {"page.yaml": config("page"), "README": "no manifest\n"}
    below = {f"deploy/{name}": text for name, text in files.items()}
    held = {
        "oras directory": artifacts.oras_directory("deploy", files),
        "oras files": artifacts.oras_files(below),
        "image": artifacts.image(artifacts.packed(below)),
        "zstd": artifacts.image(
            artifacts.zstd(artifacts.archive(below)), kind=f"{artifacts.LAYER}+zstd"
        ),
    }
    digest = shop.push(held[form])
    shop.add("--insecure", "--path", "deploy")

    assert shop.follow().stdout.endswith(f"Ready {digests.short(digest)}\n")
    assert configs(podpy) == ["page"]


def test_of_an_index_what_is_for_this_host_is_followed(podpy: Podpy, tmp_path: Path) -> None:
    own = manifest.platform().architecture
    here = artifacts.image(artifacts.packed({"page.yaml": config("here")}))
    there = artifacts.image(artifacts.packed({"page.yaml": config("there")}))
    both = artifacts.write_index(tmp_path / "both", {"s390": there, own: here})
    artifacts.write_index(tmp_path / "other", {"s390": there})
    with broken_registry.running(tmp_path / "both") as server:
        podpy.ok("sync", "add", "shop", "--oci", f"oci://{server.address}/shop", "--insecure")
        done = podpy.run("sync", "reconcile", "shop")
        server.layout = tmp_path / "other"
        foreign = podpy.run("sync", "reconcile", "shop")

    assert done.stdout.endswith(f"Ready {digests.short(both)}\n")
    assert configs(podpy) == ["here"]
    assert f"Invalid {digests.short(both)}" in foreign.stdout
    assert "only for linux/s390 (hint: push one for this host, too" in foreign.stdout


def test_hooks_run_once_and_removals_beyond_the_limit_wait(
    podpy: Podpy, shop: Shop, image: str
) -> None:
    job = f"""
apiVersion: batch/v1
kind: Job
metadata: {{name: before, annotations: {{podpy.dev/hook: pre-sync}}}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{{name: main, image: "{image}", command: ["true"]}}]
"""
    many = {f"{name}.yaml": config(name) for name in "abcd"}
    first = shop.push(artifacts.flux({"hook.yaml": job, **many}))
    shop.add("--insecure")
    begun, again = shop.follow(), shop.follow()
    jobs = podpy.json("get", "jobs", "-o", "json")["items"]
    shop.push(artifacts.flux({"a.yaml": config("a")}))
    withheld, kept = shop.follow(), configs(podpy)
    approved = podpy.run("sync", "approve", "shop")

    assert (begun.status, again.stdout.count("\n")) == (0, 1)
    assert [one["metadata"]["name"] for one in jobs] == [f"before-{digests.bare(first)[:8]}"]
    assert (withheld.status, kept) == (4, list("abcd"))
    assert approved.status == 0
    assert configs(podpy) == ["a"]


def test_the_newest_version_of_a_range_is_followed(podpy: Podpy, shop: Shop) -> None:
    for tag in ("1.2.0", "v1.10.0", "2.0.0", "1.11.0-rc.1", "nightly"):
        shop.push(artifacts.flux({"page.yaml": config("page", tag)}), tag)
    shop.add("--insecure", "--semver", "^1")
    shop.follow()
    first = podpy.ok("get", "configmap", "page", "-o", "jsonpath={.data.text}")
    shop.push(artifacts.flux({"page.yaml": config("page", "1.11.0")}), "1.11.0")
    shop.follow()

    assert first == "v1.10.0"
    assert podpy.ok("get", "configmap", "page", "-o", "jsonpath={.data.text}") == "1.11.0"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--branch", "main"), "branch: is for a git repository, whose --url is not given"),
        (("--token-file", "/x"), "tokenFile: is for a git repository, whose --url is not given"),
        (("--url", "/x"), "must be exactly one of git, directory and oci"),
    ],
)
def test_flags_of_other_sources_are_refused(
    shop: Shop, podpy: Podpy, words: tuple[str, ...], said: str
) -> None:
    done = podpy.run("sync", "add", "shop", "--oci", shop.url, *words)

    assert done.status == 1
    assert said in done.stderr


def test_a_range_without_a_tag_is_told(shop: Shop) -> None:
    shop.push(artifacts.flux({"page.yaml": config("page")}), "1.0.0")
    shop.add("--insecure", "--semver", "^2")

    assert f'{shop.url} has no tag in the range "^2"' in shop.follow().stdout


def test_a_digest_stays_where_it_is_and_is_not_asked_for_twice(
    podpy: Podpy, tmp_path: Path
) -> None:
    pinned = artifacts.write(tmp_path / "layout", artifacts.flux({"page.yaml": config("page")}))
    with broken_registry.running(tmp_path / "layout") as server:
        url = f"oci://{server.address}/shop"
        podpy.ok("sync", "add", "shop", "--oci", url, "--digest", pinned, "--insecure")
        done = podpy.run("sync", "reconcile", "shop")
        server.asked.clear()
        podpy.ok("sync", "reconcile", "shop")

        assert done.stdout.endswith(f"Ready {digests.short(pinned)}\n")
        assert server.asked == []


def test_an_unchanged_tag_costs_one_question(podpy: Podpy, tmp_path: Path) -> None:
    digest = artifacts.write(tmp_path / "layout", artifacts.flux({"page.yaml": config("page")}))
    with broken_registry.running(tmp_path / "layout") as server:
        podpy.ok("sync", "add", "shop", "--oci", f"oci://{server.address}/shop", "--insecure")
        podpy.ok("sync", "reconcile", "shop")
        server.asked.clear()
        done = podpy.ok("sync", "reconcile", "shop")

        assert done == f"sync/shop: Ready {digests.short(digest)}\n"
        assert server.asked == [digest]


STRANGE = {
    "chart": (
        Artifact("application/vnd.cncf.helm.config.v1+json", [Blob("x/y", b"chart")]),
        "it is a Helm chart, which is no manifest before it is rendered",
    ),
    "wasm": (
        Artifact(artifacts.ORAS_CONFIG, [Blob("application/wasm", b"\0asm")]),
        "what it holds is not read as manifests: application/wasm",
    ),
    "no manifest in it": (artifacts.flux({"README": "nothing"}), "holds no manifests"),
    "hostile": (artifacts.flux({"../page.yaml": "x"}), "outside of its layer"),
}


@pytest.mark.parametrize(("held", "said"), STRANGE.values(), ids=STRANGE)
def test_what_cannot_be_followed_is_told_and_removes_nothing(
    podpy: Podpy, shop: Shop, held: Artifact, said: str
) -> None:
    good = shop.push(artifacts.flux({"page.yaml": config("page")}))
    shop.add("--insecure")
    shop.follow()
    shop.push(held)
    podpy.ok("delete", "configmap", "page")
    done = shop.follow()

    assert done.status == 1
    assert said in done.stdout
    assert "Invalid" in done.stdout
    assert configs(podpy) == ["page"]
    assert status(podpy)["applied"] == good


def test_a_link_in_an_artifact_is_left_out_with_a_warning(shop: Shop) -> None:
    import tarfile

    link = tarfile.TarInfo("stolen.yaml")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    shop.push(artifacts.flux({"page.yaml": config("page")}, link))
    shop.add("--insecure")
    done = shop.follow()

    assert done.status == 0
    assert "stolen.yaml: warning: is a link, and left out" in done.stderr


def test_a_revision_that_does_not_run_is_taken_back_and_an_earlier_one_can_be_gone_back_to(
    podpy: Podpy, shop: Shop, image: str
) -> None:
    first = shop.push(artifacts.flux({"web.yaml": pod(image), "page.yaml": config("page")}))
    shop.add("--insecure")
    shop.follow()
    second = shop.push(artifacts.flux({"web.yaml": pod(image), "page.yaml": config("page", "2")}))
    shop.follow()
    bad = shop.push(artifacts.flux({"web.yaml": pod(image, command="no-such-program")}))
    broken = shop.follow()
    known = status(podpy)
    back = podpy.run("sync", "rollback", "shop", first[len("sha256:") :][:12])

    assert broken.status == 3
    assert (known["applied"], known["bad"]) == (second, [bad])
    assert back.status == 0
    assert f"goes back to revision {digests.short(first)}" in back.stdout
    assert status(podpy)["applied"] == first
    assert podpy.ok("get", "configmap", "page", "-o", "jsonpath={.data.text}") == "1"


def test_plans_are_of_the_next_pass_or_of_another_tag_or_digest(podpy: Podpy, shop: Shop) -> None:
    shop.push(artifacts.flux({"page.yaml": config("page")}))
    shop.add("--insecure")
    shop.follow()
    next_one = shop.push(artifacts.flux({"other.yaml": config("other")}), "next")
    tagged = podpy.run("plan", "shop", "--ref", "next")
    pinned = podpy.run("plan", "shop", "--ref", next_one, "-o", "markdown")
    none = podpy.run("sync", "diff", "shop")

    assert (tagged.status, pinned.status, none.status) == (1, 1, 0)
    assert f"sync/shop: revision {digests.short(next_one)}" in tagged.stdout
    assert "other" in pinned.stdout
    assert configs(podpy) == ["page"]


def test_templates_and_sops_are_acted_on(podpy: Podpy, shop: Shop, tmp_path: Path) -> None:
    keeper = sops.Keeper(tmp_path)
    template = config("page", "{{ values.text }} of {{ sync.name }}")
    plain = "apiVersion: v1\nkind: Secret\nmetadata: {name: word}\nstringData: {a: open}\n"
    secret = keeper.encrypt(plain, "--encrypted-regex", "^stringData$")
    files = {"page.yaml.j2": template, "values.yaml": "text: page\n", "secret.yaml": secret}
    digest = shop.push(artifacts.flux(files))
    shop.add("--insecure", "--age-key-file", str(keeper.key_file))
    sync = Path(podpy.root) / "etc/syncs.d/shop.yaml"
    sync.write_text(f"{sync.read_text()}  template: {{jinja2: {{values: [values.yaml]}}}}\n")
    first, again = shop.follow(), shop.follow()

    assert (first.status, again.status) == (0, 0), first.stdout + first.stderr
    assert again.stdout.count("\n") == 1
    assert podpy.ok("get", "configmap", "page", "-o", "jsonpath={.data.text}") == "page of shop"
    assert status(podpy)["commit"] == digest
    assert f"Artifact in the source: {digest}" in " ".join(
        podpy.ok("sync", "status", "shop").split()
    )


@pytest.mark.skipif(kustomize.program() is None, reason="neither kustomize nor kubectl is here")
def test_a_kustomization_is_built(podpy: Podpy, shop: Shop) -> None:
    files = {
        "base/kustomization.yaml": "resources: [page.yaml]\n",
        "base/page.yaml": config("page"),
        "prod/kustomization.yaml": "resources: [../base]\nnameSuffix: -prod\n",
    }
    shop.push(artifacts.flux(files))
    shop.add("--insecure", "--path", "prod")
    sync = Path(podpy.root) / "etc/syncs.d/shop.yaml"
    sync.write_text(f"{sync.read_text()}  template: {{kustomize: {{}}}}\n")

    assert shop.follow().status == 0
    assert configs(podpy) == ["page-prod"]


def test_a_source_may_become_an_artifact_and_a_repository_again(
    podpy: Podpy, shop: Shop, tmp_path: Path
) -> None:
    from tests.fixtures.forge import Forge

    forge = Forge(tmp_path / "forge", object_format="sha256")
    commit = forge.commit({"page.yaml": config("page")})
    digest = shop.push(artifacts.flux({"page.yaml": config("page")}))
    podpy.ok("sync", "add", "shop", "--url", forge.url)
    sync = Path(podpy.root) / "etc/syncs.d/shop.yaml"
    git = sync.read_text()
    shop.follow()
    sync.unlink()
    shop.add("--insecure")
    artifact = shop.follow()
    sync.write_text(git)
    back = shop.follow()

    assert artifact.stdout.endswith(f"Ready {digests.short(digest)}\n")
    assert back.stdout.endswith(f"Ready {commit[:12]}\n")
