"""What skopeo hands over stays with podpy."""

from __future__ import annotations

import os
import socket

from runtime.image import proxy


def test_a_pipe_that_is_handed_over_is_for_no_child() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, open(os.devnull, encoding="ascii") as handed:
        socket.send_fds(theirs, [b"{}"], [handed.fileno()])

        said, pipe = proxy.received(ours)

        assert said == b"{}"
        assert os.path.samestat(os.fstat(pipe), os.fstat(handed.fileno()))
        assert not os.get_inheritable(pipe)
        os.close(pipe)


def test_an_answer_without_a_pipe_has_none() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.send(b"{}")

        assert proxy.received(ours) == (b"{}", -1)
