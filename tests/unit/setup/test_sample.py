"""The sample database: the same everywhere, and changed as an ETL changes it."""

from __future__ import annotations

import hashlib

import psycopg
import pytest

from gitexport.errors import StatementFailedError
from gitexport.setup import sample
from gitexport.source.postgresql.script import run_script

_TABLES = ("dimension_countries", "dimension_users", "datamartcountries", "datamartusers")


def _rows(connection: psycopg.Connection, table: str) -> list[str]:
    connection.execute("SET timezone = 'UTC'")
    query = f"SELECT row_to_json(t)::text FROM dwh.{table} AS t"
    return sorted(text for (text,) in connection.execute(query.encode()))


def _fill(database: str, rows: int) -> None:
    run_script(database, sample.schema_sql())
    run_script(database, sample.fill_sql(rows))


def test_sample_is_the_same_on_every_machine(database: str, connection: psycopg.Connection) -> None:
    """Where this fails on purpose, the demo's transcript in README.md changes as well."""
    _fill(database, 300)

    seen = "\n".join(row for table in _TABLES for row in _rows(connection, table))
    assert hashlib.sha256(seen.encode()).hexdigest() == _DIGEST


def test_users_are_wide_rows_of_many_types(database: str, connection: psycopg.Connection) -> None:
    _fill(database, 50)

    types: dict[str, str] = dict(
        connection.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = 'dwh.datamartusers'::regclass AND attnum > 0"
        )
    )
    wanted = {"jsonb", "json", "text[]", "integer[]", "character(371)", "numeric(10,2)", "date"}
    wanted |= {"timestamp with time zone", "double precision", "real", "boolean", "bigint"}
    assert 70 <= len(types) <= 80
    assert wanted <= set(types.values())


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_number_of_users_is_as_asked_and_countries_are_200(
    database: str, connection: psycopg.Connection, rows: int
) -> None:
    _fill(database, rows)

    counts = [len(_rows(connection, table)) for table in _TABLES]
    assert counts == [200, rows, 200, rows]


def test_change_touches_the_counters_of_so_many_users_and_nothing_else(
    database: str, connection: psycopg.Connection
) -> None:
    _fill(database, 300)
    before = {table: _rows(connection, table) for table in _TABLES}

    run_script(database, sample.change_sql(50))

    after = {table: _rows(connection, table) for table in _TABLES}
    assert len(set(after.pop("datamartusers")) - set(before.pop("datamartusers"))) == 50
    assert after == before
    flags = connection.execute("SELECT count(*) FROM dwh.datamartusers WHERE json_exported")
    assert flags.fetchone() == (0,)


@pytest.mark.parametrize("number", [0, -1, 10_000_001])
def test_senseless_numbers_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        sample.fill_sql(number)
    with pytest.raises(ValueError, match=str(number)):
        sample.change_sql(number)


def test_script_that_fails_half_way_leaves_nothing(
    database: str, connection: psycopg.Connection
) -> None:
    with pytest.raises(StatementFailedError):
        run_script(database, "CREATE TABLE half (); SELECT 1/0")

    assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)


_DIGEST = "19c3c3ee13ebe8798ef731d6d12135dcc931e51f2897b749ff24d77a50d0a15e"
