"""Writing beside other sessions: rows are locked and waited for, a killed one leaves nothing."""

from __future__ import annotations

import contextlib
import threading

import psycopg
import pytest

from gitexport.errors import ConnectionFailedError, StatementFailedError
from gitexport.model.writing import RowAction
from tests.integration.source.rewriting import THINGS, document, texts, writing


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


def kill_all(connection: psycopg.Connection) -> None:
    """Ends every other session of the database."""
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )


def test_a_connection_that_is_killed_leaves_the_database_as_it_was(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE TABLE things (id int PRIMARY KEY, v text);
        INSERT INTO things VALUES (1, 'a');
        CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        CREATE TRIGGER theirs BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION nothing();
    """)
    before = texts(connection, "things")
    rows = [(("1",), document('"id": 1,\n  "v": "x"'))]

    def write() -> None:
        with writing(database) as writer:
            writer.silence([THINGS])
            writer.stage(THINGS, rows, RowAction.UPSERT)
            writer.write()
            kill_all(connection)

    with pytest.raises(ConnectionFailedError):
        write()

    assert texts(connection, "things") == before
    assert connection.execute(
        "SELECT tgenabled FROM pg_trigger WHERE tgname = 'theirs'"
    ).fetchall() == [("O",)]


def test_rows_that_change_while_they_are_looked_up_are_waited_for(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text, other text)")
    connection.execute("INSERT INTO things VALUES (1, 'a', 'a')")
    with contextlib.closing(psycopg.connect(database)) as people:
        people.execute("UPDATE things SET v = 'theirs' WHERE id = 1")
        timer = threading.Timer(0.5, people.commit)
        with writing(database) as writer:
            writer.stage(THINGS, [(("1",), document('"id": 1,\n  "v": "a"'))], RowAction.UPSERT)
            assert writer.expected(THINGS).unchanged == 1
            timer.start()
            # Decided anew under the lock, which sees what was committed meanwhile.
            assert writer.write()["things"].updated == 1
        timer.join()
    assert texts(connection, "things")["things"] == [("1", "a", "a")]
