"""Snapshots that are made from other commits and not from rows: instant, commit, tag, files.

The order is that of an export: objects are durable and read back before the branch moves,
the tag follows, the working tree comes last. Called by who holds the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from gitexport.export.guards import TooSoonError, choose_instant, wait_past
from gitexport.export.options import Override
from gitexport.model import faults
from gitexport.model.ports import Clock, Progress
from gitexport.model.snapshot import ObjectId, format_tag
from gitexport.store import refs
from gitexport.store.commits import commit_bytes, identity_of, installed, release, tag_bytes
from gitexport.store.journal import Journal, read_state, write_state
from gitexport.store.pack import FragmentWriter, ObjectKind, assemble
from gitexport.store.repository import DataRepository
from gitexport.store.tree_diff import changed_files
from gitexport.store.worktree import ViewReport, refresh


@dataclass(frozen=True, slots=True)
class Derived:
    """A finished tree whose new objects are in `writer`, where it goes, and what it says."""

    branch: str
    parent: ObjectId
    tree: bytes
    writer: FragmentWriter
    instant: datetime
    message: str


def next_instant(
    repository: DataRepository,
    branch: str,
    clock: Clock,
    overrides: Collection[Override] = (),
) -> datetime:
    """Chooses the time of a new snapshot; waits until the last one's second has passed.

    Raises:
        DecisionNeededError: The clock is far behind the last snapshot.
    """
    tip = refs.tip(repository, branch)
    last = None if tip is None else refs.last_snapshot(repository, tip)
    names = [read_state(repository).last_tag, last and last.snapshot]
    newest = max((name for name in names if name), default=None)
    while True:
        try:
            return choose_instant(clock(), newest, overrides)
        except TooSoonError as error:
            wait_past(error.last, clock)


def seal_derived(
    repository: DataRepository, derived: Derived, journal: Journal, directory: Path
) -> ObjectId:
    """Commits and tags a tree; gives the commit.

    Raises:
        HeadMovedError: The branch moved meanwhile; nothing was changed.
        MachineError: The machine refused.
    """
    identity = identity_of(repository)
    writer = derived.writer
    instant = derived.instant
    tag = format_tag(instant)
    subject = derived.message.partition("\n")[0]
    content = commit_bytes(derived.tree, (derived.parent,), identity, instant, derived.message)
    commit = ObjectId(writer.add(ObjectKind.COMMIT, content).hex())
    tag_content = tag_bytes(commit, tag, identity, instant, subject + "\n")
    tag_id = ObjectId(writer.add(ObjectKind.TAG, tag_content).hex())
    faults.point("S5.objects")
    sealed = assemble([writer.close()], directory)
    _remember_shown(repository, derived)
    journal.note_pack(sealed.name, commit)
    faults.point("S5.sealed")
    with installed(repository, sealed, commit):
        faults.point("S7.before")
        journal.touch()
        refs.move_branch(repository, derived.branch, derived.parent, commit, subject)
    faults.point("S7.after")
    refs.create_tag_ref(repository, tag, tag_id)
    faults.point("S8.tagged")
    release(repository, sealed)
    write_state(repository, replace(read_state(repository), last_tag=tag))
    return commit


def _remember_shown(repository: DataRepository, derived: Derived) -> None:
    # A run that dies behind the move would leave files of which nobody knows that they are
    # behind.
    state = read_state(repository)
    if state.shown is None and is_shown(repository, derived.branch):
        write_state(repository, replace(state, shown=derived.parent))


def is_shown(repository: DataRepository, branch: str) -> bool:
    """Tells whether the working tree shows a branch, and no operation of git is unfinished."""
    return repository.checked_out_branch() == branch and repository.operation_in_progress() is None


def show_commit(
    repository: DataRepository, parent: ObjectId, commit: ObjectId, progress: Progress
) -> ViewReport:
    """Brings files and index from what they show to a commit, and remembers that.

    `parent` is what they show where nothing else is known. Edits of people stay.
    """
    state = read_state(repository)
    shown = state.shown if state.shown and state.shown in repository.pygit() else parent
    kept: list[str] = []
    if shown != parent:
        # What people committed meanwhile stands in the files already, and is no edit.
        view = _refresh(repository, shown, parent, lambda _steps: None)
        if view.stale is not None or view.refused_count:
            return view
        kept = view.kept
    view = _refresh(repository, parent, commit, progress.advance)
    if view.stale is None:
        left = tuple(sorted({*state.edits_left, *kept, *view.kept}))
        write_state(repository, replace(state, shown=commit, edits_left=left))
    return view


def _refresh(
    repository: DataRepository, old: ObjectId, new: ObjectId, advance: Callable[[int], None]
) -> ViewReport:
    assert repository.worktree is not None  # noqa: S101 - `is_shown` was asked
    return refresh(
        repository.worktree,
        repository.gitdir,
        changed_files(repository.read_tree, repository.tree_of(old), repository.tree_of(new)),
        read_blob=repository.read_blob,
        on_progress=advance,
    )
