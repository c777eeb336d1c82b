"""Notes that people write on finished snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gitexport.errors import UsageError
from gitexport.model.ports import Clock
from gitexport.model.snapshot import Commit
from gitexport.store.journal import Journal
from gitexport.store.lock import RepositoryLock
from gitexport.store.notes import NOTES_REF, Notes, remove_note, write_note
from gitexport.store.repository import DataRepository


class NoteAction(str, Enum):
    """What to do with the note on a snapshot."""

    ADD = "add"
    APPEND = "append"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class NoteReport:
    """The note on a commit before and after; None where there is none."""

    commit: Commit
    old: str | None
    new: str | None


def read_note(repository: DataRepository, commit: Commit) -> NoteReport:
    """Gives the note on a commit."""
    note = Notes(repository).of(commit.commit_id)
    return NoteReport(commit, note, note)


def change_note(
    repository: DataRepository, commit: Commit, action: NoteAction, text: str, *, clock: Clock
) -> NoteReport:
    """Writes or removes the note on a commit, as one commit in git's notes.

    The commit, its tag and the branch stay as they are. Appended text is a new paragraph.

    Raises:
        LockedError: Another run is busy here.
        UsageError: There is a note already, or none to remove, or the text is none.
        MachineError: git could not write it.
    """
    with RepositoryLock(repository), Journal(repository).short_run():
        old = Notes(repository).of(commit.commit_id)
        name = commit.snapshot or commit.commit_id
        if action is NoteAction.REMOVE:
            if old is None:
                message = f"there is no note on '{name}'"
                raise UsageError(message, where=name)
            remove_note(repository, commit.commit_id, clock())
        else:
            if action is NoteAction.ADD and old is not None:
                message = f"there is a note on '{name}' already"
                hint = "add to it with --append, or put this one in its place with --replace"
                raise UsageError(message, where=f"{NOTES_REF}, {name}", hint=hint)
            has_more = action is NoteAction.APPEND and old is not None
            whole = f"{old}\n\n{text}" if has_more else text
            write_note(repository, commit.commit_id, whole, clock())
        return NoteReport(commit, old, Notes(repository).of(commit.commit_id))
