"""Writes history into a SQLite file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gitexport.api.session import Session, Settings
from gitexport.compare.stored import StoredHistory
from gitexport.history.sqlite import write
from gitexport.history.sqlite.write import HistoryReport, HistoryRequest
from gitexport.model.address import Address
from gitexport.store.revisions import moment, resolve


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """Which file shall hold which part; `since` and `until` are times, dates or REVs."""

    path: Path
    addresses: tuple[Address, ...] = ()
    since: str | None = None
    until: str | None = None
    is_dry_run: bool = False


def write_history(settings: Settings, wanted: HistoryFile) -> HistoryReport:
    """Brings a file up to the newest snapshot; see `gitexport.history.sqlite.write`."""
    with Session.open(settings) as session:
        repository, publication = session.repository, session.publication
        branch = publication.branch
        tip = resolve(repository, branch, "latest").commit_id
        since = until = None
        if wanted.since is not None:
            since = moment(repository, branch, wanted.since, is_start=True)
        if wanted.until is not None:
            until = moment(repository, branch, wanted.until)
        path = settings.here / wanted.path
        request = HistoryRequest(path, wanted.addresses, since, until, wanted.is_dry_run)
        history = StoredHistory(repository, publication)
        return write.write_history(history, tip, request, settings.progress)
