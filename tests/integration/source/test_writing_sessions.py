"""Writing beside other sessions: rows are locked and waited for, a killed one leaves nothing."""

from __future__ import annotations

import psycopg
import pytest

from gitexport.errors import StatementFailedError
from tests.integration.source.rewriting import THINGS, writing


def test_locked_rows_are_changed_by_nobody_else(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text)")
    connection.execute("INSERT INTO things VALUES (1, 'a'), (2, 'b')")
    with writing(database) as writer:
        (row,) = writer.current(THINGS, [("1",), ("9",), ("no number",)])
        assert row.document == b'{\n  "id": 1,\n  "v": "a"\n}\n'
        connection.execute("SET lock_timeout = '100ms'; UPDATE things SET v = 'x' WHERE id = 2")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            connection.execute("UPDATE things SET v = 'x' WHERE id = 1")


def test_a_lock_that_waits_too_long_is_an_error(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text)")
    connection.execute("INSERT INTO things VALUES (1, 'a')")
    connection.autocommit = False
    connection.execute("UPDATE things SET v = 'x'")
    with (
        pytest.raises(StatementFailedError, match="lock timeout"),
        writing(database, lock_timeout_ms=100) as writer,
    ):
        list(writer.current(THINGS, [("1",)]))
    connection.rollback()
    connection.autocommit = True
