"""Rows are found by keys of every kind, in partitions, and under names of any kind."""

from __future__ import annotations

import psycopg
import pytest

from gitexport.model.writing import WriteCounts
from tests.integration.source.reading import entity_of
from tests.integration.source.rewriting import THINGS, documents_of, make_like, texts, writing


def test_rows_of_partitions_go_where_they_belong(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE TABLE things (id int, at int, note text, PRIMARY KEY (id, at))
          PARTITION BY RANGE (at);
        CREATE TABLE p1 PARTITION OF things FOR VALUES FROM (0) TO (10);
        CREATE TABLE p2 (note text, at int NOT NULL, id int NOT NULL);
        ALTER TABLE things ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20);
        INSERT INTO things SELECT n, n, 'x' FROM generate_series(1, 19) n;
    """)
    things = entity_of("public.things", ("id", "at"))
    documents = documents_of(database, things)
    before = texts(connection, "things", "p1", "p2")
    connection.execute("DELETE FROM things WHERE id % 3 = 0; UPDATE things SET note = 'y', at = 19")

    make_like(database, {things: documents})

    assert texts(connection, "things", "p1", "p2") == before


def test_names_of_any_kind_are_only_names(database: str, connection: psycopg.Connection) -> None:
    connection.execute("""
        CREATE SCHEMA "sel""ect";
        CREATE TABLE "sel""ect"."Ta b'le" (
          "user" int PRIMARY KEY, "c0" text, "line" text, "%s {x}" text UNIQUE, "größe" int,
          "a""b" int REFERENCES "sel""ect"."Ta b'le");
        INSERT INTO "sel""ect"."Ta b'le" VALUES (1, 'a', 'b', 'c', 3, 1), (2, 'd', 'e', 'f', 4, 1);
    """)
    things = entity_of('"sel""ect"."Ta b\'le"', ("user",))
    documents = documents_of(database, things)
    connection.execute("""DELETE FROM "sel""ect"."Ta b'le" WHERE "user" = 2;
                          UPDATE "sel""ect"."Ta b'le" SET "%s {x}" = 'f', "c0" = NULL""")

    make_like(database, {things: documents})

    assert documents_of(database, things) == documents


def test_keys_are_told_apart_by_their_text(database: str, connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE things (id numeric PRIMARY KEY, v text)")
    connection.execute("INSERT INTO things VALUES (1.0, 'a'), (2, 'b')")
    documents = documents_of(database, THINGS)
    connection.execute("UPDATE things SET id = 1.00 WHERE id = 1")

    counts = make_like(database, {THINGS: documents})

    assert counts["things"] == WriteCounts(inserted=1, unchanged=1, deleted=1)
    assert documents_of(database, THINGS) == documents


@pytest.mark.parametrize(
    ("kind", "value", "other"),
    [
        ("timestamptz", "2024-02-29 12:34:56.5+00", "infinity"),
        ("timestamp", "0044-03-15 01:02:03 BC", "2024-01-01"),
        ("date", "0044-03-15 BC", "infinity"),
        ("interval", "1 mon -2 days", "00:00:01"),
        ("bytea", "\\x00ff", "\\x"),
        ("character(4)", "a", "b c"),
        ("float8", "-0", "1e300"),
        ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000"),
        ("mood", 'o"k', "sad"),
        ("text", "a\tb\\,null", "null"),
        ("boolean", "t", "f"),
        ("numrange", "[1.0,2)", "empty"),
        ("money", "$1,234.56", "-$0.01"),
        ("inet", "::1", "10.0.0.1/8"),
        ("int[]", "{1,NULL}", "{}"),
    ],
)
def test_keys_of_every_kind_find_their_rows(
    database: str, connection: psycopg.Connection, kind: str, value: str, other: str
) -> None:
    connection.execute("CREATE TYPE mood AS ENUM ('sad', 'o\"k')")
    connection.execute(f"CREATE TABLE things (id {kind} PRIMARY KEY, v text)".encode())
    for text in (value, other):
        connection.execute("INSERT INTO things VALUES (%s, 'a')", (text,))
    documents = documents_of(database, THINGS)
    before = texts(connection, "things")
    connection.execute("UPDATE things SET v = 'b'")
    with writing(database, is_rehearsal=True) as writer:
        found = {row.key for row in writer.current(THINGS, list(documents))}
        gone = writer.stage_deletions(THINGS, list(documents))
    assert (found, gone) == (set(documents), 2)

    assert make_like(database, {THINGS: documents})["things"] == WriteCounts(updated=2)
    assert texts(connection, "things") == before
