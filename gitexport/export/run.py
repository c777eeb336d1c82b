"""Turns pending rows into one snapshot, in an order that survives a crash.

A snapshot becomes visible when the branch moves, and only then. Everything before that
moment is unreachable garbage; everything after it can be repeated. Rows are acknowledged
only once commit and tag are durable and read back, so a crash at any point leaves them
pending, and the next run completes the work without a second commit.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from gitexport.errors import HeadMovedError
from gitexport.export.build import (
    Built,
    build_tree,
    renew_documents,
    report_entities,
    watched_directories,
)
from gitexport.export.guards import TooSoonError, wait_past
from gitexport.export.merge import joined
from gitexport.export.options import ExportOptions, Override
from gitexport.export.prepare import Context, Prepared, open_base, prepare
from gitexport.export.seal import seal_snapshot
from gitexport.export.settle import (
    acknowledge,
    catch_up,
    edits_still_left,
    is_shown,
    overwrite_edits,
    show,
)
from gitexport.export.share import ShareTask
from gitexport.export.stopwatch import Stopwatch
from gitexport.export.workers import (
    Crew,
    RunResult,
    choose_processes,
    run_alone,
    run_in_processes,
)
from gitexport.model import faults
from gitexport.model.entity import Publication
from gitexport.model.ports import Clock, Fence, Progress, Source, SourceView
from gitexport.model.report import ExportReport
from gitexport.model.snapshot import ObjectId
from gitexport.store.commits import remake_tag
from gitexport.store.journal import Journal, MachineState, read_state, write_state
from gitexport.store.lock import RepositoryLock
from gitexport.store.recovery import recover
from gitexport.store.repository import DataRepository

_ATTEMPTS = 3
_EDITS_LEFT = 6
_QUARANTINED = 3


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
    if options.is_dry_run:
        fence = source.peek(publication.repository_id, context.entities())
        state = read_state(repository)
        return _Attempt(context, state, fence, None).preview()
    with RepositoryLock(repository):
        return _export_locked(context)


def _export_locked(context: Context) -> ExportReport:
    faults.point("S1.lock")
    repository = context.repository
    repairs = recover(repository, context.branch, lambda commit: remake_tag(repository, commit))
    journal = Journal(repository)
    run = journal.begin()
    directory = repository.state_dir / "stage" / run.run_id
    directory.mkdir(parents=True)
    journal.note_stage(directory)
    faults.point("S2.recover")
    try:
        report = _try_until_done(context, journal, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        journal.finish()
    report.warnings[:0] = repairs
    faults.point("S12.finished")
    return report


def _try_until_done(context: Context, journal: Journal, directory: Path) -> ExportReport:
    left = _ATTEMPTS
    while True:
        attempt_directory = directory / str(left)
        attempt_directory.mkdir(exist_ok=True)
        entities = context.entities()
        fence = context.source.begin(context.publication.repository_id, entities)
        state = read_state(context.repository)
        try:
            return _Attempt(context, state, fence, attempt_directory).commit(journal)
        except TooSoonError as error:
            wait_past(error.last, context.clock)
        except HeadMovedError:
            left -= 1
            if not left:
                raise
        shutil.rmtree(attempt_directory, ignore_errors=True)


class _Attempt:
    """One attempt of a run, from the first look at the tip to the refreshed working tree."""

    def __init__(
        self, context: Context, state: MachineState, fence: Fence, directory: Path | None
    ) -> None:
        self._context = context
        self._state = state
        self._fence = fence
        self._directory = directory
        self._watch = Stopwatch()
        self._base = open_base(context)
        self._is_shown = is_shown(context)

    def preview(self) -> ExportReport:
        """Reports what a run would do, and writes nothing."""
        prepared, _result, built = self._read()
        report = self._report(prepared, built)
        report.is_dry_run = True
        if built.tree != prepared.base.tree or self._context.options.allow_empty:
            report.snapshot = prepared.tag
        return report

    def commit(self, journal: Journal) -> ExportReport:
        """Makes the snapshot where anything changed, and acknowledges what it holds."""
        context = self._context
        if self._directory is not None and self._base.tip is not None:
            self._watch.stage("catch up")
            catch_up(context, self._state, self._base.tip)
        prepared, result, built = self._read()
        is_new = built.tree != prepared.base.tree or context.options.allow_empty
        report = self._report(prepared, built)
        tip = prepared.base.tip
        if is_new:
            if prepared.too_soon is not None:
                built.discard()
                raise prepared.too_soon
            self._watch.stage("commit")
            assert self._directory is not None  # noqa: S101 - only a preview has none
            tip = seal_snapshot(context, prepared, built, journal, self._directory)
            report.snapshot, report.commit = prepared.tag, tip
            self._remember_tag(prepared.tag)
        else:
            built.discard()
        if context.acknowledges and tip is not None:
            self._acknowledge(prepared, result, report, tip)
        self._show(built, report, tip, is_new=is_new)
        report.stages = self._watch.finish()
        report.finished_at = context.clock()
        return report

    def _read(self) -> tuple[Prepared, RunResult, Built]:
        context = self._context
        self._watch.stage("read")
        identity = context.source.identity()
        with context.source.view() as view:
            faults.point("S3.begin")
            prepared = prepare(context, self._base, self._fence, self._state, view, identity)
            result = self._run_shares(prepared, view)
            reports = report_entities(context, prepared, result)
            documents = renew_documents(context, prepared, reports, view)
        faults.point("S3.end")
        self._watch.stage("trees")
        built = build_tree(context, prepared, result, reports, documents, self._directory)
        faults.point("S4.check")
        return prepared, result, built

    def _run_shares(self, prepared: Prepared, view: SourceView) -> RunResult:
        context = self._context
        stage = None
        if self._directory is not None and self._is_shown:
            stage = self._directory / "files"
            stage.mkdir()
        task = ShareTask(
            plans=prepared.plans,
            base=prepared.base.tree,
            directory=self._directory,
            stage=stage,
            schemas=prepared.schemas,
            watched=watched_directories(context),
            with_details=context.options.with_details,
            limit=context.options.limit,
        )
        rows = sum(view.count(plan.entity, plan.scope) for plan in prepared.plans)
        context.progress.stage("reading rows", rows)
        processes = choose_processes(rows, context.options.workers)
        if self._directory is None or context.options.limit or processes == 1:
            return run_alone(task, view, context.repository, context.progress)
        shared = view.share()
        if shared is None:
            return run_alone(task, view, context.repository, context.progress)
        path = context.repository.path
        crew = Crew(context.source, shared, lambda: DataRepository.open(path), processes)
        return run_in_processes(task, crew, context.progress)

    def _report(self, prepared: Prepared, built: Built) -> ExportReport:
        context = self._context
        mode = "partial" if context.is_partial else prepared.mode
        report = ExportReport(mode, prepared.instant)
        report.entities = built.reports
        report.documents = sorted(built.documents.contents)
        report.schema_changes = [text for plan in prepared.plans for text in plan.change.sentences]
        report.warnings += [
            f"the document '{path}' kept its old content: {reason}"
            for path, reason in built.documents.refused.items()
        ]
        gone = prepared.base.manifest.entities.keys() - {
            name
            for entity in context.publication.entities
            for name in (entity.name, entity.renamed_from)
        }
        report.warnings += [
            f"'{name}' is no longer configured; its files stay until you remove them"
            for name in sorted(gone)
        ]
        if context.options.with_details:
            report.details = built.details
        if built.quarantined or built.documents.refused:
            report.exit_code = _QUARANTINED
        return report

    def _acknowledge(
        self, prepared: Prepared, result: RunResult, report: ExportReport, tip: ObjectId
    ) -> None:
        context = self._context
        self._watch.stage("acknowledge")
        rows = sum(
            share.acknowledgements.count for share in result.encoded if share.acknowledgements
        )
        context.progress.stage("acknowledging", rows)
        counts = acknowledge(context, prepared, result.encoded, tip)
        for name, count in counts.items():
            report.entities[name].superseded = count.superseded
        large = {name: count.acknowledged for name, count in counts.items()}
        report.warnings += context.source.maintain(large) if large else []

    def _show(
        self, built: Built, report: ExportReport, tip: ObjectId | None, *, is_new: bool
    ) -> None:
        context = self._context
        self._watch.stage("working tree")
        if tip is None or not self._is_shown:
            return
        discard = Override.EDITS in context.options.overrides
        if is_new:
            total = sum(changes.count for changes in built.changes)
            context.progress.stage("refreshing files", total)
            stage = None if self._directory is None else self._directory / "files"
            view = show(context, joined(built.changes), tip, stage, discard_edits=discard)
            if view.stale is not None:
                report.warnings.append(
                    f"the working tree was not refreshed: {view.stale}; the next export does it"
                )
            report.warnings += [f"cannot replace {reason}" for reason in view.refused]
        left = edits_still_left(context, tip)
        if left and discard:
            overwrite_edits(context, tip, left)
            left = edits_still_left(context, tip)
        report.kept_edits = left
        if left:
            report.exit_code = _EDITS_LEFT

    def _remember_tag(self, tag: str) -> None:
        state = read_state(self._context.repository)
        write_state(self._context.repository, replace(state, last_tag=tag))
