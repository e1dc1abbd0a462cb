"""A Sync in, a revision out, and of a revision its manifests: whatever the source is.

What a source holds goes into the Sync's repository first (reconciler.source.repository), so that
the last good revision is at hand when the source is not.
"""

from __future__ import annotations

from manifests import durations, sources
from manifests.faults import Invalid
from manifests.problems import errors
from manifests.sources import File
from manifests.yaml import limits
from reconciler.source import selection
from reconciler.source.repository import Repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.sync import Sync
    from runtime.paths import Paths


def repository_of(paths: Paths, name: str) -> Repository:
    """Return the repository of the Sync of that name."""
    return Repository(f"{paths.sources}/{name}.git")


def fetch(paths: Paths, sync: Sync, repository: Repository) -> str:
    """Return the source's present revision, after it has been saved in the repository.

    Raises a Fault where it cannot be had, UnverifiedError where it may not be followed; the
    repository still holds the earlier ones.
    """
    spec = sync.spec
    if spec.source.git is not None:
        from reconciler.source.remote import Remote

        commit = Remote(spec.source.git, durations.duration(spec.timeout)).fetch(repository)
        if spec.source.git.verify is not None:
            from reconciler.source import signatures

            scratch = f"{paths.run_dir}/sources/{sync.metadata.name}"
            signatures.check(repository, commit, spec.source.git.verify, scratch)
        return commit
    repository.ensure()
    directory = spec.source.directory
    return repository.store(_directory(directory.path if directory else ""))


def _directory(root: str) -> list[File]:
    """Read the manifests of a directory, under their paths in it."""
    files, problems = sources.gather([root])
    broken = errors(problems)
    if broken:
        raise Invalid("\n".join(str(one) for one in broken))
    return [file.replace(name=file.name.removeprefix(root).lstrip("/")) for file in files]


def manifests_of(sync: Sync, repository: Repository, revision: str) -> tuple[File, ...]:
    """Return the manifests of a revision, named by their paths in it.

    Raises Invalid where there are none: a source that was emptied by mistake removes nothing.
    """
    spec = sync.spec
    path = spec.path.strip("/").removeprefix("./")
    lead = f"{path}/" if path not in ("", ".") else ""
    entries = [
        entry
        for entry in repository.entries(revision, path)
        if selection.chosen(entry.path.removeprefix(lead), spec.include, spec.exclude)
    ]
    if not entries:
        raise Invalid(
            f"revision {revision[:12]} holds no manifests",
            hint=f"to remove what it has brought: podpy sync rm {sync.metadata.name}",
        )
    return repository.read(entries, limits.DEFAULT.bytes)
