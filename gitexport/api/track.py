"""Sets up tracking in the source, drops it, and marks rows pending."""

from __future__ import annotations

from gitexport.api.session import Session, Settings
from gitexport.model.tracking import ResetReport, TrackReport
from gitexport.setup import track as use_case


def track(
    settings: Settings,
    entities: tuple[str, ...] = (),
    *,
    role: str | None = None,
    dry_run: bool = False,
) -> TrackReport:
    """Sets up tracking for some entities, or for all; see `gitexport.setup.track.track`."""
    with Session.open(settings) as session:
        session.entities(entities)
        session.accept(remember=not dry_run)
        return use_case.track(
            session.source.tracking,
            session.publication,
            entities,
            role=role,
            dry_run=dry_run,
            progress=settings.progress,
        )


def untrack(
    settings: Settings, entities: tuple[str, ...] = (), *, dry_run: bool = False
) -> TrackReport:
    """Drops what `track` made for some entities, or for all."""
    with Session.open(settings) as session:
        session.entities(entities)
        return use_case.untrack(
            session.source.tracking,
            session.publication,
            entities,
            dry_run=dry_run,
            progress=settings.progress,
        )


def reset(settings: Settings, entities: tuple[str, ...] = ()) -> ResetReport:
    """Marks all rows of some entities, or of all, pending again."""
    with Session.open(settings) as session:
        session.entities(entities)
        return use_case.reset(
            session.source.tracking, session.publication, entities, progress=settings.progress
        )
