"""Goes back: makes data like a snapshot, or undoes what one changed, as a new snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from gitexport.api.session import Session, Settings
from gitexport.export.options import Override
from gitexport.model.address import Address
from gitexport.model.field_merge import Side
from gitexport.restore.snapshot import (
    MakePlan,
    SnapshotReport,
    Workplace,
    make_snapshot,
    preview_snapshot,
)
from gitexport.restore.to_snapshot import plan_restore
from gitexport.restore.undo import plan_revert
from gitexport.store.revisions import resolve


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """Which snapshot to go back to, and how much of it; no address means everything."""

    rev: str
    only: tuple[Address, ...] = ()
    is_dry_run: bool = False
    overrides: frozenset[Override] = frozenset()


@dataclass(frozen=True, slots=True)
class RevertRequest:
    """Which snapshot to undo, and who wins where it meets later changes; None stops there."""

    rev: str
    side: Side | None = None
    only: tuple[Address, ...] = ()
    is_dry_run: bool = False
    overrides: frozenset[Override] = frozenset()


def restore(settings: Settings, request: RestoreRequest) -> SnapshotReport:
    """Makes the repository like a snapshot; see `gitexport.restore.to_snapshot`.

    Raises:
        UsageError: There is no such snapshot, entity or document.
        DecisionNeededError: A file that has to change was edited.
        LockedError: Another run is busy here.
    """
    with Session.open(settings) as session:
        commit = resolve(session.repository, session.publication.branch, request.rev)
        place = _place(session, request.overrides)
        return _carry_out(
            place,
            lambda tip: plan_restore(tip, commit, request.only),
            is_dry_run=request.is_dry_run,
        )


def revert(settings: Settings, request: RevertRequest) -> SnapshotReport:
    """Undoes what a snapshot changed; see `gitexport.restore.undo`.

    Where its changes meet later ones and no side was chosen, the report lists the conflicts
    and nothing was done.

    Raises:
        UsageError: There is no such snapshot, or an address names nothing that it changed.
        DecisionNeededError: A file that has to change was edited.
        LockedError: Another run is busy here.
    """
    with Session.open(settings) as session:
        commit = resolve(session.repository, session.publication.branch, request.rev)
        place = _place(session, request.overrides)
        return _carry_out(
            place,
            lambda tip: plan_revert(tip, commit, request.only, request.side),
            is_dry_run=request.is_dry_run,
        )


def _place(session: Session, overrides: frozenset[Override]) -> Workplace:
    settings = session.settings
    return Workplace(
        session.repository, session.publication, settings.clock, settings.progress, overrides
    )


def _carry_out(place: Workplace, make_plan: MakePlan, *, is_dry_run: bool) -> SnapshotReport:
    return (preview_snapshot if is_dry_run else make_snapshot)(place, make_plan)
