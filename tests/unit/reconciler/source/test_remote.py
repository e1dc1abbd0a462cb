"""reconciler.source.remote: what a remote's refs mean for a Sync."""

from __future__ import annotations

import pytest

from manifests.faults import Invalid
from manifests.sync import GitRef
from reconciler.source import remote

LISTED = {
    "HEAD": "c0",
    "refs/heads/main": "c1",
    "refs/tags/v1.9.0": "c2",
    "refs/tags/1.10.0": "c3",
    "refs/tags/v2.0.0-rc.1": "c4",
    "refs/tags/nightly": "c5",
}


@pytest.mark.parametrize(
    ("ref", "name", "commit"),
    [
        (GitRef(), "HEAD", "c0"),
        (GitRef(branch="main"), "refs/heads/main", "c1"),
        (GitRef(tag="nightly"), "refs/tags/nightly", "c5"),
        (GitRef(semver="^1"), "refs/tags/1.10.0", "c3"),
        (GitRef(semver="~1.9"), "refs/tags/v1.9.0", "c2"),
        (GitRef(semver=">=2.0.0-0"), "refs/tags/v2.0.0-rc.1", "c4"),
        (GitRef(commit="c9", branch="main"), "c9", "c9"),
    ],
)
def test_a_ref_means_one_commit(ref: GitRef, name: str, commit: str) -> None:
    assert remote.wanted(ref, LISTED) == remote.Target(name=name, commit=commit)


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        (GitRef(branch="gone"), 'the remote has no branch "gone"'),
        (GitRef(tag="gone"), 'the remote has no tag "gone"'),
        (GitRef(semver="^3"), 'the remote has no tag in the range "\\^3"'),
    ],
)
def test_a_ref_that_the_remote_does_not_have_is_told(ref: GitRef, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        remote.wanted(ref, LISTED)


def test_a_remote_without_a_commit_is_told() -> None:
    with pytest.raises(Invalid, match="the remote has no commit yet"):
        remote.wanted(GitRef(), {})
