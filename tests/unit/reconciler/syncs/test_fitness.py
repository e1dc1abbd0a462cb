"""reconciler.syncs.fitness: every file that a Sync can name is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from manifests import sync
from manifests.faults import HostFault, Retry
from manifests.meta import ObjectMeta
from manifests.value import Value
from reconciler.syncs import fitness
from reconciler.syncs.fitness import Care, Needed
from runtime.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

GIT, OCI = "https://forge.example/shop.git", "oci://registry.example/shop"


def file_fields(kind: type[Value]) -> list[str]:
    return [name for name in kind.__fields__ if name.endswith("_file")]


def filled(kind: type[Value], **more: object) -> Any:
    """A value whose files are each named by its class and field."""
    return kind(**{name: f"/{kind.__name__}/{name}" for name in file_fields(kind)}, **more)


def of(**spec: Any) -> sync.Sync:
    return sync.Sync(metadata=ObjectMeta(name="shop"), spec=sync.SyncSpec(**spec))


def test_no_file_that_a_sync_names_is_left_out() -> None:
    git = filled(
        sync.GitSource,
        url=GIT,
        credentials=filled(sync.GitCredentials),
        verify=filled(sync.Verification),
    )
    oci = filled(
        sync.OciSource,
        url=OCI,
        credentials=filled(sync.OciCredentials),
        verify=filled(sync.OciVerification),
    )
    status = filled(sync.CommitStatus, provider=sync.Provider.GITHUB, repository="a/b")
    receivers = (
        sync.Receiver(commit_status=status),
        sync.Receiver(webhook=filled(sync.NotifyWebhook, url="https://hook.example")),
        sync.Receiver(apprise=filled(sync.NotifyApprise)),
    )
    values = sync.Template(jinja2=sync.Jinja2(host_values=("/etc/podpy/values.yaml",)))
    whole = of(
        source=sync.SyncSource(git=git, oci=oci),
        decryption=filled(sync.Decryption),
        template=values,
        webhook=filled(sync.Webhook),
        notify=receivers,
    )
    found = [one.path for one in fitness.files(whole)]
    kinds = [one for one in vars(sync).values() if isinstance(one, type) and issubclass(one, Value)]
    wanted = [f"/{kind.__name__}/{name}" for kind in kinds for name in file_fields(kind)]

    assert sorted(found) == sorted([*wanted, "/etc/podpy/values.yaml"])


@pytest.mark.parametrize(
    ("care", "mode", "complaint"),
    [
        (Care.PRIVATE, 0o640, "can be read by others"),
        (Care.TRUSTED, 0o664, "can be written by others"),
        (Care.TRUSTED, 0o644, ""),
        (Care.ANY, 0o666, ""),
    ],
)
def test_who_may_do_what_with_a_file_counts(
    tmp_path: Path, care: Care, mode: int, complaint: str
) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    told = list(fitness.faults_of(iter([Needed(path=str(path), purpose="is here", care=care)])))

    assert [complaint in one.message for one in told] == ([True] if complaint else [])


def test_a_source_that_is_away_is_to_blame_unless_the_host_lacks_something(tmp_path: Path) -> None:
    root = str(tmp_path)
    paths = Paths(state_dir=root, run_dir=root, log_dir=root)
    token = str(tmp_path / "token")
    given = sync.GitCredentials(token_file=token)
    plain = of(source=sync.SyncSource(git=sync.GitSource(url=GIT)))
    private = of(source=sync.SyncSource(git=sync.GitSource(url=GIT, credentials=given)))
    away = Retry("no route to host")

    assert fitness.unfit(paths, plain, away) == ()
    assert fitness.unfit(paths, plain, HostFault("git: is not there")) == ("git: is not there",)
    (told,) = fitness.unfit(paths, private, away)
    assert told == f"{token} cannot be read: No such file or directory"
