"""Tables of every type, and of random values."""

from __future__ import annotations

import psycopg
import pytest

from tests.integration.source.all_types import Tried, fill_things, tried_types
from tests.integration.source.random_values import make_things


@pytest.fixture
def all_types(connection: psycopg.Connection) -> list[Tried]:
    """All types, and the filled table `public.things`."""
    found = tried_types(connection)
    fill_things(connection, found)
    return found


@pytest.fixture
def random_things(connection: psycopg.Connection) -> psycopg.Connection:
    """A table with a column of each kind, and one of its array."""
    make_things(connection)
    connection.execute("SET synchronous_commit = off")
    return connection
