"""Runs the main job on sample data, with a PostgreSQL of its own that is gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from gitexport.api.compare import Comparer
from gitexport.api.export import ExportRequest, export
from gitexport.api.history import HistoryReader
from gitexport.api.init import InitOptions, init
from gitexport.api.restore import Restore, go_back_in_database
from gitexport.api.session import Settings
from gitexport.api.track import track
from gitexport.config.discover import DSN_VARIABLE
from gitexport.embedded import EmbeddedServer, without_libpq_variables
from gitexport.errors import UsageError
from gitexport.history.details import SnapshotDetails
from gitexport.model.changeset import ChangeCounts, ChangeKind, DocumentChange
from gitexport.model.counted import counted
from gitexport.model.report import ExportReport
from gitexport.restore.database import RowsRequest
from gitexport.restore.rows import RowsPlan
from gitexport.setup import sample
from gitexport.source.postgresql.script import run_script
from gitexport.store.git_errors import machine_error

CHANGED_USERS = 50
_TABLES = ("dwh.datamartusers", "dwh.datamartcountries")
_NAME = "gitexport-demo"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """Where the data repository goes (None: a new temporary directory), and how many users."""

    directory: Path | None = None
    rows: int = sample.USERS


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One step that was done, in the words in which it is told."""

    what: str
    milliseconds: int


@dataclass(slots=True)
class DemoReport:
    """What the demo did. The database is gone; the data repository at `path` stays."""

    path: Path
    server: str
    steps: list[DemoStep] = field(default_factory=list)
    exports: list[ExportReport] = field(default_factory=list)
    latest: SnapshotDetails | None = None
    differences: ChangeCounts | None = None
    change: DocumentChange | None = None

    @property
    def milliseconds(self) -> int:
        """How long everything took."""
        return sum(step.milliseconds for step in self.steps)


OnStep = Callable[[DemoStep], None]


def demo(settings: Settings, options: DemoOptions, on_step: OnStep | None = None) -> DemoReport:
    """Starts a server, fills it, tracks, exports, changes rows, exports, goes back, and compares.

    `on_step` is told of each step when it is done. Interrupted, nothing is left behind. libpq's
    environment variables are taken from this process for as long as the server is up.

    Raises:
        SourceError: No PostgreSQL is installed that can be started, or it failed.
        MachineError: Disk, memory or permissions do not allow it.
        UsageError: The number of rows or the directory cannot be used, or a database was named.
    """
    if settings.dsn is not None:
        message = "the demo brings a PostgreSQL of its own and uses no other database"
        hint = "leave --dsn out; for a database of your own: gitexport init DIR --dsn DSN"
        raise UsageError(message, where="--dsn", hint=hint)
    _check_rows(options.rows)
    path = _choose_directory(settings, options)
    keeps_directory = options.directory is not None and path.exists()
    try:
        return _Demo(settings, options, path, on_step).run()
    except BaseException:
        # It was empty or not there, so everything in it is ours.
        for entry in list(path.iterdir()) if keeps_directory else [path]:
            shutil.rmtree(entry, ignore_errors=True)
            entry.unlink(missing_ok=True) if entry.is_file() else None
        raise


class _Demo:
    """One demo: its server, its settings, and the clock of its steps."""

    def __init__(
        self, settings: Settings, options: DemoOptions, path: Path, on_step: OnStep | None
    ) -> None:
        self._settings = settings
        self._options = options
        self._on_step = on_step
        self._started = time.monotonic()
        self._report = DemoReport(path, "")

    def run(self) -> DemoReport:
        """Does all steps, with the server up for as long as they need it."""
        report = self._report
        self._settings.progress.stage("starting PostgreSQL")
        with without_libpq_variables(), EmbeddedServer.start() as server:
            report.server = server.version
            self._done(f"started PostgreSQL {server.version}, without any network port")
            self._export_all(server.dsn())
            changed = min(CHANGED_USERS, self._options.rows)
            self._settings.progress.stage("changing rows")
            run_script(server.dsn(), sample.change_sql(changed))
            self._done(f"changed {counted(changed, 'user')}, as an ETL would")
            self._export(f"exported the {counted(changed, 'changed row')} as the second snapshot")
            self._go_back()
        self._done("stopped PostgreSQL and removed its files")
        self._look_back()
        return report

    def _export_all(self, dsn: str) -> None:
        rows = self._options.rows
        self._settings.progress.stage("filling tables")
        run_script(dsn, sample.schema_sql())
        run_script(dsn, sample.fill_sql(rows))
        self._done(f"filled {counted(rows, 'user')} and {sample.COUNTRIES} countries")
        # From the environment, so that no file remembers a server that will be gone.
        self._settings = replace(
            self._settings,
            directory=self._report.path,
            dsn=None,
            environment={DSN_VARIABLE: dsn},
        )
        made = init(self._settings, InitOptions(tables=_TABLES))
        self._done(f"init: {len(made.added)} entities, named column by column")
        track(self._settings)
        self._done("track: flag columns and triggers, so that later exports are incremental")
        self._export("exported every row as the first snapshot")

    def _export(self, what: str) -> None:
        report = export(self._settings, ExportRequest()).report
        self._report.exports.append(report)
        self._done(what)

    def _go_back(self) -> None:
        first = self._report.exports[0].snapshot or ""
        done = go_back_in_database(self._settings, Restore(first), RowsRequest(), _agree)
        rows = sum(counts.updated for counts in done.plan.entities.values())
        if done.after is not None:
            self._report.exports.append(done.after)
        self._done(f"restored {counted(rows, 'row')} to the first snapshot, as the third snapshot")

    def _look_back(self) -> None:
        report = self._report
        first, second = (export.snapshot or "" for export in report.exports[:2])
        with Comparer.open(self._settings) as comparer:
            comparison = comparer.compare(first, second)
            changes = [document.change for document in comparison.changes()]
        fields = sum(len(change.fields) for change in changes)
        report.differences = comparison.total
        report.change = next(
            (change for change in changes if change.kind is ChangeKind.MODIFIED), None
        )
        documents = counted(len(changes), "document")
        differ = counted(fields, "field differs", "fields differ")
        self._done(f"compared the snapshots: {documents}, {differ}")
        report.latest = HistoryReader.open(self._settings).snapshot("latest")

    def _done(self, what: str) -> None:
        now = time.monotonic()
        step = DemoStep(what, round((now - self._started) * 1000))
        self._started = now
        self._report.steps.append(step)
        if self._on_step is not None:
            self._on_step(step)


def _agree(_plan: RowsPlan) -> None:
    """Changes rows without asking: they are the demo's own."""


def _check_rows(rows: int) -> None:
    try:
        sample.fill_sql(rows)
    except ValueError as error:
        raise UsageError(str(error), where="--rows") from error


def _choose_directory(settings: Settings, options: DemoOptions) -> Path:
    """Names a directory that is empty or not there yet; what people have is never touched."""
    if options.directory is None:
        return Path(tempfile.mkdtemp(prefix=f"{_NAME}-"))
    path = (settings.here / options.directory).absolute()
    try:
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            return path
        if not path.is_dir():
            message = f"'{path}' is not a directory"
            raise UsageError(message, where=str(path), hint="name one that does not exist yet")
    except OSError as error:
        raise machine_error(error, path) from error
    names = (_NAME if number == 1 else f"{_NAME}-{number}" for number in count(1))
    return next(path / name for name in names if not (path / name).exists())
