"""Reads and writes notes on snapshots."""

from __future__ import annotations

from gitexport.api.session import Session, Settings
from gitexport.history.note import NoteAction, NoteReport, change_note, read_note
from gitexport.store.revisions import resolve


def note(settings: Settings, rev: str, action: NoteAction | None, text: str = "") -> NoteReport:
    """Changes the note on a snapshot, or reads it where there is nothing to do.

    Raises:
        SnapshotNotFoundError: Nothing answers to the REV.
        UsageError: There is a note already, or none to remove; see `change_note`.
    """
    with Session.open(settings) as session:
        repository = session.repository
        commit = resolve(repository, session.publication.branch, rev)
        if action is None:
            return read_note(repository, commit)
        return change_note(repository, commit, action, text, clock=settings.clock)
