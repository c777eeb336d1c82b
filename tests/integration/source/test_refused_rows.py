"""Rows that are too long or that the server cannot render come alone with their reason."""

from __future__ import annotations

import psycopg
from psycopg.conninfo import make_conninfo

from gitexport.canonical.encode import assemble
from gitexport.model.ports import RowQuery, RowScope
from gitexport.source.postgresql.connection import connect
from gitexport.source.postgresql.view import open_view
from tests.integration.source.reading import ALL, entity_of, every_row

_MEGABYTE = 1_000_000


def test_a_row_over_the_limit_comes_without_its_text(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, a text, b jsonb)")
    connection.execute("""
        INSERT INTO things VALUES (1, repeat('x', 3000), NULL), (2, 'y', NULL),
          (3, NULL, to_jsonb(repeat('z', 3000)))
    """)
    with open_view(connection) as view:
        rows = every_row(view, entity_of("public.things"), RowQuery(RowScope.ALL, max_bytes=2000))
    found = {row.key[0]: row for row in rows}
    assert found["1"].text is found["3"].text is None
    assert found["1"].size >= 3000
    assert found["3"].size > 3000
    assert found["1"].problem is found["3"].problem is None
    assert found["2"].text == b'{\n  "a": "y",\n  "b": \x01null\x01,\n  "id": 2\n}\n'


def test_a_long_row_of_text_is_measured_without_being_written(
    connection: psycopg.Connection,
) -> None:
    connection.execute("""
        CREATE VIEW things AS SELECT id, repeat(repeat('x', n), n) AS a,
          repeat(repeat('y', n), n) AS b, NULL::bytea AS c
          FROM (VALUES (1, 24000), (2, 1)) v(id, n)
    """)
    with open_view(connection) as view:
        rows = {row.key[0]: row for row in every_row(view, entity_of("public.things"))}
    assert rows["1"].size == 2 * 24_000**2
    assert rows["1"].text is None
    assert rows["1"].problem is None
    assert rows["2"].text is not None


def test_a_document_over_a_gigabyte_fails_alone(connection: psycopg.Connection) -> None:
    # 150 MB of bits are more than 1 GB of text, which no measure foresees.
    connection.execute("""
        CREATE TABLE things (id int PRIMARY KEY, a varbit);
        INSERT INTO things SELECT id, '101' FROM generate_series(1, 20) id;
        ALTER TABLE things ALTER a SET STORAGE EXTERNAL;
        UPDATE things SET a = ('x' || repeat(repeat('0', 1000), 270000))::varbit WHERE id = 7
    """)
    with open_view(connection) as view:
        rows = {row.key[0]: row for row in every_row(view, entity_of("public.things"))}
    assert len(rows) == 20
    assert rows["7"].text is None
    assert rows["7"].problem is not None
    assert all(row.text is not None for key, row in rows.items() if key != "7")


def test_every_row_comes_once_around_those_that_fail(connection: psycopg.Connection) -> None:
    connection.execute("""
        CREATE TABLE source (id int PRIMARY KEY, n int);
        INSERT INTO source SELECT i, CASE WHEN i IN (3, 4, 4999, 7777) THEN 0 ELSE 1 END
          FROM generate_series(1, 8000) i;
        CREATE VIEW things AS SELECT id, 1 / n AS n FROM source
    """)
    entity = entity_of("public.things")
    with open_view(connection) as view:
        for query in (ALL, RowQuery(RowScope.ALL, limit=5000), RowQuery(RowScope.ALL, parts=2)):
            rows = every_row(view, entity, query)
            keys = [int(row.key[0]) for row in rows]
            assert len(keys) == len(set(keys))
            refused = {int(row.key[0]) for row in rows if row.problem}
            assert all((row.problem is None) == (row.text is not None) for row in rows)
            if query.limit:
                assert keys == list(range(1, 5001))
                assert refused == {3, 4, 4999}
            elif query.parts == 1:
                assert len(keys) == 8000
                assert refused == {3, 4, 4999, 7777}
                assert next(row.problem for row in rows if row.problem) == (
                    "division by zero",
                    None,
                )
            else:
                assert 3500 < len(keys) < 4500


def test_bytes_that_are_no_text_are_refused_row_by_row(ascii_database: str) -> None:
    with psycopg.connect(
        make_conninfo(ascii_database, client_encoding="SQL_ASCII"), autocommit=True
    ) as connection:
        connection.execute("CREATE TABLE things (id int PRIMARY KEY, a text)")
        connection.execute("INSERT INTO things SELECT i, 'ok' FROM generate_series(1, 3000) i")
        connection.execute(b"UPDATE things SET a = 'caf\xe9' WHERE id IN (5, 2999)")
        connection.execute("UPDATE things SET a = 'é' WHERE id = 6".encode())
    connection = connect(ascii_database)
    entity = entity_of("public.things")
    try:
        with open_view(connection) as view:
            rows = {row.key[0]: row for row in every_row(view, entity)}
            nested = view.nested(entity)
    finally:
        connection.close()
    assert len(rows) == 3000
    refused = {key: row.problem for key, row in rows.items() if row.problem}
    assert refused.keys() == {"5", "2999"}
    assert refused["5"] == ('invalid byte sequence for encoding "UTF8"', None)
    assert assemble(rows["6"].text or b"", nested).decode() == '{\n  "a": "é",\n  "id": 6\n}\n'


def test_a_view_lives_on_when_rows_are_not_read_to_the_end(
    connection: psycopg.Connection,
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, a text)")
    connection.execute(
        "INSERT INTO things SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) i"
    )
    entity = entity_of("public.things")
    with open_view(connection) as view:
        rows = view.rows(entity, ALL)
        next(rows)
        rows.close()  # type: ignore[attr-defined]
        assert len(list(view.keys(entity))) == 20000
