"""What a write leaves: rows left alone, pending ones, nothing of a rehearsal, a script."""

from __future__ import annotations

import psycopg

from gitexport.model.writing import RowAction, WriteCounts
from tests.fixtures.tracked import MakeTracked, make_entity
from tests.integration.source.rewriting import (
    THINGS,
    compared,
    documents_of,
    make_like,
    texts,
    writing,
)


def test_rows_that_are_there_can_be_left_alone(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text)")
    connection.execute("INSERT INTO things VALUES (1, 'a'), (2, 'b')")
    documents = documents_of(database, THINGS)
    connection.execute("DELETE FROM things WHERE id = 1; UPDATE things SET v = 'mine'")

    with writing(database) as writer:
        writer.stage(THINGS, documents.items(), RowAction.SKIP)
        assert writer.expected(THINGS) == WriteCounts(inserted=1, skipped=1)
        writer.write()

    assert texts(connection, "things")["things"] == [("1", "a"), ("2", "mine")]


def test_written_rows_are_pending_and_deleted_ones_leave_a_tombstone(
    tracked: MakeTracked, database: str
) -> None:
    users = tracked(
        make_entity(),
        "CREATE TABLE users (id int PRIMARY KEY, name text)",
        "INSERT INTO users SELECT n, 'name' FROM generate_series(1, 4) n",
    )
    documents = documents_of(database, users.entity)
    del documents["4",]
    users.execute("DELETE FROM users WHERE id = 1", "UPDATE users SET name = 'x' WHERE id = 2")
    users.export()

    make_like(database, {users.entity: documents})

    assert users.pending() == {"1", "2"}
    assert users.deleted() >= {"4"}


def test_a_rehearsal_keeps_nothing(database: str, connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text)")
    connection.execute("INSERT INTO things VALUES (1, 'a')")
    documents = documents_of(database, THINGS)
    connection.execute("UPDATE things SET v = 'b'")

    make_like(database, {THINGS: documents}, is_rehearsal=True)

    assert texts(connection, "things")["things"] == [("1", "b")]


def test_the_statements_do_what_is_staged(database: str, connection: psycopg.Connection) -> None:
    connection.execute("""
        CREATE TABLE things (id int PRIMARY KEY, "V v" text, j jsonb);
        CREATE TABLE parts (id int PRIMARY KEY, thing int NOT NULL REFERENCES things);
        INSERT INTO things VALUES (1, 'it''s \\', '{"a": 1}'), (2, 'b', NULL), (3, NULL, '[]');
        INSERT INTO parts VALUES (1, 1), (2, 3);
    """)
    parts = compared("parts")
    documents = {found: documents_of(database, found) for found in (THINGS, parts)}
    before = texts(connection, "things", "parts")
    connection.execute("""
        TRUNCATE parts; UPDATE things SET "V v" = 'x', j = '1' WHERE id > 1;
        DELETE FROM things WHERE id = 1; INSERT INTO things VALUES (4);
        INSERT INTO parts VALUES (9, 4)
    """)
    with writing(database, is_rehearsal=True) as writer:
        for found, rows in documents.items():
            writer.stage(found, rows.items(), RowAction.UPSERT)
            writer.stage_departures(found)
        script = list(writer.statements(fires_triggers=False))

    assert 'UPDATE "public"."things" SET "V v" = NULL, "j" = \'[]\' WHERE "id" = \'3\';' in script
    connection.execute("\n".join(script).encode())
    assert texts(connection, "things", "parts") == before
