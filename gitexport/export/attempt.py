"""One attempt of an export: read, build, commit, acknowledge, refresh, in this order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gitexport.errors import CorruptRepositoryError, GitExportError, SourceError
from gitexport.export.build import (
    Built,
    build_tree,
    renew_documents,
    report_entities,
    watched_directories,
)
from gitexport.export.context import Context, open_base
from gitexport.export.merge import joined
from gitexport.export.prepare import Prepared, prepare
from gitexport.export.schema_change import standing_warnings
from gitexport.export.seal import seal_snapshot
from gitexport.export.settle import (
    acknowledge,
    remember_refused,
    report_acknowledged,
    settles_flags,
)
from gitexport.export.share import ShareTask
from gitexport.export.showing import show_snapshot
from gitexport.export.stopwatch import Stopwatch, end_of
from gitexport.export.view import is_shown
from gitexport.export.workers import (
    Crew,
    RunResult,
    choose_processes,
    run_alone,
    run_in_processes,
)
from gitexport.model import faults
from gitexport.model.ports import Fence, RowScope, SourceView
from gitexport.model.report import ExportReport
from gitexport.model.snapshot import ObjectId
from gitexport.store.changes import FileChange
from gitexport.store.journal import Journal, MachineState, read_state, write_state
from gitexport.store.repository import DataRepository

_QUARANTINED = 3


class Attempt:
    """One attempt of a run, from the first look at the tip to the refreshed working tree."""

    def __init__(
        self, context: Context, state: MachineState, fence: Fence, directory: Path | None
    ) -> None:
        self._context = context
        self._state = state
        self._fence = fence
        self._directory = directory
        self._watch = Stopwatch()
        self._warnings = list(fence.warnings)
        self._acknowledged: ObjectId | None = None
        self.has_sealed = False
        context.view.refuse_unfinished()
        self._base = open_base(context)
        self._is_shown = is_shown(context.repository, context.branch)

    def preview(self) -> ExportReport:
        """Reports what a run would do, and writes nothing."""
        return self.preview_changes()[0]

    def preview_changes(self) -> tuple[ExportReport, Iterator[FileChange]]:
        """Reports what a run would do, with the files that it would change, by path."""
        prepared, _result, built = self._read()
        report = self._report(prepared, built)
        report.is_dry_run = True
        if self._makes_snapshot(prepared, built):
            report.snapshot = prepared.tag
        return report, joined(built.changes)

    def catch_up(self) -> None:
        """Finishes the refresh of the working tree that an earlier run could not finish.

        Raises:
            LockedError: What `View.catch_up` raises.
        """
        self._watch.stage("catch up")
        view = self._context.view.catch_up(self._base.tip)
        if view is not None and view.stale is not None:
            self._is_shown = False
            self._warnings.append(f"the working tree was not refreshed: {view.stale}")

    def commit(self, journal: Journal) -> ExportReport:
        """Makes the snapshot where anything changed, and acknowledges what it holds."""
        context = self._context
        prepared, result, built = self._read()
        report = self._report(prepared, built)
        tip = prepared.base.tip
        try:
            if self._makes_snapshot(prepared, built):
                tip = self._seal(prepared, built, journal)
                report.snapshot, report.commit = prepared.tag, tip
        finally:
            built.discard()
        failure = None
        try:
            if context.acknowledges and tip is not None:
                self._acknowledge(prepared, result, report, tip)
        except SourceError as error:
            if report.snapshot is None:
                raise
            error.where = f"snapshot '{report.snapshot}' is made; its rows stay pending"
            error.hint = "run gitexport export again: it acknowledges them"
            failure = error
        finally:
            self._remember(prepared, built)
        journal.beat()
        # Files of an old snapshot beside the new commit would look like a person's edits.
        self._watch.stage("working tree")
        shown = None if tip is None or not self._is_shown else tip
        stage = None if self._directory is None else self._directory / "files"
        show_snapshot(context, report, built, shown, stage)
        if failure is not None:
            raise _telling_both(failure, report.not_shown)
        if report.not_shown is not None:
            report.exit_code = report.not_shown.exit_code
        # Damage comes before what the source refuses, a refusal of the machine after it.
        if report.not_acknowledged and report.exit_code != CorruptRepositoryError.exit_code:
            report.exit_code = SourceError.exit_code
        report.stages = self._watch.finish()
        report.finished_at = end_of(report.started_at, context.clock(), report.stages)
        return report

    def _remember(self, prepared: Prepared, built: Built) -> None:
        """Writes down what the next run has to know besides the acknowledgement."""
        state = read_state(self._context.repository)
        remember_refused(self._context, built)
        remembered = replace(
            state,
            # Nothing else would have failed documents tried again before an entity changes.
            documents_refused=tuple(sorted(built.documents.refused)),
            last_tag=prepared.tag if self.has_sealed else state.last_tag,
            acknowledged=self._acknowledged or state.acknowledged,
        )
        if remembered != state:
            write_state(self._context.repository, remembered)

    def _makes_snapshot(self, prepared: Prepared, built: Built) -> bool:
        context = self._context
        is_overruled = prepared.is_overruled and not context.is_partial
        return built.tree != prepared.base.tree or context.options.allow_empty or is_overruled

    def _seal(self, prepared: Prepared, built: Built, journal: Journal) -> ObjectId:
        if prepared.too_soon is not None:
            raise prepared.too_soon
        self._watch.stage("commit")
        assert self._directory is not None  # noqa: S101 - only a preview has none
        self._context.view.remember_shown(prepared.base.tip)
        tip = seal_snapshot(self._context, prepared, built, journal, self._directory)
        self.has_sealed = True
        return tip

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
        self._warnings += [warning for share in result.encoded for warning in share.warnings]
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
        counts = {plan.entity.name: view.count(plan.entity, plan.scope) for plan in prepared.plans}
        task = ShareTask(
            plans=prepared.plans,
            idle=frozenset(
                plan.entity.name
                for plan in prepared.plans
                if plan.scope is RowScope.PENDING and not counts[plan.entity.name]
            ),
            base=prepared.base.tree,
            directory=self._directory,
            stage=stage,
            worktree=context.repository.worktree,
            schemas=prepared.schemas,
            watched=watched_directories(context),
            with_details=context.options.with_details,
            limit=context.options.limit,
        )
        rows = sum(counts.values())
        context.progress.stage("reading rows", rows)
        processes = choose_processes(rows, context.options.workers)
        is_alone = self._directory is None or context.options.limit or processes == 1
        shared = None if is_alone else view.share()
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
        report.warnings += self._warnings
        report.schema_changes = [text for plan in prepared.plans for text in plan.change.sentences]
        report.documents_refused = dict(built.documents.refused)
        report.warnings += [
            f"{_what_became_of(prepared, context.repository, path)}: {reason}"
            for path, reason in built.documents.refused.items()
        ]
        report.warnings += [
            warning
            for plan in prepared.plans
            for warning in standing_warnings(plan.entity, plan.relation, plan.change)
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
        if rows:
            context.progress.stage("acknowledging", rows)
        done = acknowledge(context, prepared, result.encoded, tip)
        if settles_flags(context, prepared, result.encoded):
            self._acknowledged = tip
        report_acknowledged(context, report, done)


def _telling_both(failure: SourceError, not_shown: GitExportError | None) -> GitExportError:
    """Gives the error that a run ends with, after the rule which exit code comes first."""
    if not_shown is None:
        return failure
    first: GitExportError = failure
    if isinstance(not_shown, CorruptRepositoryError):
        first = not_shown
    first.message = f"{failure.message}; {not_shown.message}"
    first.where = failure.where
    first.hint = f"{not_shown.hint}; {failure.hint}"
    return first


def _what_became_of(prepared: Prepared, repository: DataRepository, path: str) -> str:
    """Says of a document that could not be renewed what the snapshot holds of it."""
    if prepared.base.content(repository, path) is None:
        return f"the document '{path}' was not made"
    return f"the document '{path}' kept its old content"
