"""Turns pending rows into one snapshot, in an order that survives a crash.

A snapshot becomes visible when the branch moves, and only then. Everything before that
moment is unreachable garbage; everything after it can be repeated. Rows are acknowledged
only once commit and tag are durable and read back, so a crash at any point leaves them
pending, and the next run completes the work without a second commit.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from gitexport.errors import ConnectionFailedError, HeadMovedError
from gitexport.export.attempt import Attempt
from gitexport.export.context import Context
from gitexport.export.guards import TooSoonError, wait_past
from gitexport.export.options import ExportOptions
from gitexport.model import faults
from gitexport.model.entity import Publication
from gitexport.model.ports import Clock, Progress, Source
from gitexport.model.report import ExportReport
from gitexport.store.changes import FileChange
from gitexport.store.commits import remake_tag
from gitexport.store.journal import Journal, read_state
from gitexport.store.lock import RepositoryLock
from gitexport.store.maintenance import maintain
from gitexport.store.recovery import recover
from gitexport.store.repository import DataRepository

_ATTEMPTS = 3
_PAUSES = (0.5, 1.0, 2.0)
"""Seconds to wait before reading again after a lost connection."""


def export_snapshot(  # noqa: PLR0913 - the four parties of a run, and what it is asked
    source: Source,
    repository: DataRepository,
    publication: Publication,
    options: ExportOptions,
    *,
    clock: Clock,
    progress: Progress,
) -> ExportReport:
    """Exports pending rows as one snapshot and acknowledges them.

    A dry run takes no lock, writes nothing anywhere, and reports what would happen.

    Raises:
        LockedError: Another run is busy here.
        DecisionNeededError: A guard stopped the run; nothing was changed.
        GitExportError: Anything else that stops a run; rows that no commit holds stay pending.
    """
    context = Context(source, repository, publication, options, clock, progress)
    context.view.refuse_shown_elsewhere()
    if options.is_dry_run:
        fence = source.peek(publication.repository_id, context.entities())
        state = read_state(repository)
        return Attempt(context, state, fence, None).preview()
    with RepositoryLock(repository):
        return export_locked(context)


def preview_changes(context: Context) -> tuple[ExportReport, Iterator[FileChange]]:
    """Says what an export would do now, and which files its snapshot would change, by path.

    Takes no lock and writes nothing; the changes have been read when this returns.

    Raises:
        DecisionNeededError: A guard would stop the run.
        GitExportError: Anything else that would.
    """
    context.view.refuse_shown_elsewhere()
    fence = context.source.peek(context.publication.repository_id, context.entities())
    attempt = Attempt(context, read_state(context.repository), fence, None)
    return attempt.preview_changes()


def export_locked(context: Context) -> ExportReport:
    """Does what `export_snapshot` does, for who holds the lock of the data repository."""
    faults.point("S1.lock")
    repository = context.repository
    journal = Journal(repository)
    repairs = recover(repository, context.branch, lambda commit: remake_tag(repository, commit))
    run = journal.begin()
    directory = repository.state_dir / "stage" / run.run_id
    directory.mkdir(parents=True)
    faults.point("S2.recover")
    try:
        report = _try_until_done(context, journal, directory)
        maintain(repository)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        journal.finish()
    report.warnings[:0] = repairs
    faults.point("S12.finished")
    return report


def _try_until_done(context: Context, journal: Journal, directory: Path) -> ExportReport:
    left = _ATTEMPTS
    pauses = iter(_PAUSES)
    while True:
        attempt_directory = directory / str(left)
        attempt_directory.mkdir(exist_ok=True)
        entities = context.entities()
        fence = context.source.begin(context.publication.repository_id, entities)
        state = read_state(context.repository)
        attempt = Attempt(context, state, fence, attempt_directory)
        try:
            attempt.catch_up()
            return attempt.commit(journal)
        except TooSoonError as error:
            wait_past(error.last, context.clock)
        except HeadMovedError:
            left -= 1
            if not left:
                raise
        except ConnectionFailedError as error:
            # Once there is a snapshot, the error says so, and the next run acknowledges it.
            pause = next(pauses, None)
            if attempt.has_sealed or not error.is_transient or pause is None:
                raise
            context.progress.warn(f"{error.message}; trying again in {pause:g} s")
            time.sleep(pause)
        shutil.rmtree(attempt_directory, ignore_errors=True)
