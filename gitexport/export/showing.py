"""The last step on this machine: files and index are brought to the new snapshot."""

from __future__ import annotations

from pathlib import Path

from gitexport.errors import CorruptRepositoryError
from gitexport.export.build import Built
from gitexport.export.context import Context
from gitexport.export.merge import joined
from gitexport.export.options import Override
from gitexport.export.view import not_shown, why_hidden
from gitexport.model.report import ExportReport
from gitexport.model.snapshot import ObjectId
from gitexport.store.status_check import edited_files

_LOOKED_AT = 50_000
_EDITS_LEFT = 6


def show_snapshot(
    context: Context,
    report: ExportReport,
    built: Built,
    tip: ObjectId | None,
    stage: Path | None,
) -> None:
    """Brings the working tree to the tip, and reports what stayed as it was.

    What the machine or a damaged index refuses is reported as well, and never raised.
    Without a tip no file is touched; the report says why, where there is a new commit.
    """
    is_new = report.commit is not None
    if tip is None:
        reason = why_hidden(context.repository, context.branch)
        report.left_alone = reason if is_new else None
        return
    view = context.view
    is_current = is_new and _refresh(context, report, built, tip, stage)
    left = view.edits_still_left(tip)
    if is_current:
        _warn_of_other_edits(context, report, left)
    if left and Override.EDITS in context.options.overrides and report.not_shown is None:
        report.not_shown = view.overwrite_edits(tip, left).failure
        left = view.edits_still_left(tip)
        assert context.repository.worktree is not None  # noqa: S101 - it is shown
        report.warnings += [
            f"'{path}' is a directory with files in it, which stays: move it away, run again"
            for path in left
            if (context.repository.worktree / path).is_dir()
        ]
    report.kept_edits = left
    if left:
        report.exit_code = _EDITS_LEFT


def _refresh(
    context: Context, report: ExportReport, built: Built, tip: ObjectId, stage: Path | None
) -> bool:
    """Writes what changed; tells whether files and index are at the tip now."""
    total = sum(changes.count for changes in built.changes)
    context.progress.stage("refreshing files", total)
    discard = Override.EDITS in context.options.overrides
    shown = context.view.show(joined(built.changes), tip, stage, discard_edits=discard)
    if shown.stale is not None:
        report.warnings.append(
            f"the working tree was not refreshed: {shown.stale}; the next export does it"
        )
    report.warnings += [f"cannot replace {reason}" for reason in shown.refused]
    if shown.failure is not None:
        report.not_shown = not_shown(shown.failure, report.snapshot)
    # What could not be replaced is no edit, and cannot be told from one here.
    return shown.stale is None and shown.failure is None and not shown.refused


def _warn_of_other_edits(context: Context, report: ExportReport, left: list[str]) -> None:
    repository = context.repository
    assert repository.worktree is not None  # noqa: S101 - it is shown
    try:
        places = repository.gitdir, repository.worktree
        edited = edited_files(*places, limit=_LOOKED_AT, most=_LOOKED_AT) or []
    except CorruptRepositoryError as error:
        # The snapshot is made and shown: a filter that fails, say, is no reason to hide it.
        report.warnings.append(f"cannot look for uncommitted edits: {error.message}")
        return
    others = [path for path in edited if path not in left]
    if others:
        more = " has" if len(others) == 1 else f" and {len(others) - 1:,} more have"
        report.warnings.append(f"'{others[0]}'{more} uncommitted edits, left as they are")
