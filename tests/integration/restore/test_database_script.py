"""The script of a dry run, run on a copy of the database, leaves the rows of the restore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.fixtures.journey import Journey
from tests.fixtures.postgres import Postgres
from tests.integration.restore.restoring import rows

CONTROL = "".join(map(chr, [*range(1, 0x20), *range(0x7F, 0xA0)]))
MARKS = "\u061c\u200e\u200f\u202a\u202e\u2066\u2069"


@contextmanager
def copied(journey: Journey, postgres: Postgres) -> Iterator[psycopg.Connection]:
    """Copies the database, and connects to the copy and anew to the original."""
    # Nobody may be connected to a database that is copied.
    journey.connection.close()
    original = str(conninfo_to_dict(journey.dsn)["dbname"])
    names = sql.Identifier(f"{original}_copy"), sql.Identifier(original)
    with psycopg.connect(postgres.maintenance_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        journey.connection = psycopg.connect(journey.dsn, autocommit=True)
        dsn = make_conninfo(journey.dsn, dbname=f"{original}_copy")
        try:
            with psycopg.connect(dsn, autocommit=True) as connection:
                yield connection
        finally:
            journey.connection.close()
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(names[0]))


def assert_script_goes_back(
    journey: Journey, postgres: Postgres, tables: tuple[str, ...], change: str, *options: str
) -> str:
    """Runs the script of a restore on a copy, restores, and compares; gives the script."""
    before = {table: rows(journey, table) for table in tables}
    journey.sql(change)
    journey.done("export", "-q")
    with copied(journey, postgres) as copy:
        where = ("restore", "latest~1", "--database", *options)
        script = journey.done(*where, "--dry-run", "-o", "sql").out
        copy.execute(script.encode())

        journey.done(*where, "--yes")

        other = Journey(journey.dsn, copy, journey.path, journey.capture)
        assert {table: rows(other, table) for table in tables} == before
        assert {table: rows(journey, table) for table in tables} == before
    return script


def make(journey: Journey, statements: str) -> None:
    """Makes tables, names them in the configuration, tracks them and exports their rows."""
    journey.sql(statements)
    journey.done("init")
    journey.done("track")
    journey.done("export", "-q")


def test_control_characters_stay_in_values_and_names(journey: Journey, postgres: Postgres) -> None:
    text = CONTROL + MARKS + "it's \\"
    make(
        journey,
        'CREATE TABLE odd (k text PRIMARY KEY, v text, "n\x7f" text, n text);'
        "INSERT INTO odd VALUES ('a', 'stays', 'x', 'y'), ('c', 'c', 'x', 'y');"
        f"INSERT INTO odd VALUES ('b', {quoted(text)})",
    )

    script = assert_script_goes_back(
        journey,
        postgres,
        ("odd",),
        "INSERT INTO odd VALUES (E'a\x7f', 'goes'); UPDATE odd SET v = 'x' WHERE k = 'b';"
        "UPDATE odd SET \"n\x7f\" = NULL WHERE k = 'c'",
    )

    assert 'DELETE FROM "public"."odd" WHERE "k" = E\'a\\u007f\';' in script
    assert script.replace("\n", "").isprintable()


def quoted(text: str) -> str:
    """Writes a literal."""
    return sql.Literal(text).as_string(None)
