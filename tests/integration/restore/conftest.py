"""A data repository with something to restore."""

from __future__ import annotations

import pytest

from tests.fixtures.journey import Journey
from tests.integration.restore.restoring import latest


@pytest.fixture
def first(journey: Journey) -> str:
    """The first snapshot's tag; rows were changed, deleted and added since, and exported."""
    tag = latest(journey)
    journey.sql("UPDATE users SET name = 'Ann', place = '{\"city\": \"Oslo\"}' WHERE id = 42")
    journey.sql("DELETE FROM users WHERE id = 7")
    journey.sql("INSERT INTO users VALUES (99, 'new', NULL)")
    journey.export()
    return tag
