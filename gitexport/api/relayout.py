"""Brings the files of a data repository to the configured layout."""

from __future__ import annotations

from gitexport.api.session import Session, Settings
from gitexport.setup import relayout as use_case
from gitexport.setup.relayout import RelayoutReport


def relayout(settings: Settings, *, dry_run: bool = False) -> RelayoutReport:
    """Moves documents in one commit of pure renames; see `gitexport.setup.relayout`."""
    with Session.open(settings) as session:
        return use_case.relayout(
            session.repository,
            session.publication,
            clock=settings.clock,
            progress=settings.progress,
            dry_run=dry_run,
        )
