"""Reads snapshots: the log, the life of a document, one snapshot and its documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gitexport.api.session import Session, Settings
from gitexport.compare.stored import StoredHistory
from gitexport.history.blame import BlameReport, blame
from gitexport.history.details import DetailsReader, SnapshotDetails
from gitexport.history.log import DocumentEvent, changes_of, log_document, log_snapshots
from gitexport.history.query import LogQuery
from gitexport.history.show import ShownDocument, show_changes, show_document
from gitexport.model.address import Address, parse_address
from gitexport.model.changeset import DocumentChange
from gitexport.model.snapshot import Commit
from gitexport.store import refs
from gitexport.store.revisions import moment, resolve


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Which snapshots a log shall show; by default all.

    `since` and `until` are times, dates or the REV of a snapshot, and belong to the period.
    `author` is a part of the author's name and address. `skip` passes over the newest.
    """

    since: str | None = None
    until: str | None = None
    author: str | None = None
    skip: int = 0


@dataclass(frozen=True, slots=True)
class LoggedSnapshot:
    """One snapshot of the log; `changes` are read when they are walked."""

    details: SnapshotDetails
    changes: Iterator[DocumentChange]


class HistoryReader:
    """The snapshots of one data repository. Needs no database."""

    def __init__(self, session: Session) -> None:
        self._repository = session.repository
        self._branch = session.publication.branch
        self._history = StoredHistory(session.repository, session.publication)
        self._details = DetailsReader(self._history)

    @classmethod
    def open(cls, settings: Settings) -> HistoryReader:
        """Finds the data repository and parses its configuration.

        Raises:
            UsageError: There is no data repository.
            ConfigError: The configuration says something that cannot be.
        """
        return cls(Session.open(settings))

    def snapshots(
        self, request: LogRequest, address: Address | None = None
    ) -> Iterator[LoggedSnapshot]:
        """Walks snapshots, newest first; with an address, those that changed what it means.

        Raises:
            UsageError: There is no such entity, or no such time.
        """
        tip = refs.tip(self._repository, self._branch)
        if tip is None:
            return
        found = log_snapshots(self._history, tip, self._query(request), address)
        for commit, summary in found:
            changes = changes_of(self._history, commit, address)
            yield LoggedSnapshot(self._details.of(commit, summary), changes)

    def document(self, address: Address, request: LogRequest) -> Iterator[DocumentEvent]:
        """Walks the snapshots that changed one document, newest first.

        Raises:
            UsageError: The address names no document, or not one, or there is no such time.
        """
        tip = self._resolve("latest").commit_id
        return log_document(self._history, tip, self._query(request), address)

    def blame(self, address: Address, rev: str = "latest") -> BlameReport:
        """Tells which snapshot set each field of a document, as a snapshot holds it.

        Raises:
            UsageError: There is no such snapshot, entity, document or field.
        """
        return blame(self._history, self._resolve(rev).commit_id, address)

    def snapshot(self, rev: str) -> SnapshotDetails:
        """Tells what a snapshot changed and what it holds.

        Raises:
            SnapshotNotFoundError: Nothing answers to the REV.
        """
        return self._details.of(self._resolve(rev))

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

    def _query(self, request: LogRequest) -> LogQuery:
        since = until = None
        if request.since is not None:
            since = moment(self._repository, self._branch, request.since, is_start=True)
        if request.until is not None:
            until = moment(self._repository, self._branch, request.until)
        return LogQuery(since, until, request.author, request.skip)


__all__ = ["Address", "HistoryReader", "LogRequest", "LoggedSnapshot", "parse_address"]
