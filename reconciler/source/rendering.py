"""Render the manifests of a revision: its files in, what templates or Kustomize make of them out.

    *.yaml.j2, *.yml.j2, *.json.j2    templates of Jinja2, each a file of manifests
    spec.path                         a kustomization

Either is the work of a process with a deadline. What is rendered is called by its template's name
with a word behind it, as its lines are not the template's.
"""

from __future__ import annotations

import json
import os
import sys

from manifests import digests
from manifests.faults import Fault, HostFault, Invalid, TimedOut
from manifests.sources import File
from reconciler.source import inputs, kustomize, selection
from reconciler.source.repository import Kind, below_root
from runtime import proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from manifests.sync import Jinja2, Sync
    from reconciler.source.inputs import Inputs
    from reconciler.source.repository import Entry, Repository

SECONDS = 30.0
LARGEST_FILE = 1 << 20
LARGEST_SOURCE = 32 << 20
"""Bytes of what templates may include: of one file, of all."""
SUFFIX = ".j2"
HOST = "{host}"
"""Stands for the host's name in the path of a file of values, which then need not be there."""
_RENDERED = " (rendered)"


def rendered(
    sync: Sync, repository: Repository, revision: str, given: Inputs | None, scratch: str
) -> tuple[tuple[File, ...], frozenset[str]]:
    """Return the rendered files, and the paths of those that are no manifests any more.

    `given` is for a revision that has no inputs with it yet. Raises Invalid with every place where
    something is wrong, HostFault where the host cannot render.
    """
    template = sync.spec.template
    if template is None:
        return (), frozenset()
    entries = [one for one in repository.entries(revision) if one.kind is Kind.FILE]
    try:
        if template.jinja2 is not None:
            known = _inputs(repository, entries, given)
            return _by_jinja2(sync, template.jinja2, repository, entries, known)
        tree = repository.read(entries, LARGEST_SOURCE)
        data = kustomize.build(tree, below_root(sync.spec.path), scratch)
    except TimedOut as fault:
        raise Invalid(f"revision {digests.short(revision)}: {fault.message}") from fault
    name = f"{below_root(sync.spec.path) or '.'}/kustomization{_RENDERED}"
    return (File(name=name, data=data),), frozenset(one.path for one in entries)


def _inputs(repository: Repository, entries: Sequence[Entry], given: Inputs | None) -> Inputs:
    saved = [one for one in entries if one.path == inputs.PATH]
    if given is not None:
        return given
    if not saved:
        raise Invalid("this revision was fetched before templates were asked for: fetch it again")
    return inputs.loads(repository.read(saved, LARGEST_SOURCE)[0].data)


def _by_jinja2(
    sync: Sync,
    wanted: Jinja2,
    repository: Repository,
    entries: Sequence[Entry],
    known: Inputs,
) -> tuple[tuple[File, ...], frozenset[str]]:
    files = {one.name: one.data for one in repository.read(entries, LARGEST_SOURCE)}
    templates = [one.path for one in entries if _is_template(sync, one.path)]
    values = [inputs.mapping(files[path], path) for path in _value_files(wanted, files, known)]
    listed = frozenset(path for path in files if _names(wanted, path))
    if not templates:
        return (), listed
    texts = _texts(files, templates)
    variables = {
        "host": known.host,
        "values": inputs.merged([*values, known.values]),
        "sync": {"name": sync.metadata.name},
    }
    done = in_child({"texts": texts, "wanted": templates, "variables": variables}, SECONDS)
    if done["wrong"]:
        raise Invalid("\n".join(_placed(one) for one in done["wrong"]))
    made = [
        File(name=f"{path}{_RENDERED}", data=text.encode())
        for path, text in done["texts"].items()
        if text.strip()
    ]
    return tuple(made), listed


def _is_template(sync: Sync, path: str) -> bool:
    lead = below_root(sync.spec.path)
    if lead and not path.startswith(f"{lead}/"):
        return False
    within = path.removeprefix(f"{lead}/") if lead else path
    bare = within.removesuffix(SUFFIX)
    chosen = selection.chosen(bare, sync.spec.include, sync.spec.exclude)
    return within != bare and chosen


def _value_files(wanted: Jinja2, files: dict[str, bytes], known: Inputs) -> list[str]:
    """Return the files of values in their order. Raises Invalid for one that is missing."""
    found = []
    for pattern in wanted.values:
        path = below_root(pattern.replace(HOST, str(known.host["name"])))
        if path in files:
            found.append(path)
        elif HOST not in pattern:
            raise Invalid(
                f'the source has no file of values "{path}"',
                hint="spec.template.jinja2.values are paths from the source's root",
            )
    return found


def _names(wanted: Jinja2, path: str) -> bool:
    """Tell whether a file is one of values, of whichever host."""
    for pattern in map(below_root, wanted.values):
        start, host, end = pattern.partition(HOST)
        if path == pattern or (host and path.startswith(start) and path.endswith(end)):
            return True
    return False


def _texts(files: dict[str, bytes], templates: Sequence[str]) -> dict[str, str]:
    """Return what templates may include: every text of the source that is not too long."""
    texts: dict[str, str] = {}
    left = LARGEST_SOURCE
    for name, data in files.items():
        if len(data) > LARGEST_FILE and name not in templates:
            continue
        try:
            texts[name] = data.decode()
        except UnicodeDecodeError as error:
            if name in templates:
                raise Invalid(f"{name}: is not UTF-8") from error
            continue
        left -= len(data)
    if left < 0:
        raise Invalid(
            f"the source is too big for templates: the limit is {LARGEST_SOURCE >> 20} MiB of text"
        )
    return texts


def _placed(wrong: dict[str, Any]) -> str:
    line = f":{wrong['line']}" if wrong["line"] else ""
    return f"{wrong['file']}{line}: {wrong['message']}"


def in_child(job: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Have a job done by reconciler.source.render_child. Raises Invalid where that is killed."""
    places = [place for place in sys.path if place]
    code = (
        f"import sys; sys.path[:] = {places!r}; "
        f"from reconciler.source import render_child; render_child.main({int(seconds) + 1})"
    )
    words = (*proc.ending_with_podpy(), sys.executable, "-I", "-S", "-c", code)
    with proc.holding(json.dumps(job).encode()) as given:
        child = proc.start(
            words,
            stdin=given.fileno(),
            stdout=proc.PIPE,
            stderr=proc.PIPE,
            env={"PATH": proc.SYSTEM_PATH},
            new_session=True,
        )
        try:
            stdout, stderr = proc.communicate(child, seconds, "rendering the templates")
        except TimedOut as fault:
            raise Invalid(fault.message, hint="look for a loop without an end in them") from fault
    if child.returncode < 0:
        raise Invalid(f"rendering the templates was ended by signal {-child.returncode}")
    if child.returncode:
        raise Fault(f"rendering the templates failed: {stderr.decode(errors='replace')[-2000:]}")
    done: dict[str, Any] = json.loads(stdout)
    return done


def whole_tree(root: str) -> list[File]:
    """Read all files of a directory that is a source, under their paths in it: no links, nothing
    hidden. Raises Invalid where that is too much, HostFault where it cannot be read."""
    found: list[File] = []
    left = LARGEST_SOURCE

    def refuse(error: OSError) -> None:
        raise HostFault(f"{error.filename} cannot be read: {error.strerror}") from error

    for directory, below, names in os.walk(root, onerror=refuse):
        below[:] = sorted(one for one in below if not one.startswith("."))
        for name in sorted(names):
            path = f"{directory}/{name}"
            if name.startswith(".") or os.path.islink(path) or not os.path.isfile(path):
                continue
            try:
                with open(path, "rb") as file:
                    data = file.read(left + 1)
            except OSError as error:
                refuse(error)
            left -= len(data)
            if left < 0:
                raise Invalid(f"{root} is too big: the limit is {LARGEST_SOURCE >> 20} MiB")
            found.append(File(name=os.path.relpath(path, root), data=data))
    return found
