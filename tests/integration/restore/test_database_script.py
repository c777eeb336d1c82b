"""The script of a dry run, run on a copy of the database, leaves the rows of the restore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
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


def test_blanks_at_the_end_stay(journey: Journey, postgres: Postgres) -> None:
    make(
        journey,
        "CREATE TABLE padded (id int PRIMARY KEY, v bpchar, w character(4));"
        "INSERT INTO padded VALUES (1, 'a  ', 'b'), (2, NULL, NULL), (3, 'c ', NULL)",
    )

    assert_script_goes_back(
        journey,
        postgres,
        ("padded",),
        "UPDATE padded SET v = 'a'; DELETE FROM padded WHERE id = 3",
    )


def quoted(text: str) -> str:
    """Writes a literal."""
    return sql.Literal(text).as_string(None)


def test_unique_values_that_change_hands(journey: Journey, postgres: Postgres) -> None:
    make(
        journey,
        "CREATE TABLE seats (id int PRIMARY KEY, email text UNIQUE NOT NULL, n int UNIQUE,"
        " room int NOT NULL, seat int NOT NULL, UNIQUE (room, seat));"
        "INSERT INTO seats SELECT n, n || '@x', n, n % 3, n / 3 FROM generate_series(1, 6) AS n",
    )

    script = assert_script_goes_back(
        journey,
        postgres,
        ("seats",),
        "UPDATE seats SET email = 'aside', n = NULL, seat = -1 WHERE id = 1;"
        "UPDATE seats SET email = '1@x', n = 1, seat = seat + 5 WHERE id = 2;"
        "UPDATE seats SET email = '2@x', n = 2 WHERE id = 1;"
        "UPDATE seats SET seat = seat + 1 WHERE id IN (5, 2); UPDATE seats SET seat = 0"
        " WHERE id = 4; UPDATE seats SET seat = 1 WHERE id = 1; DELETE FROM seats WHERE id = 6;"
        "UPDATE seats SET email = '6@x' WHERE id = 3",
    )

    assert "WITH" not in script


def test_a_changed_key_beside_a_unique_column(journey: Journey, postgres: Postgres) -> None:
    make(
        journey,
        "CREATE TABLE members (id int PRIMARY KEY, email text UNIQUE NOT NULL);"
        "INSERT INTO members VALUES (1, 'a@x'), (2, 'b@x')",
    )

    script = assert_script_goes_back(
        journey, postgres, ("members",), "UPDATE members SET id = 10 WHERE id = 1"
    )

    statements = [line for line in script.splitlines() if "members" in line]
    assert statements == [
        'DELETE FROM "public"."members" WHERE "id" = \'10\';',
        (
            'INSERT INTO "public"."members" ("email", "id") OVERRIDING SYSTEM VALUE'
            " VALUES ('a@x', '1');"
        ),
    ]


CIRCLES = {
    "deferrable": "NOT NULL REFERENCES b DEFERRABLE",
    "nullable": "REFERENCES b",
    "neither": "NOT NULL REFERENCES b",
}
CHANGES = (
    "WITH x AS (INSERT INTO a VALUES (10, 9, 9, 1)) INSERT INTO b VALUES (10, 10)",
    (
        "UPDATE a SET b = b % 5 + 5, up = NULL; UPDATE b SET a = 5;"
        "WITH x AS (DELETE FROM a WHERE id < 5) DELETE FROM b WHERE id < 5"
    ),
    "UPDATE a SET b = 9, up = NULL WHERE id > 3",
)


@pytest.mark.parametrize("change", CHANGES, ids=("inserted", "deleted", "updated"))
@pytest.mark.parametrize("kind", CIRCLES)
def test_rows_that_refer_to_each_other(
    journey: Journey, postgres: Postgres, kind: str, change: str
) -> None:
    make(
        journey,
        "CREATE TABLE a (id int PRIMARY KEY, b int, up int REFERENCES a, n int);"
        "CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a, CHECK (a > 0));"
        "INSERT INTO a SELECT n, n % 9 + 1, n % 9 + 1, n FROM generate_series(1, 9) n;"
        "INSERT INTO b SELECT n, n FROM generate_series(1, 9) n;"
        f"ALTER TABLE a ADD FOREIGN KEY (b) {CIRCLES[kind].replace('NOT NULL ', '')};"
        + ("" if kind == "nullable" else "ALTER TABLE a ALTER b SET NOT NULL"),
    )

    assert_script_goes_back(journey, postgres, ("a", "b"), change)


def test_a_row_leaves_a_parent_that_goes(journey: Journey, postgres: Postgres) -> None:
    make(
        journey,
        "CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL UNIQUE);"
        "CREATE TABLE pets (id int PRIMARY KEY, owner int NOT NULL REFERENCES people);"
        "INSERT INTO people VALUES (1, 'a@x'); INSERT INTO pets VALUES (1, 1)",
    )

    script = assert_script_goes_back(
        journey,
        postgres,
        ("people", "pets"),
        "UPDATE people SET email = 'b' WHERE id = 1; INSERT INTO people VALUES (2, 'a@x');"
        "UPDATE pets SET owner = 2; DELETE FROM people WHERE id = 1",
    )

    # No order of single statements does that.
    assert script.count("\nWITH w0 AS (DELETE FROM") == 1


def test_parents_and_children_have_a_statement_each(journey: Journey, postgres: Postgres) -> None:
    make(
        journey,
        "CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL UNIQUE);"
        "CREATE TABLE pets (id int PRIMARY KEY, owner int NOT NULL REFERENCES people);"
        "INSERT INTO people VALUES (1, 'a@x'), (2, 'b@x'); INSERT INTO pets VALUES (1, 1), (2, 2)",
    )

    script = assert_script_goes_back(
        journey,
        postgres,
        ("people", "pets"),
        "UPDATE pets SET owner = 2; DELETE FROM people WHERE id = 1;"
        "INSERT INTO people VALUES (3, 'a@x'); INSERT INTO pets VALUES (3, 3)",
    )

    statements = [line for line in script.splitlines() if '"public"' in line]
    assert [line.partition(" WHERE")[0] for line in statements] == [
        'DELETE FROM "public"."pets"',
        'DELETE FROM "public"."people"',
        (
            'INSERT INTO "public"."people" ("email", "id") OVERRIDING SYSTEM VALUE'
            " VALUES ('a@x', '1');"
        ),
        'UPDATE "public"."pets" SET "owner" = \'1\'',
    ]


def test_triggers_and_rules_rest(journey: Journey, postgres: Postgres) -> None:
    make(
        journey,
        "CREATE TABLE loud (id int, name text, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
        "CREATE TABLE loud_1 PARTITION OF loud FOR VALUES FROM (0) TO (9);"
        "CREATE TABLE calm (id int PRIMARY KEY, name text);"
        "INSERT INTO loud VALUES (1, 'a'); INSERT INTO calm VALUES (1, 'a');"
        "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN NEW.name := upper(NEW.name); RETURN NEW; END$$;"
        "CREATE TRIGGER shout BEFORE INSERT OR UPDATE ON loud FOR EACH ROW"
        " EXECUTE FUNCTION shout();"
        "CREATE TRIGGER more BEFORE INSERT OR UPDATE ON loud FOR EACH ROW"
        " EXECUTE FUNCTION shout();"
        "ALTER TABLE loud_1 DISABLE TRIGGER more;"
        "CREATE RULE stay AS ON DELETE TO calm DO INSTEAD NOTHING",
    )

    assert_script_goes_back(
        journey,
        postgres,
        ("loud", "calm"),
        "UPDATE loud SET name = 'b'; INSERT INTO calm VALUES (2, 'b'); UPDATE calm SET name = 'c'",
    )


def test_triggers_fire_where_that_is_asked(journey: Journey, first: str) -> None:
    journey.sql(
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;"
        "CREATE TRIGGER nothing BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION nothing()"
    )
    plan = ("restore", first, "--database", "--dry-run", "-o", "sql")

    assert 'DISABLE TRIGGER "nothing";' in journey.done(*plan).out
    assert "TRIGGER" not in journey.done(*plan, "--fire-triggers").out


def test_sequences_are_past_what_was_inserted(journey: Journey, postgres: Postgres) -> None:
    make(
        journey,
        "CREATE TABLE counted (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v text);"
        "INSERT INTO counted VALUES (70, 'x')",
    )

    script = assert_script_goes_back(journey, postgres, ("counted",), "DELETE FROM counted")

    assert 'SELECT setval(\'"public"."counted_id_seq"\', m.value)' in script
