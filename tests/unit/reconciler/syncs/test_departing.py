"""reconciler.syncs.departing: what goes with Syncs that another one brings no more."""

from __future__ import annotations

from manifests import kinds
from manifests.meta import ObjectMeta
from manifests.sync import DirectorySource, Sync, SyncSource, SyncSpec
from reconciler.state import objects
from reconciler.state.objects import Applied
from reconciler.syncs import decide, departing


def row(name: str, parent: str, *, prune: bool = True) -> Applied:
    """The Sync `name` as the Sync `parent` has brought it."""
    spec = SyncSpec(source=SyncSource(directory=DirectorySource(path="/srv")), prune=prune)
    thing = Sync(metadata=ObjectMeta(name=name), spec=spec)
    entry = objects.entry(thing, digest="", applyset=decide.applyset(parent))
    return Applied(
        ref=kinds.ref(thing),
        uid="",
        generation=1,
        digest="",
        body=entry.body,
        applyset=entry.applyset,
        file="",
        line=0,
        created_at=0.0,
        applied_at=0.0,
    )


def test_a_sync_that_is_brought_no_more_goes_with_all_that_it_has_brought_in_turn() -> None:
    rows = [row("a", "top"), row("b", "a"), row("c", "b"), row("stays", "top"), row("x", "other")]

    found = departing.find(rows, "top", ["stays"], (), ())

    assert found == departing.Departing(syncs=("a", "b", "c"))


def test_one_that_says_so_or_that_a_file_declares_leaves_its_objects() -> None:
    rows = [row("keeps", "top", prune=False), row("below", "keeps"), row("filed", "top")]

    found = departing.find(rows, "top", (), (), {"filed"})

    assert found == departing.Departing(kept=("keeps",))
    assert "Sync/keeps" in found.told[0].shown


def test_a_removal_that_was_killed_is_gone_on_with_unless_the_sync_is_there_again() -> None:
    assert departing.find([], "top", (), ("half",), ()).syncs == ("half",)
    assert departing.find([], "top", ("half",), ("half",), ()).syncs == ()
    assert departing.find([row("half", "other")], "top", (), ("half",), ()).syncs == ()


def test_syncs_that_bring_each_other_end_the_search() -> None:
    rows = [row("a", "b"), row("b", "a"), row("top", "a"), row("a", "top")]

    assert departing.find(rows, "top", (), (), ()).syncs == ("a", "b")
