"""Brings a SQLite file up to the newest snapshot: all of it, or nothing."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from gitexport.canonical.value import loads
from gitexport.compare.stored import StoredHistory
from gitexport.errors import DecisionNeededError, UsageError
from gitexport.history.details import DetailsReader
from gitexport.history.log import require_known
from gitexport.history.query import LogQuery
from gitexport.history.sqlite.file import (
    Loaded,
    Part,
    is_new,
    open_file,
    read_loaded,
    transaction,
    write_metadata,
)
from gitexport.history.sqlite.rows import RowCounts, RowWriter
from gitexport.history.sqlite.schema import create_tables, create_view, drop_views, has_views
from gitexport.model.address import Address
from gitexport.model.ports import Progress
from gitexport.model.snapshot import ObjectId
from gitexport.store import refs
from gitexport.store.notes import NOTES_REF, Notes


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """Which file, and which part of the history; by default all of it.

    `addresses` name entities or documents, also by globs; `since` and `until` belong to the
    period.
    """

    path: Path
    addresses: tuple[Address, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    is_dry_run: bool = False


@dataclass(slots=True)
class HistoryReport:
    """What was added to the file, or would be: `snapshots` are their names, oldest first.

    `counts` stay empty in a dry run.
    """

    path: Path
    snapshots: list[str] = field(default_factory=list)
    counts: RowCounts = field(default_factory=RowCounts)
    is_new: bool = False
    is_dry_run: bool = False
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Pending:
    """Snapshots that a file lacks, oldest first, after the one that they are compared with."""

    base: ObjectId | None
    has_base: bool
    commits: list[tuple[ObjectId, str]]


def write_history(
    history: StoredHistory, tip: ObjectId, request: HistoryRequest, progress: Progress
) -> HistoryReport:
    """Adds the snapshots that a file lacks, in one transaction.

    A period that begins later than the history starts with what the last snapshot before it
    held, as versions of the kind `present`.

    Raises:
        UsageError: The file is no such history, or of another repository or part; or an
            address means nothing.
        DecisionNeededError: The branch no longer has what the file holds.
        MachineError: The file cannot be written; nothing was changed.
        LockedError: Another program is writing it.
    """
    for address in request.addresses:
        _require_document(history, tip, address)
    part = _part(history, request)
    report = HistoryReport(request.path, is_dry_run=request.is_dry_run)
    with open_file(request.path, is_read_only=request.is_dry_run) as connection:
        report.is_new = connection is None or is_new(connection)
        loaded = Loaded()
        if connection is not None and not report.is_new:
            loaded = read_loaded(connection, request.path, part)
        pending = _pending(history, tip, request, loaded)
        report.snapshots = [name for _commit, name in pending.commits]
        if request.is_dry_run or connection is None:
            return report
        with transaction(connection):
            if report.is_new:
                create_tables(connection)
                write_metadata(connection, {"format": "gitexport.history/v1", **part.members()})
            run = _Run(connection, history, request, report)
            run.add(pending, progress)
            run.finish(loaded)
    return report


class _Run:
    """Fills one file, inside of one transaction."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        history: StoredHistory,
        request: HistoryRequest,
        report: HistoryReport,
    ) -> None:
        self._connection = connection
        self._history = history
        self._report = report
        self._rows = RowWriter(connection, history, request.addresses)
        self._details = DetailsReader(history)

    def add(self, pending: _Pending, progress: Progress) -> None:
        """Writes the snapshots, each against the one before it."""
        self._rows.follow_renames()
        if pending.commits:
            progress.stage("writing snapshots", len(pending.commits))
        repository = self._history.repository
        old = self._history.at(repository.tree_of(pending.base) if pending.base else None)
        is_baseline = pending.has_base
        for commit_id, _name in pending.commits:
            commit = refs.read_commit(repository, commit_id)
            new = self._history.at(bytes.fromhex(commit.tree_id))
            name = self._rows.write_snapshot(self._details.of(commit))
            self._rows.write_changes(old, new, name, is_baseline=is_baseline)
            old, is_baseline = new, False
            progress.advance()
        self._report.counts = self._rows.counts

    def finish(self, loaded: Loaded) -> None:
        """Renews the views and notes, and remembers up to where the file is filled."""
        if has_views():
            self._make_views()
        else:
            self._report.warnings.append(
                f"SQLite {sqlite3.sqlite_version} is too old for views of the documents"
            )
        notes = refs.ref_target(self._history.repository, NOTES_REF)
        if notes != loaded.notes:
            self._renew_notes()
        last = self._connection.execute(
            "SELECT snapshot, commit_id FROM snapshots ORDER BY snapshot DESC LIMIT 1"
        ).fetchone()
        snapshot, commit = last or (None, None)
        members = {"last_snapshot": snapshot, "last_commit": commit, "notes_commit": notes}
        write_metadata(self._connection, members)

    def _make_views(self) -> None:
        drop_views(self._connection)
        names = self._connection.execute("SELECT entity FROM entities ORDER BY entity").fetchall()
        for (entity,) in names:
            newest = self._connection.execute(
                "SELECT document FROM versions WHERE entity = ? AND document IS NOT NULL"
                " ORDER BY id DESC LIMIT 1",
                (entity,),
            ).fetchone()
            document = loads(newest[0].encode()) if newest else None
            create_view(self._connection, entity, document if isinstance(document, dict) else ())

    def _renew_notes(self) -> None:
        notes = Notes(self._history.repository)
        known = self._connection.execute("SELECT commit_id, note FROM snapshots").fetchall()
        changed = [
            (note, commit) for commit, old in known if (note := notes.of(ObjectId(commit))) != old
        ]
        self._connection.executemany("UPDATE snapshots SET note = ? WHERE commit_id = ?", changed)


def _require_document(history: StoredHistory, tip: ObjectId, address: Address) -> None:
    if address.pointer is not None:
        message = f"'{address}' names a field, and a history holds whole documents"
        raise UsageError(message, where=str(address), hint="leave out the part behind #")
    require_known(history, tip, address.entity)


def _part(history: StoredHistory, request: HistoryRequest) -> Part:
    publication = history.publication
    return Part(
        publication.repository_id,
        publication.branch,
        tuple(sorted(map(str, request.addresses))),
        None if request.since is None else request.since.isoformat(),
        None if request.until is None else request.until.isoformat(),
    )


def _pending(
    history: StoredHistory, tip: ObjectId, request: HistoryRequest, loaded: Loaded
) -> _Pending:
    """Finds the snapshots that a file lacks, and what the first of them is compared with."""
    query = LogQuery(request.since, request.until)
    commits: list[tuple[ObjectId, str]] = []
    for commit_id, name in refs.snapshot_names(history.repository, tip):
        if commit_id == loaded.commit:
            return _Pending(commit_id, has_base=False, commits=commits[::-1])
        if query.is_too_new(name):
            continue
        commits.append((commit_id, name))
        if loaded.commit is None and query.is_too_old(name):
            return _Pending(None, has_base=True, commits=commits[::-1])
    if loaded.commit is not None:
        message = (
            f"'{request.path}' holds the snapshot '{loaded.snapshot}', and the branch does not"
        )
        hint = "its history was rewritten: name another file, or remove this one"
        raise DecisionNeededError(message, where=str(request.path), hint=hint)
    return _Pending(None, has_base=False, commits=commits[::-1])
