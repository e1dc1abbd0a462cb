"""podpy killed while it moves data: claims, the trash, ConfigMaps in pods, images, networks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import killed
from tests.fixtures.objects import claim, config

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

READER = """
apiVersion: v1
kind: ConfigMap
metadata: {{name: page}}
data: {{text: "{text}"}}
---
apiVersion: v1
kind: Pod
metadata: {{name: reader}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: localhost/podpy-test/busybox:1
    command: [sleep, "1000"]
    volumeMounts: [{{name: page, mountPath: /page}}]
  volumes: [{{name: page, configMap: {{name: page}}}}]
"""
NETWORK = """
apiVersion: podpy.dev/v1
kind: Network
metadata: {{name: front}}
spec: {{{spec}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web, annotations: {{podpy.dev/network: front}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {{name: c, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}}
"""


class Data:
    """The claim `data` with a row in it, which is in one place whatever happens."""

    def __init__(self, podpy: Podpy) -> None:
        self.podpy = podpy
        self.row = Path(podpy.paths.claim("default", "data"), "row")

    def begin(self) -> None:
        self.podpy.run("delete", "pvc", "data", "--volumes", "--ignore-not-found")
        self.podpy.ok("volume", "prune", "--all", "--yes")
        self.podpy.ok("apply", "-f", "-", stdin=claim("data"))
        self.row.write_text("precious")

    def places(self) -> list[str]:
        """The files of all claims, of the trash, which is below them, and of what is to go."""
        return sorted(
            os.path.join(folder, name)
            for folder, _, names in os.walk(self.podpy.paths.claims)
            for name in names
        )

    def rows(self) -> list[str]:
        return [path for path in self.places() if path.endswith("/row")]

    def is_removed(self, *words: str) -> Callable[[str], None]:
        def settled(about: str) -> None:
            assert len(self.rows()) == 1, about
            self.podpy.run(*words)
            listed = self.podpy.json("undo", "-o", "json")
            assert [one["name"] for one in listed] == ["data"], about
            assert not [path for path in self.places() if "/.claims/" in path], about
            assert not self.row.exists(), about
            assert [Path(one).read_text() for one in self.rows()] == ["precious"], about

        return settled

    def is_back(self, about: str) -> None:
        assert len(self.rows()) == 1, about
        self.podpy.run("undo", "pvc/data")
        self.podpy.ok("apply", "-f", "-", stdin=claim("data"))
        assert self.row.read_text() == "precious", about
        assert self.podpy.json("undo", "-o", "json") == [], about
        self.is_quiet(about)

    def is_gone(self, *words: str) -> Callable[[str], None]:
        def settled(about: str) -> None:
            self.podpy.ok(*words)
            assert self.podpy.json("undo", "-o", "json") == [], about
            assert self.places() == [], about
            assert os.listdir(self.podpy.paths.trash) == [], about

        return settled

    def is_quiet(self, about: str) -> None:
        said = self.podpy.run("diff", "-f", "-", stdin=claim("data"))
        assert said.status == 0, f"{about}\n{said.stdout}"


def test_a_removed_claim_is_in_its_place_or_in_the_trash(podpy: Podpy, dying: killed.Dying) -> None:
    data = Data(podpy)
    delete = ("delete", "pvc", "data", "--volumes", "--ignore-not-found")
    remove = ("volume", "rm", "data", "--yes")
    prune = ("volume", "prune", "--all", "--yes")
    steps = [
        killed.Step(delete, data.is_removed(*delete)),
        killed.Step(("undo", "pvc/data"), data.is_back),
        killed.Step(remove, data.is_removed(*remove)),
        killed.Step(prune, data.is_gone(*prune)),
    ]

    killed.tell(dying, data.begin, steps)


def test_what_is_past_its_time_goes_with_the_next_pass(
    podpy: Podpy, dying: killed.Dying, tmp_path: Path
) -> None:
    data = Data(podpy)
    settings = Path(podpy.root, "etc", "podpy.toml")
    settings.parent.mkdir(exist_ok=True)
    page = tmp_path / "page.yaml"
    page.write_text(config("page"))
    apply = ("apply", "-f", str(page))

    def begin() -> None:
        settings.write_text("")
        data.begin()
        settings.write_text('[volumes]\ntrash = "1ms"\n')
        podpy.ok("volume", "rm", "data", "--yes")

    killed.tell(dying, begin, [killed.Step(apply, data.is_gone(*apply))])


def test_a_configmap_in_a_pod_is_the_old_or_the_new_one(
    podpy: Podpy, dying: killed.Dying, image: str, tmp_path: Path
) -> None:
    assert image == "localhost/podpy-test/busybox:1"
    file = tmp_path / "reader.yaml"
    apply = ("apply", "-f", str(file))

    def begin() -> None:
        file.write_text(READER.format(text="old"))
        podpy.ok(*apply)
        file.write_text(READER.format(text="new"))

    def settled(about: str) -> None:
        read = ("exec", "reader", "--", "cat", "/page/text")
        assert podpy.run(*read).stdout in ("old", "new", ""), about
        podpy.ok(*apply)
        assert podpy.ok(*read) == "new", about
        assert podpy.run("diff", "-f", str(file)).status == 0, about

    killed.tell(dying, begin, [killed.Step(apply, settled)])

    podpy.ok("delete", "-f", str(file))
    assert not [line for line in killed.state(podpy) if line.startswith("process")]


def test_a_network_that_gets_another_subnet_is_the_new_one_in_the_end(
    podpy: Podpy, dying: killed.Dying, image: str, tmp_path: Path
) -> None:
    assert image == "localhost/podpy-test/busybox:1"
    file = tmp_path / "net.yaml"
    delete = ("delete", "--ignore-not-found", "-f", str(file))
    subnets = ["198.18.78.0/24", "198.18.79.0/24"]

    def begin() -> None:
        file.write_text(NETWORK.format(spec=f"subnet: {subnets[0]}"))
        podpy.ok("apply", "-f", str(file))
        podpy.ok("delete", "pod", "web")
        file.write_text(NETWORK.format(spec=f"subnet: {subnets[1]}"))

    def settled(about: str) -> None:
        podpy.ok("apply", "-f", str(file))
        (found,) = podpy.json("network", "inspect", "front", "-o", "json")
        assert found["subnet"] == subnets[1], about
        assert [pod["address"].rpartition(".")[0] for pod in found["pods"]] == ["198.18.79"], about
        assert podpy.run("diff", "-f", str(file)).status == 0, about

    baseline: list[killed.Baseline] = []

    def gone(about: str) -> None:
        podpy.ok(*delete)
        baseline.append(killed.Baseline(podpy)) if not baseline else None
        assert baseline[0].left() == [], about
        assert podpy.run("network", "inspect", "front").status == 1, about

    steps = [killed.Step(("apply", "-f", str(file)), settled), killed.Step(delete, gone)]
    killed.tell(dying, begin, steps)


def test_an_image_is_whole_or_not_there_and_goes_as_a_whole(
    podpy: Podpy, dying: killed.Dying, busybox_image: Image
) -> None:
    pull = ("image", "pull", busybox_image.source)
    remove = ("image", "rm", busybox_image.name)

    def stored() -> list[str]:
        """All files of the store but its locks and its list of names."""
        return sorted(
            os.path.join(folder, name)
            for root in (podpy.paths.images, podpy.paths.layers)
            for folder, _, names in os.walk(root)
            for name in names
            if not name.endswith(("lock", "names.json"))
        )

    def pulled(about: str) -> None:
        podpy.ok(*pull)
        (found,) = podpy.json("image", "ls", "-o", "json")
        assert found["names"] == [busybox_image.name], about
        if not whole:
            whole.extend(stored())
        assert stored() == whole, about

    def removed(about: str) -> None:
        podpy.run(*remove)
        podpy.ok("image", "prune")
        assert podpy.json("image", "ls", "-o", "json") == [], about
        assert stored() == [], about

    whole: list[str] = []
    killed.tell(dying, lambda: None, [killed.Step(pull, pulled), killed.Step(remove, removed)])
