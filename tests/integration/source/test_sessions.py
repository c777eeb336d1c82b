"""Equal rows give equal bytes, whatever a role, a database or a client has set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from gitexport.model.ports import SourceRow
from gitexport.source.postgresql.connection import connect
from gitexport.source.postgresql.ddl import execute_outside
from gitexport.source.postgresql.session import reading
from gitexport.source.postgresql.view import open_view
from tests.integration.source.reading import entity_of, every_row

_FOREIGN = {
    "TimeZone": "Asia/Kathmandu",
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "extra_float_digits": "-5",
    "bytea_output": "escape",
    "search_path": "traps, pg_catalog, public",
    "standard_conforming_strings": "off",
    "quote_all_identifiers": "on",
    "jit": "on",
    "row_security": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "statement_timeout": "1h",
    "lock_timeout": "1h",
}


@contextmanager
def _foreign_database(connection: psycopg.Connection) -> Iterator[None]:
    database = sql.Identifier(connection.info.dbname)
    for name, value in _FOREIGN.items():
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                database,
                sql.Identifier(name),
                sql.SQL(value) if name == "search_path" else sql.Literal(value),
            )
        )
    yield


def _read(dsn: str) -> list[SourceRow]:
    connection = connect(dsn)
    try:
        with open_view(connection) as view:
            return every_row(view, entity_of("public.things", ["id", "at"]))
    finally:
        connection.close()


def test_settings_of_a_database_never_reach_a_value(
    connection: psycopg.Connection, database: str
) -> None:
    connection.execute("""
        CREATE TABLE public.things (
          id float8, at timestamptz, d date, i interval, b bytea, m money, r regclass,
          t text, z timestamptz[], n tstzrange, PRIMARY KEY (id, at));
        INSERT INTO things VALUES (
          '0.30000000000000004', '2024-07-01 12:00+00', '2024-12-31', '1 mon -2 days 03:00',
          '\\x00ff', 12.5,
          'public.things', 'back\\slash', '{2024-07-01 12:00+00}', '[2024-07-01 12:00+00,)');
        CREATE SCHEMA traps;
        CREATE FUNCTION traps.to_json(anyelement) RETURNS text LANGUAGE sql AS $$ SELECT 'trap' $$;
        CREATE FUNCTION traps.octet_length(text) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
    """)
    expected = _read(database)
    with _foreign_database(connection):
        assert _read(database) == expected
    text = expected[0].text
    assert text is not None
    assert b'"at": "2024-07-01T12:00:00+00:00"' in text
    assert b'"i": "P1M-2DT3H"' in text
    assert b'"b": "\\\\x00ff"' in text
    assert b'"id": 0.30000000000000004' in text
    assert b'"r": "public.things"' in text
    assert expected[0].key == ("0.30000000000000004", "2024-07-01 12:00:00+00")


def test_the_pins_end_with_the_transaction(database: str) -> None:
    connection = connect(database)
    try:
        connection.execute("SET TimeZone = 'Asia/Kathmandu'")
        with reading(connection) as cursor:
            assert cursor.execute("SHOW TimeZone").fetchone() == ("UTC",)
            assert cursor.execute("SHOW transaction_read_only").fetchone() == ("on",)
            assert cursor.execute("SHOW transaction_isolation").fetchone() == ("repeatable read",)
        assert connection.execute("SHOW TimeZone").fetchone() == ("Asia/Kathmandu",)
    finally:
        connection.close()


def test_writing_is_not_bound_by_the_defaults_of_a_role(
    connection: psycopg.Connection, database: str
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY)")
    name = sql.Identifier(connection.info.dbname)
    for setting, value in (
        ("default_transaction_read_only", "on"),
        ("default_transaction_isolation", "serializable"),
    ):
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                name, sql.Identifier(setting), sql.Literal(value)
            )
        )

    other = connect(database)
    try:
        with other.transaction():
            other.execute("INSERT INTO public.things VALUES (1)")
            assert other.execute("SHOW transaction_isolation").fetchone() == ("read committed",)
        execute_outside(other, sql.SQL("CREATE INDEX CONCURRENTLY things_id ON public.things (id)"))
        assert other.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
    finally:
        other.close()


def test_a_view_writes_nothing(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY)")
    with reading(connection) as cursor, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        cursor.execute("INSERT INTO public.things VALUES (1)")


def test_a_shared_view_sees_the_same_instant(connection: psycopg.Connection, database: str) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY)")
    connection.execute("INSERT INTO things SELECT generate_series(1, 100)")
    entity = entity_of("public.things")
    first, second = connect(database), connect(database)
    try:
        with open_view(first) as view:
            name = view.share()
            connection.execute("DELETE FROM things WHERE id > 50")
            with open_view(second, name) as other:
                assert set(other.keys(entity)) == set(view.keys(entity))
                assert len(list(other.keys(entity))) == 100
    finally:
        first.close()
        second.close()
