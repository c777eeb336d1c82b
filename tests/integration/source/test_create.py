"""Relations made from their descriptions are those that were described."""

from __future__ import annotations

import psycopg
import pytest

from gitexport.model.creation import WantedRelation
from gitexport.model.relation import (
    Column,
    ForeignKey,
    Relation,
    RelationKind,
    RelationName,
    UniqueKey,
)
from gitexport.source.postgresql.create.calls import Calls
from gitexport.source.postgresql.create.tables import TableMaker
from tests.fixtures.postgres import Postgres
from tests.integration.source.creating import (
    SCHEMA,
    as_known,
    describe,
    make,
    read,
    through_files,
    wanted,
)


def test_relations_come_back_equal(connection: psycopg.Connection, postgres: Postgres) -> None:
    relations = describe(connection, as_known(connection, SCHEMA))

    with (
        postgres.temporary_database() as dsn,
        psycopg.connect(dsn, autocommit=True) as other,
    ):
        plan = make(other, wanted(relations))
        assert plan.left_out == ()
        assert {str(relation.name): relation for relation in read(other)} == {
            str(relation.name): relation for relation in read(connection)
        }
        assert plan.calls == ()
        # A second time there is nothing to do, also with what tracking adds.
        other.execute("ALTER TABLE dwh.lines ADD COLUMN json_exported boolean")
        again = make(other, wanted(relations))
        assert again.steps == ()
        assert len(again.existing) == len(relations)


def test_what_newer_servers_know_comes_back_equal(
    connection: psycopg.Connection, postgres: Postgres
) -> None:
    if connection.info.server_version < 150000:
        pytest.skip("this server does not know it")
    relations = describe(
        connection,
        "CREATE TABLE t (a int UNIQUE NULLS NOT DISTINCT, b int, c int, PRIMARY KEY (b, c),"
        " FOREIGN KEY (a, c) REFERENCES t ON DELETE SET NULL (a))",
    )
    assert relations[0].foreign_keys[0].delete_columns == ("a",)
    with postgres.temporary_database() as dsn, psycopg.connect(dsn, autocommit=True) as other:
        make(other, wanted(relations))
        assert read(other) == read(connection)


def test_every_built_in_type_comes_back_equal(
    connection: psycopg.Connection, postgres: Postgres
) -> None:
    names = connection.execute(
        "SELECT format_type(oid, NULL) FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace"
        " AND typtype IN ('b', 'r', 'm') AND typname NOT IN ('unknown', 'cstring', '_cstring')"
        " AND NOT (typcategory = 'A' AND typname LIKE '\\_pg\\_%') ORDER BY oid"
    ).fetchall()
    columns = ", ".join(f"c{number} {name}" for number, (name,) in enumerate(names))
    scale = -2 if connection.info.server_version >= 150000 else 2
    more = "v varchar(7)[], t time(0) with time zone, i interval day to second(3), b varbit(5)"
    relations = describe(connection, f"CREATE TABLE t ({columns}, {more}, n numeric(9,{scale}))")

    assert len(relations[0].columns) > 150
    with postgres.temporary_database() as dsn, psycopg.connect(dsn, autocommit=True) as other:
        make(other, wanted(relations))
        assert read(other) == read(connection)


def test_virtual_columns_are_virtual_again_or_said_to_be_stored(
    connection: psycopg.Connection, postgres: Postgres
) -> None:
    relations = describe(
        connection, "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED)"
    )
    virtual = relations[0]._replace(
        columns=(relations[0].columns[0], relations[0].columns[1]._replace(is_virtual=True)),
    )
    with postgres.temporary_database() as dsn, psycopg.connect(dsn, autocommit=True) as other:
        plan = make(other, wanted([virtual]))
        if connection.info.server_version >= 180000:
            assert read(other) == [virtual]
        else:
            assert "is stored" in plan.left_out[0]


def test_keys_of_periods_are_plain_where_the_server_knows_none(
    connection: psycopg.Connection,
) -> None:
    columns = (Column("id", "integer", not_null=True), Column("at", "daterange", not_null=True))
    name = RelationName("public", "t")
    relation = Relation(
        name,
        RelationKind.TABLE,
        columns,
        ("id", "at"),
        unique_keys=(UniqueKey("t_pkey", ("id", "at"), is_primary=True),),
        foreign_keys=(ForeignKey("f", ("id", "at"), name, ("id", "at"), is_temporal=True),),
        constraints=(("t_pkey", "PRIMARY KEY (id, at WITHOUT OVERLAPS)"),),
    )
    with connection.cursor() as cursor:
        calls = Calls(cursor, [], (), ())
    maker = TableMaker(wanted([relation])[0], calls, frozenset(), 170000)

    steps = [*maker.table(), *maker.keys(), *maker.references({name: {"id", "at"}})]

    for step in steps:
        connection.execute(step.statement.encode())
    assert read(connection)[0].primary_key == ("id", "at")
    assert maker.left_out == [
        "'t_pkey' of public.t lets periods overlap: this server does not know WITHOUT OVERLAPS",
        "'f' of public.t: this server does not know references to periods",
    ]


def test_unpublished_columns_are_there_and_empty(
    connection: psycopg.Connection, postgres: Postgres
) -> None:
    relation = describe(
        connection,
        """
        CREATE TYPE secret AS ENUM ('canary');
        CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL, mail text NOT NULL DEFAULT 'canary'
            UNIQUE CHECK (mail <> 'canary'), kind secret NOT NULL DEFAULT 'canary');
        """,
    )[0]
    public = through_files(relation, ["id", "name"])
    with postgres.temporary_database() as dsn, psycopg.connect(dsn, autocommit=True) as other:
        plan = make(other, [WantedRelation(public, ("id", "name"), ("id",))])
        assert [str(found.columns) for found in read(other)] == [
            str(
                (
                    Column("id", "integer", not_null=True),
                    Column("name", "text", not_null=True),
                    Column("mail", "text"),
                )
            )
        ]
    assert len(plan.left_out) == 1
    assert "column 'kind' of public.t: it is not published" in plan.left_out[0]
    assert "canary" not in str(plan)


def test_view_becomes_a_table_with_its_key(
    connection: psycopg.Connection, postgres: Postgres
) -> None:
    relations = describe(connection, "CREATE VIEW seen AS SELECT 1 AS id, 'x'::text AS name")
    with postgres.temporary_database() as dsn, psycopg.connect(dsn, autocommit=True) as other:
        plan = make(other, [WantedRelation(relations[0], ("id", "name"), ("id",))])
        assert read(other)[0].primary_key == ("id",)
    assert plan.left_out == ("public.seen was a view; a table of its rows is made",)


def test_snapshots_of_before_are_enough_for_tables_and_keys(
    connection: psycopg.Connection, postgres: Postgres
) -> None:
    relations = describe(
        connection,
        "CREATE TABLE t (id serial PRIMARY KEY, code text NOT NULL UNIQUE);"
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (2)",
    )
    old = [found._replace(constraints=(), bounds=(), sequences=()) for found in relations]
    with postgres.temporary_database() as dsn, psycopg.connect(dsn, autocommit=True) as other:
        plan = make(other, wanted(old))
        found = {relation.name.name: relation for relation in read(other)}
    assert (found["t"].primary_key, found["t"].sequences) == (
        ("id",),
        next(relation.sequences for relation in relations if relation.name.name == "t"),
    )
    assert [key.columns for key in found["t"].unique_keys] == [("id",), ("code",)]
    assert found["p"].primary_key == ("id",)
    assert "does not say what each of them holds" in plan.left_out[0]


def test_what_lies_outside_of_the_snapshot_is_left_out_by_name(
    connection: psycopg.Connection, postgres: Postgres
) -> None:
    relations = describe(
        connection,
        """
        CREATE FUNCTION own(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
        CREATE FUNCTION next_code() RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;
        CREATE DOMAIN word AS text CHECK (own(value));
        CREATE TABLE other (id int PRIMARY KEY);
        CREATE TABLE t (id int PRIMARY KEY REFERENCES other, code text DEFAULT next_code(), w word,
            is_own boolean GENERATED ALWAYS AS (own(code)) STORED, CONSTRAINT c CHECK (own(code)));
        """,
    )
    items = wanted([relation for relation in relations if relation.name.name == "t"])
    with postgres.temporary_database() as dsn, psycopg.connect(dsn, autocommit=True) as other:
        plan = make(other, items)
        found = read(other)[0]
        assert [column.default or column.generated for column in found.columns] == [None] * 4
        # Where the functions are there, all of it is made, and they are named.
        other.execute("DROP TABLE t; DROP DOMAIN word; CREATE TABLE other (id int PRIMARY KEY);")
        other.execute(
            "CREATE FUNCTION own(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';"
            "CREATE FUNCTION next_code() RETURNS text LANGUAGE sql AS $$SELECT 'x'$$;"
        )
        second = make(other, items)
        assert read(other)[1] == items[0].relation
    words = "\n".join(plan.left_out)
    for sentence in (
        "'t_id_fkey' of public.t: it refers to public.other, which is not there",
        "a check of public.word: it calls public.own, which this database does not have",
        "the default of column 'code' of public.t: it calls public.next_code",
        "the expression of column 'is_own' of public.t: it calls public.own",
        "'c' of public.t: it calls public.own",
    ):
        assert sentence in words
    assert second.left_out == ()
    assert sorted(second.calls) == ["public.next_code", "public.own"]


def test_row_of_a_table_can_be_a_value_of_another(
    connection: psycopg.Connection, postgres: Postgres
) -> None:
    relations = describe(
        connection, "CREATE TABLE z (id int PRIMARY KEY, n text); CREATE TABLE a (id int, row_of z)"
    )
    with postgres.temporary_database() as dsn, psycopg.connect(dsn, autocommit=True) as other:
        make(other, wanted(relations))
        assert read(other) == read(connection)
