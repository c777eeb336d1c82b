"""Runs what was planned, in the transaction that is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gitexport.errors import PermissionDeniedError
from gitexport.model.creation import CreationPlan, CreationStep
from gitexport.source.postgresql.errors import translating
from gitexport.source.postgresql.session import Cursor

_HINT = "grant the role CREATE on the database and on its schemas, or import as their owner"


def create(cursor: Cursor, plan: CreationPlan) -> None:
    """Makes everything, or fails.

    Raises:
        PermissionDeniedError: The role may not; the hint names what to grant.
        SourceError: The database refused; the transaction can only be given up.
    """
    run_steps(cursor, plan.steps)


def run_steps(cursor: Cursor, steps: Sequence[CreationStep]) -> None:
    """Runs statements one after another, or fails.

    Raises:
        PermissionDeniedError: The role may not; the hint names what to grant.
        SourceError: The database refused; the transaction can only be given up.
    """
    for step in steps:
        with _granting(), translating(step.what):
            # Composed of quoted names and of checked pieces; without parameters, as a percent
            # sign may stand in any of them.
            cursor.execute(step.statement.encode())


@contextmanager
def _granting() -> Iterator[None]:
    """Says what is missing where the role may not make something."""
    try:
        yield
    except PermissionDeniedError as error:
        error.hint = _HINT
        raise
