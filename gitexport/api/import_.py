"""Loads a snapshot into a database; needs no data repository of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from gitexport.api.session import Settings, find_repository, find_source, open_source
from gitexport.api.snapshot_place import OpenedSnapshot, open_snapshot
from gitexport.config.discover import FoundDsn
from gitexport.errors import UsageError
from gitexport.model.ports import Progress
from gitexport.store.repository import DataRepository
from gitexport.transfer.import_options import ImportOptions
from gitexport.transfer.import_report import ImportReport
from gitexport.transfer.import_run import ImportTarget, import_snapshot

if TYPE_CHECKING:
    from gitexport.source.postgresql.create.database import NewDatabase


class ImportRequest(NamedTuple):
    """Which snapshot to import; `base` asks for a merge of what the source changed since.

    `into` names a database to be made for it; an empty name stands for the snapshot's tag.
    """

    source: str
    base: str | None = None
    into: str | None = None


class ImportJob:
    """An open snapshot and a database to load it into."""

    def __init__(
        self, opened: OpenedSnapshot, target: ImportTarget, made: NewDatabase | None = None
    ) -> None:
        self._opened = opened
        self._target = target
        self._made = made

    def run(self, options: ImportOptions, progress: Progress) -> ImportReport:
        """Imports in one transaction, or says in a dry run what that would do.

        Raises:
            UsageError: An option names what the snapshot does not have.
            DecisionNeededError: A guard stopped the import; nothing was done.
            ConflictError: A document cannot be a row of the target; nothing was done.
            GitExportError: Anything else that stops the import; nothing was done.
        """
        opened = self._opened
        report = import_snapshot(
            opened.source,
            self._target,
            options,
            progress=progress,
            origin=opened.origin,
            changes=opened.changes,
        )
        if self._made is not None and report.is_done:
            self._made.keep()
        return report


@contextmanager
def open_import(settings: Settings, request: ImportRequest) -> Iterator[ImportJob]:
    """Opens a snapshot for the database that the settings name; it connects when it is used.

    Raises:
        UsageError: There is no such source or snapshot.
        ConflictError: There is a database of the name for the new one.
        PublishError: A URL could not be cloned.
        CorruptRepositoryError: The source is damaged.
    """
    place = open_snapshot(
        request.source, settings.here, base=request.base, progress=settings.progress
    )
    with place as opened, ExitStack() as stack:
        found = find_source(settings, _repository(settings)).dsn
        made = None
        if request.into is not None:
            from gitexport.source.postgresql.create.database import new_database

            name = request.into or opened.source.snapshot or opened.source.commit[:10]
            made = stack.enter_context(new_database(found or None, name))
            found = made.dsn
        target = open_source("postgresql", FoundDsn(found, "--into" if made else ""))
        stack.callback(target.close)
        yield ImportJob(opened, target, made)


def _repository(settings: Settings) -> DataRepository | None:
    """Finds a data repository whose local.toml may name the database; none is no error."""
    try:
        return find_repository(settings)
    except UsageError:
        return None
