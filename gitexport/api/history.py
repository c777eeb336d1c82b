"""Reads snapshots: the log, the life of a document, one snapshot and its documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitexport.api.session import Session, Settings
from gitexport.compare.changes import document_changes, with_fields
from gitexport.compare.stored import StoredHistory
from gitexport.history.log import DocumentEvent, log_document, log_snapshots
from gitexport.history.show import (
    ShownDocument,
    SnapshotDetails,
    show_changes,
    show_document,
    show_snapshot,
)
from gitexport.history.summary import SnapshotSummary
from gitexport.model.address import Address, parse_address
from gitexport.model.changeset import DocumentChange
from gitexport.model.snapshot import Commit
from gitexport.store import refs
from gitexport.store.revisions import resolve


@dataclass(frozen=True, slots=True)
class LoggedSnapshot:
    """One snapshot of the log; `changes` are read when they are walked."""

    summary: SnapshotSummary
    changes: Iterator[DocumentChange]


class HistoryReader:
    """The snapshots of one data repository. Needs no database."""

    def __init__(self, session: Session) -> None:
        self._repository = session.repository
        self._branch = session.publication.branch
        self._history = StoredHistory(session.repository, session.publication)

    @classmethod
    def open(cls, settings: Settings) -> HistoryReader:
        """Finds the data repository and parses its configuration.

        Raises:
            UsageError: There is no data repository.
            ConfigError: The configuration says something that cannot be.
        """
        return cls(Session.open(settings))

    def snapshots(self, address: Address | None = None) -> Iterator[LoggedSnapshot]:
        """Walks all snapshots, newest first, or those that changed an entity.

        Raises:
            UsageError: There is no such entity.
        """
        tip = refs.tip(self._repository, self._branch)
        if tip is None:
            return
        entity = None if address is None else address.entity
        for commit, summary in log_snapshots(self._history, tip, entity):
            yield LoggedSnapshot(summary, self._changes(commit, address))

    def document(self, address: Address) -> Iterator[DocumentEvent]:
        """Walks the snapshots that changed one document, newest first.

        Raises:
            UsageError: The address names no document, or not one.
        """
        tip = resolve(self._repository, self._branch, "latest").commit_id
        return log_document(self._history, tip, address)

    def snapshot(self, rev: str) -> SnapshotDetails:
        """Tells what a snapshot changed and what it holds.

        Raises:
            SnapshotNotFoundError: Nothing answers to the REV.
        """
        return show_snapshot(self._history, self._resolve(rev))

    def shown(self, rev: str, address: Address) -> ShownDocument:
        """Reads one document of a snapshot.

        Raises:
            UsageError: There is no such snapshot, entity, document or field.
        """
        return show_document(self._history, self._resolve(rev), address)

    def changed(
        self, rev: str, address: Address, *, with_values: bool = False
    ) -> Iterator[DocumentChange]:
        """Walks the documents of an entity that a snapshot changed.

        Raises:
            UsageError: There is no such snapshot or entity.
        """
        commit = self._resolve(rev)
        return show_changes(self._history, commit, address, with_values=with_values)

    def _resolve(self, rev: str) -> Commit:
        return resolve(self._repository, self._branch, rev)

    def _changes(self, commit: Commit, address: Address | None) -> Iterator[DocumentChange]:
        for change in document_changes(self._history, commit, address):
            yield with_fields(self._history, change, address)


__all__ = ["Address", "HistoryReader", "LoggedSnapshot", "parse_address"]
