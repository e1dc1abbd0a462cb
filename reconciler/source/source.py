"""A Sync in, a revision out, and of a revision its manifests: whatever the source is.

What a source holds goes into the Sync's repository first (reconciler.source.repository), so that
the last good revision is at hand when the source is not.
"""

from __future__ import annotations

import os

from manifests import digests, durations, sources
from manifests.faults import HostFault, Invalid
from manifests.problems import Problem, Severity, errors
from manifests.sources import SUFFIXES, File
from manifests.value import Value
from manifests.yaml import limits
from reconciler.source import selection
from reconciler.source.repository import Entry, Kind, Repository, below_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from manifests.sync import Sync
    from manifests.targeting import HostIdentity
    from reconciler.source.inputs import Inputs
    from runtime.paths import Paths


def repository_of(paths: Paths, name: str) -> Repository:
    """Return the repository of the Sync of that name."""
    return Repository(f"{paths.sources}/{name}.git")


def preview_repository_of(paths: Paths, name: str) -> Repository:
    """Return where other revisions are fetched to, for plans: none of them is the source's."""
    return Repository(f"{paths.sources}/{name}.preview.git")


def fetch(
    paths: Paths, sync: Sync, repository: Repository, identity: HostIdentity, kept: str = ""
) -> str:
    """Return the source's present revision, after it has been saved in the repository.

    One that has templates is saved with what they are rendered with on this host. Of `kept`, an
    earlier one, what the Sync did not read before is saved, too, where the source still has it.

    Raises a Fault where it cannot be had, RefusedError where it cannot or may not be followed; the
    repository still holds the earlier ones.
    """
    if sync.spec.template is None or sync.spec.template.jinja2 is None:
        return _fetched(paths, sync, repository, kept)
    from reconciler.source import inputs

    given = inputs.gather(sync, identity)
    commit = _fetched(paths, sync, repository, kept)
    data = given.replace(commit=commit).dumps()
    return repository.bind(commit, File(name=inputs.PATH, data=data))


def _fetched(paths: Paths, sync: Sync, repository: Repository, kept: str) -> str:
    spec = sync.spec
    if spec.source.git is not None:
        from reconciler.source.remote import Remote

        remote = Remote(spec.source.git, durations.duration(spec.timeout))
        # What templates may include is not known before they are rendered.
        part = _part(sync) if spec.template is None else None
        commit = remote.fetch(repository, part, kept)
        check_signature(paths, sync, repository, commit)
        return commit
    if spec.source.oci is not None:
        from reconciler.source import artifacts

        place = f"{paths.run_dir}/sources/{sync.metadata.name}.registry"
        seconds = durations.duration(spec.timeout)
        return artifacts.fetch(spec.source.oci, repository, seconds, place)
    directory = spec.source.directory
    files = _directory(directory.path if directory else "", whole=spec.template is not None)

    def fill() -> str:
        repository.ensure()
        return repository.store(files)

    return repository.mended(fill)


def _part(sync: Sync) -> selection.Part:
    spec = sync.spec
    return selection.Part(
        path=below_root(spec.path), include=tuple(spec.include), exclude=tuple(spec.exclude)
    )


def look(paths: Paths, sync: Sync, seconds: float) -> str:
    """Return what was asked, after it has answered within so many seconds; nothing is fetched.

    Raises the fault of a source that cannot be had.
    """
    git, oci, directory = sync.spec.source.git, sync.spec.source.oci, sync.spec.source.directory
    if git is not None:
        from reconciler.source.remote import Remote

        Remote(git, seconds).look()
        return git.url
    if oci is not None:
        from reconciler.source import artifacts

        artifacts.look(oci, seconds, f"{paths.run_dir}/sources/{sync.metadata.name}.look")
        return oci.url
    path = directory.path if directory is not None else ""
    try:
        os.listdir(path)
    except OSError as error:
        raise HostFault(f"{path} cannot be read: {error.strerror}") from error
    return path


def commit_of(sync: Sync, repository: Repository, revision: str) -> str:
    """Return what the source calls a revision that has templates; "" where that is its own name."""
    if not revision or sync.spec.template is None or sync.spec.template.jinja2 is None:
        return ""
    return repository.commit(f"{revision}^")


def check_signature(
    paths: Paths, sync: Sync, repository: Repository, commit: str, *, place: str = ""
) -> None:
    """Raise UnverifiedError for a commit that the Sync may not follow.

    `place` tells the directories of two apart that may look at one Sync's commits at once.
    """
    git = sync.spec.source.git
    if git is not None and git.verify is not None:
        from reconciler.source import signatures

        scratch = f"{paths.run_dir}/sources/{sync.metadata.name}{place}"
        signatures.check(repository, commit, git.verify, scratch)


def _directory(root: str, *, whole: bool) -> list[File]:
    """Read the manifests of a directory, or the `whole` of it, under their paths in it."""
    if whole:
        from reconciler.source import rendering

        return rendering.whole_tree(root)
    files, problems = sources.gather([root])
    broken = errors(problems)
    if broken:
        raise Invalid("\n".join(str(one) for one in broken))
    found = [one for file in files for one in sources.members(file)]
    lead = root.rstrip("/") + "/"
    return [
        File(name=file.name.removeprefix(lead), data=file.data)
        for file in found
        if file.name.startswith(lead)
    ]


class Manifests(Value):
    """The manifests of a revision, named by their paths in it, and what was left out of them."""

    files: tuple[File, ...]
    problems: tuple[Problem, ...] = ()


def manifests_of(
    paths: Paths,
    sync: Sync,
    repository: Repository,
    revision: str,
    given: Inputs | None = None,
    place: str = "",
) -> Manifests:
    """Return the manifests of a revision, rendered where they are templates.

    `given` is what to render with, for a revision that was not fetched. Raises Invalid where there
    are none: a source that was emptied by mistake removes nothing. `place` is as in
    `check_signature`.
    """
    spec = sync.spec
    part = _part(sync)
    entries = repository.entries(revision, part.path)
    problems = tuple(_left_out(one) for one in entries if _stands_for_manifests(one, part.has))
    rendered: tuple[File, ...] = ()
    consumed: frozenset[str] = frozenset()
    templated = False
    if spec.template is not None:
        from reconciler.source import rendering

        scratch = f"{paths.run_dir}/sources/{sync.metadata.name}{place}.tree"
        rendered, consumed = rendering.rendered(sync, repository, revision, given, scratch)
        templated = any(one.path.endswith(rendering.SUFFIX) for one in entries)
    files = [
        one
        for one in entries
        if one.kind is Kind.FILE and part.has(one.path) and one.path not in consumed
    ]
    if not files and not rendered and not templated:
        told = "".join(f"; {problem}" for problem in problems)
        raise Invalid(
            f"revision {digests.short(revision)} holds no manifests{told}",
            hint=f"to remove what it has brought: podpy sync rm {sync.metadata.name}",
        )
    plain = repository.read(files, limits.DEFAULT.bytes)
    return Manifests(files=(*plain, *rendered), problems=problems)


def _stands_for_manifests(entry: Entry, chosen: Callable[[str], bool]) -> bool:
    """Tell whether a link or a submodule may be one, or a directory of some, going by its name."""
    if entry.kind is Kind.FILE:
        return False
    directory = "." not in os.path.basename(entry.path)
    return chosen(entry.path) or (directory and chosen(f"{entry.path}/x{SUFFIXES[0]}"))


def _left_out(entry: Entry) -> Problem:
    return Problem(
        message=f"is a {entry.kind}, and left out", file=entry.path, severity=Severity.WARNING
    )
