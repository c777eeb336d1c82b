"""What the catalog says about relations, by names only."""

from __future__ import annotations

import psycopg
import pytest

from gitexport.model.relation import (
    Column,
    ForeignKey,
    Relation,
    RelationKind,
    RelationName,
    TypeKind,
    UniqueKey,
)
from gitexport.source.postgresql.catalog import read_catalog, read_relations
from gitexport.source.postgresql.catalog_queries import TYPES
from gitexport.source.postgresql.catalog_types import FIRST_OF_OTHERS, read_types
from gitexport.source.postgresql.sample import read_sample
from gitexport.source.postgresql.session import reading

_SCHEMA = """
CREATE SCHEMA "Ünï""x"; CREATE SCHEMA gitexport; CREATE TABLE gitexport.state (id int PRIMARY KEY);
CREATE TYPE public.mood AS ENUM ('sad', 'ok');
CREATE DOMAIN public.small AS int DEFAULT 3 NOT NULL CHECK (value > 0);
CREATE TYPE public.address AS (street text, moods public.mood[], code varchar(9));
CREATE TYPE public.span AS RANGE (subtype = float8);
CREATE TABLE "Ünï""x"."Table" (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "select" text COLLATE "C" NOT NULL UNIQUE,
  gone int, address public.address, small public.small, span public.span DEFAULT 'empty',
  twice int GENERATED ALWAYS AS (1 + 2) STORED, maybe int UNIQUE, late int NOT NULL,
  n numeric(10, 2), CONSTRAINT positive CHECK (id > 0));
ALTER TABLE "Ünï""x"."Table" DROP COLUMN gone, ADD UNIQUE (late) DEFERRABLE;
CREATE UNIQUE INDEX part ON "Ünï""x"."Table" (late) WHERE id > 5;
CREATE UNIQUE INDEX expression ON "Ünï""x"."Table" (lower("select"));
CREATE UNIQUE INDEX wider ON "Ünï""x"."Table" (late, "select") INCLUDE (n);
CREATE TABLE public.child (a int, b text, t int REFERENCES "Ünï""x"."Table" ON DELETE CASCADE
  ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED, PRIMARY KEY (b, a) DEFERRABLE);
CREATE TABLE public.split (id int, k int, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
CREATE TABLE public.split_1 PARTITION OF split FOR VALUES FROM (0) TO (10) PARTITION BY LIST (id);
CREATE TABLE public.split_1a PARTITION OF split_1 DEFAULT;
CREATE TABLE public.reference (id int PRIMARY KEY, k int, FOREIGN KEY (id, k) REFERENCES split);
INSERT INTO split SELECT i, i % 10 FROM generate_series(1, 1000) i;
CREATE VIEW public.seen AS SELECT * FROM child;
CREATE MATERIALIZED VIEW public.kept AS SELECT * FROM split; ANALYZE kept;
CREATE TABLE public.above (x int); CREATE TABLE public.below () INHERITS (above);
"""


@pytest.fixture
def relations(connection: psycopg.Connection) -> dict[str, Relation]:
    """All relations by their bare name."""
    connection.execute(_SCHEMA)
    with reading(connection) as cursor:
        return {relation.name.name: relation for relation in read_catalog(cursor)}


def test_people_s_relations_are_listed_and_no_others(relations: dict[str, Relation]) -> None:
    assert {name: relation.kind for name, relation in relations.items()} == {
        "Table": RelationKind.TABLE,
        "child": RelationKind.TABLE,
        "split": RelationKind.PARTITIONED,
        "split_1": RelationKind.PARTITIONED,
        "split_1a": RelationKind.TABLE,
        "reference": RelationKind.TABLE,
        "seen": RelationKind.VIEW,
        "kept": RelationKind.MATERIALIZED_VIEW,
        "above": RelationKind.TABLE,
        "below": RelationKind.TABLE,
    }


def test_columns_are_described(relations: dict[str, Relation]) -> None:
    assert relations["Table"].columns == (
        Column("id", "integer", not_null=True, identity="always"),
        Column("select", "text", not_null=True, collation='pg_catalog."C"'),
        Column("address", "public.address", TypeKind.COMPOSITE),
        Column("small", "public.small", TypeKind.DOMAIN),
        Column("span", "public.span", TypeKind.RANGE, default="'empty'::public.span"),
        Column("twice", "integer", generated="(1 + 2)"),
        Column("maybe", "integer"),
        Column("late", "integer", not_null=True),
        Column("n", "numeric(10,2)"),
    )


def test_only_keys_that_name_every_row_are_keys(relations: dict[str, Relation]) -> None:
    table = relations["Table"]
    assert table.primary_key == ("id",)
    assert table.unique_keys == (
        UniqueKey("Table_pkey", ("id",), is_primary=True),
        UniqueKey("Table_select_key", ("select",)),
        UniqueKey("wider", ("late", "select")),
    )
    assert table.nullable_keys == (UniqueKey("Table_maybe_key", ("maybe",)),)
    assert relations["child"].primary_key == ("b", "a")
    assert relations["child"].unique_keys == ()
    assert relations["seen"].primary_key == ()


def test_references_and_checks_are_described(relations: dict[str, Relation]) -> None:
    assert relations["child"].foreign_keys == (
        ForeignKey(
            "child_t_fkey",
            ("t",),
            RelationName('Ünï"x', "Table"),
            ("id",),
            is_deferrable=True,
            initially_deferred=True,
            on_update="set null",
            on_delete="cascade",
        ),
    )
    # One row, although the server keeps one for each partition of the target.
    assert [key.references.name for key in relations["reference"].foreign_keys] == ["split"]
    assert relations["Table"].checks == (("positive", "CHECK ((id > 0))"),)


def test_types_are_found_through_others(relations: dict[str, Relation]) -> None:
    types = {named.name: named for named in relations["Table"].types}
    assert list(types) == ["public.address", "public.mood", "public.small", "public.span"]
    assert types["public.mood"].labels == ("sad", "ok")
    assert types["public.address"].attributes == (
        ("street", "text"),
        ("moods", "public.mood[]"),
        ("code", "character varying(9)"),
    )
    small = types["public.small"]
    assert (small.base, small.not_null, small.default) == ("integer", True, "3")
    assert small.checks == ("CHECK ((VALUE > 0))",)
    assert types["public.span"].subtype == "double precision"
    assert relations["child"].types == ()


def test_partitions_and_inheritance_are_told(relations: dict[str, Relation]) -> None:
    split = relations["split"]
    assert split.partition_key == "RANGE (k)"
    assert [name.name for name in split.partitions] == ["split_1", "split_1a"]
    assert [name for name, found in relations.items() if found.is_partition] == [
        "split_1",
        "split_1a",
    ]
    assert {name for name, found in relations.items() if found.has_inheritance} == {
        "above",
        "below",
    }
    assert 300 < split.estimated_rows < 3000
    assert relations["kept"].estimated_rows == 1000


def test_what_is_not_asked_about_needs_nothing_of_other_makers(
    connection: psycopg.Connection,
) -> None:
    connection.execute(_SCHEMA)
    with reading(connection) as cursor:
        cursor.execute("SELECT oid FROM pg_type WHERE oid < %s", [FIRST_OF_OTHERS])
        unasked = [oid for (oid,) in cursor]
        cursor.execute(TYPES, {"types": unasked})
        # The third value is the type's schema.
        reached = {row[2] for row in cursor}
        cursor.execute("SELECT 'public.mood[]'::regtype::oid")
        (row,) = cursor
        named = read_types(cursor, row).types.values()
    assert len(unasked) > 150
    assert reached == {"pg_catalog"}
    assert [found.name for found in named] == ["public.mood"]


def test_named_relations_are_described_alike(connection: psycopg.Connection) -> None:
    connection.execute(_SCHEMA)
    with reading(connection) as cursor:
        everything = {relation.name: relation for relation in read_catalog(cursor)}
        assert read_relations(cursor, [*everything, RelationName("no", "such")]) == everything
        assert {found.name.schema for found in read_catalog(cursor, ["public"])} == {"public"}
        assert read_catalog(cursor, ["no such schema"]) == []


def test_the_relation_of_an_extension_names_it(connection: psycopg.Connection) -> None:
    connection.execute("CREATE EXTENSION pg_stat_statements")
    with reading(connection) as cursor:
        found = {relation.name.name: relation.extension for relation in read_catalog(cursor)}
    assert found["pg_stat_statements"] == "pg_stat_statements"


def test_a_sample_shows_the_beginning_of_values(connection: psycopg.Connection) -> None:
    connection.execute('CREATE TABLE "T" (id int, "Mail" text, raw bytea)')
    connection.execute("INSERT INTO \"T\" VALUES (1, repeat('x', 5000), NULL), (2, 'a', '\\x00')")
    with reading(connection) as cursor:
        name = RelationName("public", "T")
        rows = read_sample(cursor, read_relations(cursor, [name])[name], 10)
        assert len(read_sample(cursor, read_relations(cursor, [name])[name], 1)) == 1
    assert rows == [("1", "x" * 1000, None), ("2", "a", "\\x00")]
