"""Runs what was planned, in the transaction that is open."""

from __future__ import annotations

from gitexport.model.creation import CreationPlan
from gitexport.source.postgresql.errors import translating
from gitexport.source.postgresql.session import Cursor


def create(cursor: Cursor, plan: CreationPlan) -> None:
    """Makes everything, or fails.

    Raises:
        SourceError: The database refused; the transaction can only be given up.
    """
    for step in plan.steps:
        with translating(step.what):
            # Composed of quoted names and of checked pieces; without parameters, as a percent
            # sign may stand in any of them.
            cursor.execute(step.statement.encode())
