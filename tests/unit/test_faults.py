"""manifests.faults: what the host refuses or lacks is worded, what tells of a bug is not."""

from __future__ import annotations

import errno

import pytest

from manifests.faults import HostFault, Unfit, host_fault


def test_a_full_disk_is_the_hosts_fault_and_names_the_file() -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "/var/lib/podpy/x")

    fault = host_fault("Pod/web", error)

    assert fault.message == "Pod/web: no space left on device: /var/lib/podpy/x"
    assert "image prune" in fault.hint


def test_an_error_that_tells_of_a_bug_stays_what_it_is() -> None:
    error = OSError(errno.EISDIR, "Is a directory", "/x/y")

    with pytest.raises(IsADirectoryError) as caught:
        host_fault("Pod/web", error)
    assert caught.value is error


def test_a_host_that_is_not_fit_tells_every_reason_with_what_to_do() -> None:
    full, bare = HostFault("/x: is full", hint="df"), HostFault("conmon: is not installed")

    alone, both, of_pod = Unfit([full]), Unfit([full, bare]), Unfit([full, bare], about="Pod/web")

    assert str(alone) == "nothing was changed: /x: is full (hint: df)"
    assert str(both).splitlines()[1:] == ["  /x: is full (hint: df)", "  conmon: is not installed"]
    assert str(of_pod) == "Pod/web: /x: is full (hint: df); conmon: is not installed"
    assert (both.words, both.reason) == (str(of_pod).removeprefix("Pod/web: "), "HostUnfit")
