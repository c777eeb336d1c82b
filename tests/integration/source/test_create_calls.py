"""What expressions call and the database does not have is left out, whoever would bring it."""

from __future__ import annotations

import psycopg
import pytest

from gitexport.errors import DecisionNeededError
from gitexport.model.creation import CreationPlan
from gitexport.model.relation import Column, Relation, RelationKind, RelationName
from tests.fixtures.postgres import Postgres
from tests.integration.source.creating import describe, make, read, wanted

FIRST_WITH_EQUAL_TRIGRAMS = 140000
WORDS = """
CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gist;
CREATE TABLE t (
  id int PRIMARY KEY, n numeric(9, 2) DEFAULT (1.5)::numeric(5, 1), a int[], j jsonb,
  at timestamptz(3) DEFAULT CURRENT_TIMESTAMP(3), d date, r int4range, "List (x)" text,
  i interval DEFAULT '1 day'::interval day to second(3), code varbit(8), u text,
  big text GENERATED ALWAYS AS (COALESCE(upper(u), GREATEST("List (x)", 'x'))) STORED,
  part text GENERATED ALWAYS AS (SUBSTRING(u FROM 2 FOR 3)) STORED,
  own text DEFAULT SESSION_USER || CURRENT_USER || CURRENT_SCHEMA,
  CHECK (EXTRACT(year FROM d) > 2000 AND POSITION('x' IN u) > 0 AND TRIM(BOTH FROM u) = u),
  CHECK (CASE WHEN (id IN (1, 2)) THEN (NOT (u LIKE 'a%')) ELSE (u IS NORMALIZED) END),
  CHECK (id = ANY (a) OR (NULLIF(id, 1) IS NOT DISTINCT FROM (2))),
  CHECK (ROW(id, 1) > ROW(2, 3) AND (a)[1] BETWEEN SYMMETRIC 1 AND (2) AND id <> ALL (a)),
  CHECK ((d, d) OVERLAPS (d, d) AND NORMALIZE(u, NFC) = OVERLAY(u PLACING 'x' FROM 1)),
  CHECK ((at AT TIME ZONE ('UTC')) IS NOT NULL AND (u COLLATE "C") ~ ('a(b)')),
  EXCLUDE USING gist (u gist_trgm_ops (siglen = 32) WITH =) WITH (fillfactor = 70) WHERE (id > 5),
  UNIQUE (n) INCLUDE (u));
CREATE TABLE l (k text) PARTITION BY LIST (lower(k));
CREATE TABLE h (k text) PARTITION BY HASH (k);
CREATE TABLE g (k int) PARTITION BY RANGE ((k + 1));
"""


def copied(relations: list[Relation], postgres: Postgres) -> tuple[CreationPlan, list[Relation]]:
    """Makes relations in an empty database, and reads what they became."""
    with postgres.temporary_database() as dsn, psycopg.connect(dsn, autocommit=True) as other:
        return make(other, wanted(relations)), read(other)


def test_words_of_sql_are_not_taken_for_functions(
    connection: psycopg.Connection, postgres: Postgres
) -> None:
    words = WORDS
    if connection.info.server_version < FIRST_WITH_EQUAL_TRIGRAMS:
        words = words.replace("u gist_trgm_ops (siglen = 32)", "id")
    relations = describe(connection, words)

    plan, found = copied(relations, postgres)

    assert plan.left_out == ()
    assert found == read(connection)


def test_function_that_no_extension_brings_is_left_out(
    connection: psycopg.Connection, postgres: Postgres
) -> None:
    relations = describe(
        connection,
        """
        CREATE EXTENSION citext; CREATE EXTENSION hstore;
        CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1';
        CREATE TABLE t (id int PRIMARY KEY, v int DEFAULT f(1), x citext,
            CONSTRAINT c CHECK (f(v) > 0),
            w int GENERATED ALWAYS AS (f(v)) STORED, h hstore DEFAULT hstore('a', 'b'));
        """,
    )

    plan, found = copied(relations, postgres)

    lacking = "it calls public.f, which this database does not have"
    assert plan.left_out == (
        f"the default of column 'v' of public.t: {lacking}",
        f"the expression of column 'w' of public.t: {lacking}",
        f"'c' of public.t: {lacking}",
    )
    assert [column.default for column in found[0].columns] == [
        *[None] * 4,
        "public.hstore('a'::text, 'b'::text)",
    ]
    assert plan.calls == ("public.hstore",)


def test_function_of_a_newer_server_is_left_out(postgres: Postgres) -> None:
    columns = (
        Column("id", "uuid", not_null=True, default="uuidv99()"),
        Column("n", "integer", generated="pg_catalog.twice_of(1, 2)"),
    )
    relation = Relation(
        RelationName("public", "t"),
        RelationKind.TABLE,
        columns,
        checks=(("c", "CHECK (JSON_LIKE(n, 'a' RETURNING text))"),),
    )

    plan, found = copied([relation], postgres)

    lacking = "which this database does not have"
    assert plan.left_out == (
        f"the default of column 'id' of public.t: it calls uuidv99, {lacking}",
        f"the expression of column 'n' of public.t: it calls twice_of, {lacking}",
        f"'c' of public.t: it calls JSON_LIKE, {lacking}",
    )
    assert found[0].columns == tuple(
        column._replace(default=None, generated=None) for column in columns
    )


def test_function_that_acts_is_refused_before_its_extension_is_made(
    connection: psycopg.Connection,
) -> None:
    relation = Relation(
        RelationName("public", "t"),
        RelationKind.TABLE,
        (Column("id", "integer", default="public.normal_rand(1, 0.0, 1.0)"),),
        extensions=(("tablefunc", "public"),),
    )

    with pytest.raises(DecisionNeededError, match="calls 'normal_rand', which no column needs"):
        make(connection, wanted([relation]))
