"""terminationMessagePath and -Policy: what containers say of their end, by the real command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtime.observe import records
from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

HEAD = """
apiVersion: v1
kind: Pod
metadata: {name: words}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
"""
CONTAINER = """
  - name: {name}
    image: "localhost/podpy-test/busybox:1"
    command: [sh, -c, "{script}"]
    {more}
"""
FALLBACK = "terminationMessagePolicy: FallbackToLogsOnError"


class Words:
    """A pod of containers that end at once, and what is told of their ends."""

    def __init__(self, podpy: Podpy, folder: Path) -> None:
        self.podpy, self.path = podpy, folder / "words.yaml"

    def play(self, **containers: tuple[str, str]) -> None:
        """Play a pod with containers NAME=(script, further field)."""
        parts = [
            CONTAINER.format(name=name, script=script, more=more)
            for name, (script, more) in containers.items()
        ]
        self.path.write_text(HEAD + "".join(parts))
        self.podpy.ok("kube", "play", str(self.path))

    def containers(self) -> list[dict[str, Any]]:
        told = self.podpy.json("get", "pod", "words", "-o", "json")["status"]
        return list(told["containerStatuses"])

    def messages(self) -> dict[str, str]:
        """What the containers said, once all have ended and have been heard."""
        wait_until(self.over, "the pod has ended")
        return {
            one["name"]: one["state"]["terminated"].get("message", "") for one in self.containers()
        }

    def over(self) -> bool:
        return all(pod.finished for pod in records.read_pods(self.podpy.paths))

    def down(self) -> None:
        self.podpy.ok("kube", "down", str(self.path))


@pytest.fixture
def words(podpy: Podpy, busybox_image: Image, tmp_path: Path) -> Words:
    podpy.load(busybox_image)
    return Words(podpy, tmp_path)


def test_a_container_says_why_it_ended(words: Words) -> None:
    nobody = "securityContext: {runAsUser: 1000, readOnlyRootFilesystem: true}"
    words.play(
        failed=("printf 'no config\\\\nsecond' >/dev/termination-log; exit 3", ""),
        elsewhere=("echo mine >/run/why", f"terminationMessagePath: /run/why\n    {nobody}"),
        silent=("echo to the log; exit 1", ""),
    )

    assert words.messages() == {"failed": "no config\nsecond", "elsewhere": "mine\n", "silent": ""}
    assert "Message:      no config\n" in words.podpy.ok("describe", "pod", "words")
    words.down()


def test_the_end_of_the_log_stands_for_a_message_where_that_is_asked_for(words: Words) -> None:
    words.play(
        failed=("seq 1000; exit 1", FALLBACK),
        succeeded=("seq 3", FALLBACK),
        spoke=("echo mine >/dev/termination-log; exit 1", FALLBACK),
        wide=("yes 0123456789abcdef0123456789abcdef0123456789abcdef | head -70; exit 1", FALLBACK),
    )
    told = words.messages()

    assert told["failed"].split() == [str(number) for number in range(921, 1001)]
    assert (told["succeeded"], told["spoke"]) == ("", "mine\n")
    assert len(told["wide"]) == 2048
    words.down()


def test_what_is_told_is_bounded_and_so_is_what_can_be_written(words: Words) -> None:
    tricks = (
        "exec 2>/dev/null; yes >/dev/termination-log; "
        "mv /dev/termination-log /dev/x; rm /dev/termination-log; "
        "df -k /dev/termination-log | tail -1; exit 1"
    )
    words.play(greedy=(tricks, ""))

    assert words.messages() == {"greedy": "y\n" * 2048}
    assert words.podpy.ok("logs", "words", "--tail", "1").split()[1] == "1024"
    words.down()


def test_the_containers_of_a_pod_share_what_is_told(words: Words) -> None:
    script = "seq 100000 | head -c 4000 >/dev/termination-log"
    words.play(**{f"c{number}": (script, "") for number in range(4)})

    assert {len(message) for message in words.messages().values()} == {3072}
    words.down()


def test_the_message_of_the_run_before_is_told_too(words: Words) -> None:
    words.play(c=("echo again >/dev/termination-log; exit 1", ""))
    words.down()
    words.path.write_text(words.path.read_text().replace("Never", "Always"))
    words.podpy.ok("kube", "play", str(words.path))
    wait_until(lambda: words.containers()[0]["restartCount"] == 1, "it was restarted")

    def last() -> str:
        (told,) = words.containers()
        return str(told["lastState"].get("terminated", {}).get("message", ""))

    # A moment lies between the end of a container and the hook that hears what it said.
    wait_until(last, "the message is told")
    assert last() == "again\n"
    words.down()
