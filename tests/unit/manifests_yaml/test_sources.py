"""manifests.sources: files, directories, standard input and URLs."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from manifests import sources
from manifests.faults import Invalid, Retry
from manifests.sources import Source
from manifests.yaml.limits import Limits


def names(*given: str) -> list[str]:
    files, problems = sources.gather(given)
    assert problems == ()
    return [file.name for file in files]


def test_directories_give_manifests_sorted_and_no_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/x.yml", "a/y.json", "a/z.txt", ".hidden.yaml", ".git/c.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")

    assert names(str(tmp_path)) == [
        f"{tmp_path}/{name}" for name in ("a/x.yml", "a/y.json", "b.yaml")
    ]


def test_a_link_back_up_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "sub" / "b.yaml").symlink_to(tmp_path / "a.yaml")

    assert names(str(tmp_path)) == [f"{tmp_path}/a.yaml", f"{tmp_path}/sub/b.yaml"]


def test_a_pipe_in_a_directory_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")

    files, problems = sources.gather([str(tmp_path)])

    assert files == ()
    told = "holds no *.yaml, *.yml, *.json file, and no unit file of Quadlet's"
    assert [str(one) for one in problems] == [f"{tmp_path}: {told}"]


def test_a_pipe_that_is_named_is_read_to_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    text = "a: b\n" * 50_000
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=(text,))
    writer.start()

    files, problems = sources.gather([f"{tmp_path}/pipe"])

    writer.join(timeout=10)
    assert problems == ()
    assert files[0].data == text.encode()


def test_a_pipe_into_which_nobody_writes_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(sources, "PIPE_SECONDS", 0.1)

    files, problems = sources.gather([f"{tmp_path}/pipe"])

    assert files == ()
    assert "is a pipe into which nobody has written for 0.1 s" in str(problems[0])


def test_a_named_file_may_end_in_anything(tmp_path: Path) -> None:
    (tmp_path / "pod.txt").write_text("a")

    assert names(f"{tmp_path}/pod.txt") == [f"{tmp_path}/pod.txt"]


def test_what_cannot_be_read_is_a_problem_and_not_the_end(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "z.yaml").write_text("a")

    files, problems = sources.gather([str(tmp_path), f"{tmp_path}/missing.yaml"])

    assert [file.data for file in files] == [b"a"]
    assert [str(problem) for problem in problems] == [
        f"{tmp_path}/gone.yaml: cannot be read: No such file or directory",
        f"{tmp_path}/missing.yaml: cannot be read: No such file or directory",
    ]


def test_standard_input_is_one_file() -> None:
    (file,), problems = sources.gather(["-"], stdin=io.BytesIO(b"a: 1"))

    assert problems == ()
    assert (file.name, file.data) == ("stdin", b"a: 1")


def test_a_closed_standard_input_is_a_problem() -> None:
    script = (
        "from manifests import sources; files, (problem,) = sources.gather(['-']); print(problem)"
    )
    command = f'exec "$0" -c "{script}" <&-'

    done = subprocess.run(
        ["sh", "-c", command, sys.executable], capture_output=True, text=True, check=False
    )

    assert done.stdout == "-: cannot be read: standard input is closed\n", done.stderr


def test_a_file_that_is_too_big_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "big.yaml").write_bytes(b"x" * 100)

    files, problems = sources.gather([str(tmp_path)], limit=Limits(bytes=10))

    assert files == ()
    assert "is too big" in problems[0].message


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/pod.yaml":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"kind: Pod")
        elif self.path == "/short.yaml":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"kind")
        else:
            self.send_error(404 if self.path == "/none" else 503)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        yield f"127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_a_url_is_fetched_and_its_password_not_shown(server: str) -> None:
    (file,), _ = sources.gather([f"http://{server}/pod.yaml"])

    assert (file.name, file.data) == (f"http://{server}/pod.yaml", b"kind: Pod")


def test_a_url_may_be_pinned(server: str) -> None:
    digest = hashlib.sha256(b"kind: Pod").hexdigest()
    url = f"http://{server}/pod.yaml"

    assert len(sources.gather([Source(location=url, sha256=digest)])[0]) == 1
    with pytest.raises(Invalid, match="is not what was pinned"):
        sources.gather([Source(location=url, sha256="0" * 64)])


@pytest.mark.parametrize(
    ("path", "fault", "said"),
    [
        ("/none", Invalid, "the server says 404"),
        ("/busy", Retry, "the server says 503"),
        ("/short.yaml", Retry, "ends 96 bytes too early"),
    ],
)
def test_a_url_that_fails_is_a_clear_fault(
    server: str, path: str, fault: type[Exception], said: str
) -> None:
    with pytest.raises(fault, match=said):
        sources.gather([f"http://{server}{path}"])


def test_a_host_that_does_not_answer_is_worth_a_retry() -> None:
    with pytest.raises(Retry, match=r"cannot fetch http://127\.0\.0\.1:1/x"):
        sources.gather(["http://user:secret@127.0.0.1:1/x"])


def test_a_url_is_limited_in_size(server: str) -> None:
    with pytest.raises(Invalid, match="is too big"):
        sources.gather([f"http://{server}/pod.yaml"], limit=Limits(bytes=3))


def test_a_file_that_does_not_tell_its_size_is_read_whole() -> None:
    (file,), problems = sources.gather(["/proc/self/status"])

    assert problems == ()
    assert file.data.startswith(b"Name:")
    assert b"\nPid:" in file.data
