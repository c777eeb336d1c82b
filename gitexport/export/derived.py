"""Snapshots that are made from other commits and not from rows: instant, commit, tag.

The order is that of an export: objects are durable and read back before the branch moves,
and the tag follows. Called by who holds the lock.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from gitexport.export.guards import TooSoonError, choose_instant, wait_past
from gitexport.export.options import Override
from gitexport.model import faults
from gitexport.model.ports import Clock
from gitexport.model.snapshot import ObjectId, format_tag
from gitexport.store import refs
from gitexport.store.commits import commit_bytes, identity_of, installed, release, tag_bytes
from gitexport.store.journal import Journal, read_state, write_state
from gitexport.store.pack import FragmentWriter, ObjectKind, assemble
from gitexport.store.repository import DataRepository


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
