"""Compares through the interface of Python, for tests that look at values."""

from __future__ import annotations

from datetime import UTC, datetime

from gitexport.api.compare import EVERYTHING, Comparer
from gitexport.api.session import Session, Settings
from gitexport.compare.comparison import Comparison
from gitexport.compare.formats import load_format
from gitexport.compare.selection import Selection
from gitexport.model.changeset import DocumentChange
from tests.fixtures.journey import Journey
from tests.fixtures.workbench import RecordingProgress

CHANGES = """
UPDATE users SET name = 'Ann', place = jsonb_set(place, '{zip}', '"b"') WHERE id = 42;
DELETE FROM users WHERE id = 7;
INSERT INTO users VALUES (61, NULL, '[1, 1.0]');
UPDATE users SET id = 1009 WHERE id = 9;
UPDATE order_details SET amount = 1.1 WHERE product_id = 3;
"""


def comparer(journey: Journey) -> Comparer:
    """Opens the journey's data repository."""
    progress = RecordingProgress()
    settings = Settings(lambda: datetime.now(UTC), progress, {}, journey.path, journey.dsn)
    return Comparer(Session.open(settings))


def compared(
    journey: Journey, base: str, target: str = "latest", selection: Selection = EVERYTHING
) -> Comparison:
    """Compares two REVs."""
    return comparer(journey).compare(base, target, selection)


def changes(comparison: Comparison) -> list[DocumentChange]:
    """Walks all changes."""
    return [document.change for document in comparison.changes()]


def kinds(comparison: Comparison) -> list[tuple[str, str, tuple[str, ...] | None]]:
    """Walks all changes; gives kind, entity and key."""
    return [(change.kind.value, change.entity, change.key) for change in changes(comparison)]


def written(comparison: Comparison, name: str) -> str:
    """Writes a comparison in one form."""
    pieces: list[str] = []
    load_format(name)(comparison, pieces.append)
    return "".join(pieces)
