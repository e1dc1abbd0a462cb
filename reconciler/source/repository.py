"""A Sync's own bare repository: revisions go in, from wherever, and the files of one come out.

    state_dir/sources/SYNC.git
        refs/podpy/fetched         what the source held when it was last asked
        refs/podpy/good            the last revision that the host has followed without a fault
        refs/podpy/kept/REVISION   what the history tells of, and may be gone back to
        refs/podpy/artifacts/HEX   the artifact of this digest: its revision is sha256:HEX
        stored                     what was saved last of a directory, and which commit that became
        refs/podpy/verified/HEX-KEYS   that artifact is signed, by one of the keys of this digest
    state_dir/sources/SYNC.git.damaged, .gone
        what it was before it was made anew, until all that was whole in it has been taken over
    state_dir/sources/SYNC.git.incoming
        an artifact on its way here
    state_dir/sources/SYNC.git.former
        what it was before its source changed between SHA-1 and SHA-256, until there is a good
        revision of the new kind: git cannot have both in one repository

It is a cache: what is wrong with it is mended by making it anew, and asking the source again.
There is no work tree, so no filter, link or hook of a revision is ever acted on. It may lack the
contents of files that its Sync does not read (reconciler.source.packing).

A revision is named by its commit, or by the digest of the artifact that it was.
"""

from __future__ import annotations

import contextlib
import os
import shutil

from manifests import digests
from manifests.faults import Fault, Invalid, Retry, TimedOut
from manifests.sources import File
from manifests.strenum import StrEnum
from manifests.value import Value
from reconciler.source import git, importing, packing, refs
from reconciler.source.refs import ARTIFACTS, FETCHED, GOOD, KEPT, VERIFIED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_SHA256_DIGITS = 64
_WHEN_TO_PACK = {
    "gc.auto": str(packing.LOOSE),
    "gc.autoPackLimit": str(packing.PACKS),
    "gc.pruneExpire": "now",
    "gc.autoDetach": "false",
}
_SYMLINK, _GITLINK = b"120000", b"160000"
_NOT_FETCHED = b"from promisor remote"
TIDY_SECONDS = 300.0


class DamagedError(Retry):
    """The repository cannot be read: it is to be made anew."""


class LackingError(Retry):
    """What is asked for is a file whose content was not fetched, as nobody read it then."""


class Kind(StrEnum):
    FILE = "file"
    LINK = "link"
    SUBMODULE = "submodule"


class Entry(Value):
    """A file of a revision, or what stands for one: its path, and the name of its content."""

    path: str
    blob: str
    kind: Kind = Kind.FILE


class Repository:
    """One bare repository. Whoever changes it holds the Sync's lock."""

    def __init__(self, path: str) -> None:
        self.path = path

    def ensure(self, *, sha256: bool = False) -> None:
        """Make the repository where there is none, or one of another object format."""
        if os.path.exists(self._damaged):
            self.renew()
        self._settle_formats(sha256=sha256)
        self._clear()
        _remove(self.incoming)
        if not os.path.exists(f"{self.path}/HEAD"):
            self._make(sha256=sha256)

    def _settle_formats(self, *, sha256: bool) -> None:
        """Lay a repository of the other format aside, and take one of this format up again.

        `.swap` is on its way from the one place to the other; podpy may have been killed then.
        """
        swap = f"{self.path}.swap"
        if os.path.exists(swap):
            os.rename(swap, self._former if os.path.exists(self.path) else self.path)
        if self._is_sha256() in (sha256, None):
            return
        os.rename(self.path, swap)
        if Repository(self._former)._is_sha256() is sha256:
            os.rename(self._former, self.path)
        else:
            _remove(self._former)
            self._make(sha256=sha256)
        os.rename(swap, self._former)

    @property
    def incoming(self) -> str:
        """The path of a directory for what is being fetched."""
        return f"{self.path}.incoming"

    @property
    def _former(self) -> str:
        return f"{self.path}.former"

    def _home(self, commit: str) -> str:
        """The path of the repository that a commit of this id is in."""
        other = os.path.exists(self._former) and self._is_sha256() is not is_sha256(commit)
        return self._former if other else self.path

    def _make(self, *, sha256: bool) -> None:
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        form = "sha256" if sha256 else "sha1"
        git.check(self.path, "init", "--quiet", "--bare", "--template=", f"--object-format={form}")
        for name, value in _WHEN_TO_PACK.items():
            git.check(self.path, "config", name, value)

    def renew(self) -> None:
        """Make the repository anew, with those revisions of it that are whole.

        Killed in it, it is done again, from what there was at first.
        """
        if os.path.exists(self._damaged):
            _remove(self.path)
        elif os.path.exists(self.path):
            os.rename(self.path, self._damaged)
        damaged = Repository(self._damaged)
        sha256 = bool(damaged._is_sha256())
        self._make(sha256=sha256)
        if packing.is_partial(self._damaged):
            packing.make_partial(self.path)
            for name in damaged._names():
                packing.take(self._damaged, self.path, name)
            self._drop_damaged()
            return
        for name in damaged._names():
            words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--depth=1")
            allowed = {"GIT_ALLOW_PROTOCOL": "file"}
            # One that is not whole is refused by either side: the others are tried all the same.
            git.run(self.path, *words, self._damaged, f"+{name}:{name}", environment=allowed)
        self._drop_damaged()

    def _drop_damaged(self) -> None:
        _remove(f"{self.path}.gone")
        with contextlib.suppress(FileNotFoundError):
            os.rename(self._damaged, f"{self.path}.gone")
        _remove(f"{self.path}.gone")

    @property
    def _damaged(self) -> str:
        return f"{self.path}.damaged"

    def _names(self) -> list[str]:
        """The refs of podpy's own, as far as they can be read."""
        answer = git.run(self.path, "for-each-ref", "--format=%(refname)", "refs/podpy/")
        return answer.stdout.decode().split()

    def _is_sha256(self) -> bool | None:
        try:
            with open(f"{self.path}/config", encoding="utf-8", errors="replace") as file:
                return "objectformat = sha256" in file.read().lower()
        except FileNotFoundError:
            return None

    def _clear(self) -> None:
        """Remove what a killed git has left: locks, and packs of which a part has come."""
        for directory, _, names in os.walk(self.path):
            for name in names:
                if name.endswith((".lock", ".pid")) or name.startswith("tmp_"):
                    os.unlink(f"{directory}/{name}")

    def remove(self) -> None:
        """Remove the repository with all that is in it."""
        others = (f"{self.path}.swap", self._former, self.incoming)
        for path in (f"{self.path}.gone", self._damaged, *others, self.path):
            _remove(path)

    def commit(self, name: str) -> str:
        """Return the revision that a ref or an id names, "" where there is none."""
        for path in (self.path, *[self._former] * os.path.exists(self._former)):
            words = ("rev-parse", "--verify", "--quiet", f"{refs.named(name)}^{{commit}}")
            answer = git.run(path, *words)
            if not answer.status:
                return refs.revision(path, answer.stdout.decode().strip())
        return ""

    def whole(self) -> bool:
        """Tell whether everything that the refs need is there."""
        answer = git.run(self.path, "fsck", "--connectivity-only", "--no-dangling", "--no-progress")
        return answer.status == 0

    def mended(self, fill: Callable[[], str]) -> str:
        """Return what `fill` returns; a repository that is damaged is made anew, and filled again.

        It may have been cut off by a kill or a full disk. Raises what `fill` raises.
        """
        try:
            return fill()
        except Fault as fault:
            damaged = isinstance(fault, DamagedError)
            if isinstance(fault, TimedOut) or (not damaged and self.whole()):
                raise
        self.renew()
        return fill()

    def point(self, name: str, commit: str) -> None:
        """Let a ref name a commit. With a good one, what the source was before is not needed."""
        if not self.is_at(name, commit):
            git.check(self.path, "update-ref", name, refs.named(commit))
        if name == GOOD:
            _remove(self._former)

    def hold(self, commit: str) -> None:
        """Keep a revision that a pass is on its way to, when another one is fetched."""
        self.point(f"{KEPT}{digests.bare(commit)}", commit)

    def keep(self, commits: Sequence[str]) -> bool:
        """Keep these commits, and none that another pass has kept; tell whether one is dropped.

        Those of a former repository stay as long as that does.
        """
        wanted = {f"{KEPT}{digests.bare(one)}": one for one in commits if self.is_home_of(one)}
        told = refs.below(self.path, KEPT)
        lines = [
            f"update {ref} {refs.named(one)}" for ref, one in wanted.items() if ref not in told
        ]
        lines += [f"delete {ref}" for ref in told if ref not in wanted]
        if lines:
            self._update(lines)
            self._drop_artifacts()
        return any(line.startswith("delete") for line in lines)

    def mark_verified(self, artifact: str, keys: str) -> None:
        """Remember that one of these keys (their digest) has signed an artifact that is here."""
        git.check(self.path, "update-ref", refs.mark(artifact, keys), refs.named(artifact))

    def is_verified(self, artifact: str, keys: str) -> bool:
        """Tell whether an artifact is here that was seen to be signed by one of these keys."""
        return self.commit(refs.mark(artifact, keys)) == artifact

    def is_home_of(self, commit: str) -> bool:
        """Tell whether a commit is here, not in the repository before the format was changed."""
        return self._home(commit) == self.path

    def _update(self, lines: Sequence[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        git.check(self.path, "update-ref", "--stdin", stdin=text.encode())

    def _drop_artifacts(self) -> None:
        """Forget the digests of artifacts that nothing else needs."""
        if not (known := refs.artifacts(self.path)):
            return
        known |= refs.below(self.path, VERIFIED)
        excluded = (f"--exclude={one}*" for one in (ARTIFACTS, VERIFIED))
        words = ("rev-list", *excluded, "--glob=refs/podpy/*")
        answer = git.run(self.path, *words)
        needed = answer.stdout.decode().split()
        gone = [ref for ref, commit in known.items() if commit not in needed]
        if gone and not answer.status:
            self._update([f"delete {ref}" for ref in gone])

    def tidy(self, *, now: bool = False) -> None:
        """Pack what is there and drop what no ref names: `now`, or once that has become much."""
        if packing.is_partial(self.path):
            done = packing.repack(self.path, TIDY_SECONDS, now=now)
        else:
            how = "--prune=now" if now else "--auto"
            done = not git.run(self.path, "gc", how, "--quiet", timeout=TIDY_SECONDS).status
        if not done:
            self.renew()

    def entries(self, commit: str, path: str = "") -> tuple[Entry, ...]:
        """List the files, links and submodules of a commit, below `path`.

        Raises Invalid where the commit has no such path, DamagedError where it cannot be read.
        """
        path = below_root(path)
        within = ("--", path) if path else ()
        words = ("ls-tree", "-r", "-z", "--full-tree", refs.named(commit), *within)
        answer = git.run(self._home(commit), *words)
        shown = digests.short(commit)
        if answer.status:
            raise DamagedError(f"revision {shown} cannot be read: {answer.complaint}")
        found = []
        for line in answer.stdout.split(b"\0"):
            facts, _, name = line.partition(b"\t")
            if facts:
                mode, _, blob = facts.split()
                kind = {_SYMLINK: Kind.LINK, _GITLINK: Kind.SUBMODULE}.get(mode, Kind.FILE)
                found.append(Entry(path=os.fsdecode(name), blob=blob.decode(), kind=kind))
        if within and not found:
            raise Invalid(
                f'revision {shown} holds nothing at "{path}"',
                hint="spec.path is the directory of the manifests, from the source's root",
            )
        return tuple(found)

    def read(self, entries: Sequence[Entry], limit: int) -> tuple[File, ...]:
        """Return the contents of these files. Raises Invalid for one of more than `limit` bytes."""
        asked = "".join(f"{entry.blob}\n" for entry in entries).encode()
        path = self._home(entries[0].blob) if entries else self.path
        sizes = git.run(path, "cat-file", "--batch-check=%(objectsize)", stdin=asked)
        for entry, size in zip(entries, sizes.stdout.split(b"\n"), strict=False):
            if size.isdigit() and int(size) > limit:
                raise Invalid(f"{entry.path} is too big: the limit is {limit // 2**20} MiB")
        answer = git.run(path, "cat-file", "--batch", stdin=asked)
        if packing.is_partial(path):
            _check_lacking(entries, answer)
        files, at = [], 0
        for entry in entries:
            end = answer.stdout.find(b"\n", at)
            head = answer.stdout[at:end].split()
            if answer.status or end < 0 or len(head) != 3:
                raise DamagedError(f"{entry.path} cannot be read: {answer.complaint}")
            start = end + 1
            at = start + int(head[2]) + 1
            files.append(File(name=entry.path, data=answer.stdout[start : at - 1]))
        return tuple(files)

    def store(
        self, files: Iterable[File], *, links: Iterable[File] = (), artifact: str = ""
    ) -> str:
        """Save files as a revision, and return its name: the same files give the same revision.

        It depends on nothing but names and contents, so a directory that was changed and changed
        back has its old revision again. What `links` holds are the targets of symbolic links. With
        the digest of an `artifact` the revision is called by that.
        """
        data = importing.revision(files, links, artifact)
        content = digests.of(data)
        commit = "" if artifact else refs.last_stored(self.path, content)
        if not commit:
            git.check(self.path, "fast-import", "--quiet", "--force", stdin=data)
            commit = self.commit(FETCHED)
            refs.note_stored(self.path, content, commit)
        return commit

    def is_at(self, ref: str, revision: str) -> bool:
        """Tell whether a ref names the commit of this id, without asking git."""
        return refs.is_at(self.path, ref, revision)

    def bind(self, commit: str, file: File) -> str:
        """Save a commit with one file more as a revision of its own, and return its commit.

        The same commit and file give the same revision; the commit is the one before it.
        """
        data = importing.bound(self._id(commit), file)
        git.check(self.path, "fast-import", "--quiet", "--force", stdin=data)
        return self.commit(FETCHED)

    def _id(self, revision: str) -> bytes:
        return git.check(self.path, "rev-parse", "--verify", refs.named(revision)).strip()


def _check_lacking(entries: Sequence[Entry], answer: git.Answer) -> None:
    """Raise LackingError for a content that is not there: git says `missing`, or, before 2.45, ends
    as it would fetch it."""
    for entry in entries:
        name = entry.blob.encode()
        lacked = answer.status and _NOT_FETCHED in answer.stderr and name in answer.stderr
        if lacked or b"%s missing\n" % name in answer.stdout:
            raise LackingError(
                f"the content of {entry.path} was not fetched with its revision",
                hint="podpy sync reconcile fetches it when the remote answers",
            )


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)


def below_root(path: str) -> str:
    """Return a path as git names it in a tree; "" for the root."""
    bare = path.strip("/").removeprefix("./")
    return "" if bare == "." else bare


def is_sha256(commit: str) -> bool:
    """Tell by a commit's id which object format its repository has."""
    return len(commit) == _SHA256_DIGITS
