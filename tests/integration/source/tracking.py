"""A table of users that tests set up tracking for."""

from __future__ import annotations

import os

from gitexport.model.entity import Entity, Publication
from tests.fixtures.tracked import REPOSITORY

TABLE = "CREATE TABLE users (id int PRIMARY KEY, name text)"
ROWS = "INSERT INTO users SELECT n, 'name ' || n FROM generate_series(1, 5) AS n"
# Roles belong to the whole server, which other workers may use at the same time.
ROLE = f"gitexport_test_{os.getpid()}"


def publication(*entities: Entity) -> Publication:
    """Publishes some entities."""
    return Publication(repository_id=REPOSITORY, entities=entities)
