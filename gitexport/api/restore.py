"""Goes back: makes data like a snapshot, or undoes what one changed, as a new snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field

from gitexport.api.session import Session, Settings
from gitexport.compare.patch_file import PatchFile
from gitexport.export.options import Override
from gitexport.model.address import Address
from gitexport.model.field_merge import Side
from gitexport.restore.database import RowsRequest, restore_rows
from gitexport.restore.patched import plan_apply
from gitexport.restore.rows import Confirm, RowsReport
from gitexport.restore.snapshot import (
    MakePlan,
    SnapshotReport,
    Workplace,
    make_snapshot,
    preview_snapshot,
)
from gitexport.restore.to_snapshot import plan_restore
from gitexport.restore.undo import plan_revert
from gitexport.store.in_step import note_in_step
from gitexport.store.revisions import resolve


@dataclass(frozen=True, slots=True)
class Restore:
    """Goes back to a snapshot, or brings back what addresses name of it."""

    rev: str
    only: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Revert:
    """Undoes what a snapshot changed; `side` wins where that meets later changes."""

    rev: str
    only: tuple[Address, ...] = ()
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class Apply:
    """Makes the changes of a patch file."""

    patch: PatchFile


Journey = Restore | Revert | Apply


@dataclass(frozen=True, slots=True)
class GoBackOptions:
    """How to go back. `overrides` are the guards that a person overruled."""

    is_dry_run: bool = False
    overrides: frozenset[Override] = field(default_factory=frozenset)


def go_back(
    settings: Settings, journey: Journey, options: GoBackOptions | None = None
) -> SnapshotReport:
    """Goes back in the repository; no row is changed.

    Where changes meet and no side was chosen, the report lists the conflicts and nothing was
    done.

    Raises:
        UsageError: There is no such snapshot, entity or document.
        DecisionNeededError: A file that has to change was edited.
        LockedError: Another run is busy here.
    """
    options = options or GoBackOptions()
    with Session.open(settings) as session:
        make_plan = _planner(session, journey)
        place = _place(session, options.overrides)
        return (preview_snapshot if options.is_dry_run else make_snapshot)(place, make_plan)


def go_back_in_database(
    settings: Settings,
    journey: Journey,
    request: RowsRequest,
    confirm: Confirm,
    overrides: frozenset[Override] = frozenset(),
) -> RowsReport:
    """Goes back in the database, and makes a snapshot of what it became.

    `confirm` is shown the plan before any row is changed.

    Raises:
        UsageError: There is no such snapshot, entity or document.
        DecisionNeededError: A guard stopped it, or nobody agreed.
        ConflictError: A row cannot become what its document says; no row was changed.
        LockedError: Another run is busy here.
        SourceError: The database refused.
    """
    with Session.open(settings) as session:
        make_plan = _planner(session, journey)
        session.accept(remember=not request.is_dry_run)
        place = _place(session, overrides, rows_win=isinstance(journey, Restore))
        report = restore_rows(place, session.source, make_plan, request, confirm)
        if report.after is not None and report.after.exit_code == 0:
            note_in_step(session.repository, report.after.started_at)
        return report


def _planner(session: Session, journey: Journey) -> MakePlan:
    if isinstance(journey, Apply):
        return lambda tip: plan_apply(tip, journey.patch)
    commit = resolve(session.repository, session.publication.branch, journey.rev)
    if isinstance(journey, Restore):
        return lambda tip: plan_restore(tip, commit, journey.only)
    return lambda tip: plan_revert(tip, commit, journey.only, journey.side)


def _place(
    session: Session, overrides: frozenset[Override], *, rows_win: bool = False
) -> Workplace:
    settings = session.settings
    return Workplace(
        session.repository,
        session.publication,
        settings.clock,
        settings.progress,
        overrides,
        rows_win,
    )
