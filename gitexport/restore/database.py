"""Carries a plan out in the database, and makes a snapshot of what it became.

First an ordinary export of what is pending, so that the state before is itself a snapshot;
then one transaction that touches only rows that differ and leaves them pending; then an
ordinary export, whose commit says where its content comes from. Killed in between, rows are
pending as after any change, and the next export makes a plain snapshot of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gitexport.errors import (
    DecisionNeededError,
    GitExportError,
    RowRefusedError,
    StatementFailedError,
)
from gitexport.export.context import Context
from gitexport.export.guards import guard_source
from gitexport.export.message import SOURCE
from gitexport.export.options import ExportOptions, Override
from gitexport.export.run import export_locked, preview_changes
from gitexport.model import faults
from gitexport.model.entity import Entity
from gitexport.model.ports import Source
from gitexport.model.report import ExportReport
from gitexport.model.snapshot import EntityCounts, ObjectId, Origin
from gitexport.model.writing import RowWriter, WritableSource, WritingOptions
from gitexport.restore.pending import naming_ways_on, with_pending
from gitexport.restore.plan import Plan
from gitexport.restore.row_targets import keep_rows
from gitexport.restore.rows import Confirm, RowsPlan, RowsReport
from gitexport.restore.rows_planner import RowsPlanner
from gitexport.restore.schemas import refuse_invalid
from gitexport.restore.snapshot import MakePlan, Workplace
from gitexport.restore.tip import Tip
from gitexport.restore.verifying import verify
from gitexport.restore.writing import RowMovedError, with_path
from gitexport.store import refs
from gitexport.store.lock import RepositoryLock

_ATTEMPTS = 5
_NAMED = 3
LOCK_TIMEOUT_MS = 30_000
"""How long the transaction waits for rows that another session has locked."""


class RestorableSource(Source, WritableSource, Protocol):
    """A database that rows are read from and written to."""


@dataclass(frozen=True, slots=True)
class RowsRequest:
    """How rows are brought back.

    `verifies_all` reads every row instead of trusting the flags. `fires_triggers` leaves
    people's triggers at work. `with_statements` lists the SQL in a dry run.
    """

    is_dry_run: bool = False
    verifies_all: bool = False
    fires_triggers: bool = False
    with_statements: bool = False


def restore_rows(
    place: Workplace,
    source: RestorableSource,
    make_plan: MakePlan,
    request: RowsRequest,
    confirm: Confirm,
) -> RowsReport:
    """Brings rows to what a plan says, as one transaction between two exports.

    A dry run stops after the plan, and writes nothing anywhere. Where the plan has conflicts
    or nothing to do, nothing is done either.

    Raises:
        DecisionNeededError: A guard stopped it, or nobody agreed; nothing was changed.
        ConflictError: A row cannot become what its document says; no row was changed.
        LockedError: Another run is busy here.
        SourceError: The database refused, or another session holds a lock for too long.
    """
    run = _Run(place, source, make_plan, request)
    run.guard_source()
    plan = run.preview()
    if request.is_dry_run:
        return RowsReport(plan, is_dry_run=True)
    if plan.conflicts or (plan.is_empty and not run.settles_edits):
        return RowsReport(plan)
    run.guard_cascades(plan)
    confirm(plan)
    with RepositoryLock(place.repository):
        return run.execute()


class _Run:
    """One restore of rows, from the first look to the last export."""

    def __init__(
        self,
        place: Workplace,
        source: RestorableSource,
        make_plan: MakePlan,
        request: RowsRequest,
    ) -> None:
        self._place = place
        self._source = source
        self._make_plan = make_plan
        self._request = request
        self.settles_edits = False
        # What was planned on a tip that no pending row would change.
        self._planned: tuple[ObjectId | None, Plan] | None = None

    def guard_source(self) -> None:
        """Stops where the database is another one than the snapshots'.

        Raises:
            DecisionNeededError: It is, and nobody said that this is meant.
        """
        repository, branch = self._place.repository, self._place.publication.branch
        tip = refs.tip(repository, branch)
        last = None if tip is None else refs.last_snapshot(repository, tip)
        try:
            told = None if last is None else last.trailer(SOURCE)
            guard_source(self._source.identity(), told, self._place.overrides)
        except DecisionNeededError as error:
            error.hint = "check --dsn; if these rows are meant: --override source"
            raise

    def preview(self) -> RowsPlan:
        """Says what would happen now, without writing anything."""
        place = self._place
        place.progress.stage("looking at pending rows")
        with naming_ways_on():
            report, changes = preview_changes(self._context(self._before()))
        # Where people committed to managed paths, only a snapshot says that rows have won.
        self.settles_edits = place.rows_win and report.snapshot is not None
        files = {change.path: change.new for change in changes}
        options = self._options()._replace(is_rehearsal=True, fires_triggers=True)
        with self._source.writing(options) as writer:
            tip = with_pending(place.open_tip(), writer, self._entities().values(), files)
            place.progress.stage("planning")
            plan = self._plan(tip, report)
            if report.snapshot is None and not tip.overlay:
                self._planned = tip.commit_id, plan
            found = self._planner(writer, tip).describe(plan)
            found.unsaved = _unsaved(report)
            return found

    def guard_cascades(self, plan: RowsPlan) -> None:
        """Stops where cascades reach rows that no snapshot holds.

        Raises:
            DecisionNeededError: They do, and nobody said that this is meant.
        """
        if not plan.reach or Override.CASCADE in self._place.overrides:
            return
        reached = [
            f"{part.rows:,} of {part.relation} ({part.name}, on {part.event} {part.action})"
            for part in plan.reach
        ]
        message = "rows that are not part of this would change as well"
        hint = "change them first, or let the cascade happen: --override cascade"
        raise DecisionNeededError(message, where=", ".join(reached[:_NAMED]), hint=hint)

    def execute(self) -> RowsReport:
        """Exports, writes, and exports again."""
        saved: ExportReport | None = None
        for left in reversed(range(_ATTEMPTS)):
            with naming_ways_on():
                before = export_locked(self._context(self._before()))
            if before.not_shown is not None:
                # No row is written yet, and the second export would not come about.
                raise before.not_shown
            if saved is None or before.snapshot is not None:
                saved = before
            tip = self._place.open_tip()
            plan = self._plan_again(tip, before)
            if plan.conflicts:
                rows = RowsPlan(plan.origin, notes=plan.left_alone, conflicts=plan.conflicts)
                return RowsReport(rows, saved)
            try:
                rows, warnings = self._write(tip, plan)
            except RowMovedError as error:
                if left:
                    continue
                message = "a row is not what its document says, also after an export"
                hint = "run it again with --verify-all, which reads every row"
                raise StatementFailedError(message, where=str(error), hint=hint) from error
            break
        rows.unsaved = {} if saved is None else _unsaved(saved)
        report = RowsReport(rows, saved, warnings=warnings)
        faults.point("R3.written")
        if not rows.is_empty:
            self._place.progress.stage("exporting")
            report.after = self._export_after(plan.origin)
        return report

    def _export_after(self, origin: Origin) -> ExportReport:
        try:
            return export_locked(self._context(self._after(origin)))
        except GitExportError as error:
            error.where = f"{error.where or 'the last step'}; the rows are restored and pending"
            error.hint = error.hint or "run gitexport export: it makes their snapshot"
            raise

    def _write(self, tip: Tip, plan: Plan) -> tuple[RowsPlan, list[str]]:
        place, request = self._place, self._request
        place.progress.stage("writing rows", len(plan.targets))
        with self._source.writing(self._options()) as writer:
            planner = self._planner(writer, tip)
            rows = planner.describe(plan, check=True)
            self.guard_cascades(rows)
            changed = [part for part in planner.staged if not part.is_empty]
            rows.code = writer.silence([part.entity for part in changed])
            faults.point("R1.staged")
            try:
                writer.write()
            except RowRefusedError as error:
                raise with_path(error, plan.targets) from error
            faults.point("R2.changed")
            warnings: list[str] = []
            for part in changed:
                warnings += verify(writer, tip, part, is_strict=not request.fires_triggers)
        return rows, warnings

    def _plan_again(self, tip: Tip, report: ExportReport) -> Plan:
        """Gives the plan that people saw where nothing has changed since, or a new one."""
        is_known = self._planned is not None and self._planned[0] == tip.commit_id
        is_refused = any(found.quarantined for found in report.entities.values())
        if self._planned is not None and is_known and not is_refused:
            return self._planned[1]
        return self._plan(tip, report)

    def _plan(self, tip: Tip, report: ExportReport) -> Plan:
        """Makes the plan, with what can be rows."""
        plan = self._make_plan(tip)
        keep_rows(plan, tip, report)
        refuse_invalid(tip, plan)
        return plan

    def _planner(self, writer: RowWriter, tip: Tip) -> RowsPlanner:
        request = self._request
        return RowsPlanner(
            writer,
            tip,
            self._entities(),
            fires_triggers=request.fires_triggers,
            with_statements=request.with_statements,
        )

    def _entities(self) -> dict[str, Entity]:
        return {entity.name: entity for entity in self._place.publication.entities}

    def _options(self) -> WritingOptions:
        return WritingOptions(
            fires_triggers=self._request.fires_triggers, lock_timeout_ms=LOCK_TIMEOUT_MS
        )

    def _before(self) -> ExportOptions:
        place, request = self._place, self._request
        return ExportOptions(
            full=request.verifies_all,
            overrides=place.overrides - {Override.CASCADE},
            rows_win=place.rows_win,
        )

    def _after(self, origin: Origin) -> ExportOptions:
        kept = {Override.CLOCK, Override.CASCADE}
        return ExportOptions(overrides=self._place.overrides & kept, origin=origin)

    def _context(self, options: ExportOptions) -> Context:
        place = self._place
        return Context(
            self._source, place.repository, place.publication, options, place.clock, place.progress
        )


def _unsaved(report: ExportReport) -> dict[str, EntityCounts]:
    counts = {
        name: EntityCounts(found.added, found.modified, found.deleted)
        for name, found in report.entities.items()
    }
    return {name: found for name, found in counts.items() if found.total}
