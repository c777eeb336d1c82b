"""SQL of a comparison: what it says, and what it says that it cannot."""

from __future__ import annotations

import pytest

from gitexport.canonical.value import JsonValue, canonical_value
from gitexport.compare.formats.sql_values import Literals
from gitexport.errors import UnsupportedValueError
from gitexport.model.changeset import ChangedFile, ChangeKind, FileRole
from gitexport.model.relation import Column, Relation, RelationKind, RelationName
from tests.fixtures.comparisons import Pair, compared, formatted, stored_entity, stored_relation


def lines(script: str, word: str) -> list[str]:
    """Gives the lines that begin with a word."""
    return [line for line in script.splitlines() if line.startswith(word)]


def test_generated_columns_are_left_out_and_identities_insisted_on() -> None:
    entity = stored_entity(
        "users",
        Column("id", "integer", not_null=True, identity="always"),
        Column("name", "text"),
        Column("shout", "text", generated="upper(name)"),
    )
    added = canonical_value({"id": 1, "name": "a", "shout": "A"})
    changed = canonical_value({"id": 1, "name": "b", "shout": "B"})

    inserted = formatted("sql", compared({"users": [Pair(("1",), None, added)]}, {"users": entity}))
    updated = formatted(
        "sql", compared({"users": [Pair(("1",), added, changed)]}, {"users": entity})
    )

    assert lines(inserted, "INSERT") == [
        'INSERT INTO "public"."users" ("id", "name") OVERRIDING SYSTEM VALUE VALUES (1, \'a\');'
    ]
    assert lines(updated, "UPDATE") == [
        'UPDATE "public"."users" SET "name" = \'b\' WHERE "id" = 1;'
    ]


def test_changed_key_is_an_update_where_nobody_refers_to_it() -> None:
    pair = Pair(("2",), b'{"id": 1}', b'{"id": 2}', old_key=("1",))

    script = formatted("sql", compared({"users": [pair]}))

    assert lines(script, "UPDATE") == ['UPDATE "public"."users" SET "id" = 2 WHERE "id" = 1;']


def test_changed_identity_is_a_new_row() -> None:
    entity = stored_entity("users", Column("id", "integer", identity="always"))
    pair = Pair(("2",), b'{"id": 1}', b'{"id": 2}', old_key=("1",))

    script = formatted("sql", compared({"users": [pair]}, {"users": entity}))

    assert len(lines(script, "DELETE")) == len(lines(script, "INSERT")) == 1


def test_rows_of_a_view_are_said_to_be_impossible() -> None:
    relation = Relation(RelationName("public", "seen"), RelationKind.VIEW, (Column("id", "int"),))
    entity = stored_relation("seen", relation, ("id",))
    pairs = [Pair((str(number),), None, b'{"id": 1}') for number in range(3)]

    script = formatted("sql", compared({"seen": pairs}, {"seen": entity}))

    assert lines(script, "-- NOT") == [
        "-- NOT POSSIBLE: seen: public.seen is a view, which has no rows"
    ]
    assert "BEGIN" not in script


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b'{"id": 1, "other": 2}', "users:1: column 'other' is none of the relation"),
        (b'{"id": 1, "name": "a\\u0000b"}', "users:1: column 'name' holds U+0000"),
        (b"[]", "users:1: the document is no object"),
        (b"{", "users:1: is not JSON"),
    ],
)
def test_document_that_is_no_row_is_named(document: bytes, reason: str) -> None:
    script = formatted("sql", compared({"users": [Pair(("1",), None, document)]}))

    assert reason in lines(script, "-- NOT POSSIBLE: ")[0]
    assert "INSERT" not in script


def test_changed_table_is_mentioned() -> None:
    comparison = compared({"users": [Pair(("1",), None, b'{"id": 1}')]})
    comparison.files = (
        ChangedFile("relations/users.json", FileRole.RELATION, ChangeKind.MODIFIED),
        ChangedFile("manifest.json", FileRole.MANIFEST, ChangeKind.MODIFIED),
    )

    script = formatted("sql", comparison)

    assert lines(script, "-- relations/users.json differs, too")
    assert "manifest" not in script


def test_comment_holds_no_line_end_and_no_mark_of_strangers() -> None:
    entity = stored_entity("users", Column("id", "text"))
    pairs = [Pair(("x\nDROP TABLE users;\x1b[2J\u202e",), None, b"{")]

    script = formatted("sql", compared({"users": pairs}, {"users": entity}))

    assert lines(script, "DROP") == []
    assert script.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "type_name",
    [
        "integer[]); DROP TABLE users; --[]",
        "integer UNION SELECT secret FROM users[]",
        "int/**/[]",
        "a.b.c[]",
        'a"b[]',
        "numeric(1); [])[]",
        "numeric(--1)[]",
        "x\n[]",
    ],
)
def test_type_names_of_strangers_are_no_sql(type_name: str) -> None:
    relation = stored_entity("users", Column("v", type_name)).relation

    with pytest.raises(UnsupportedValueError, match="strange name"):
        Literals(relation).column("v", [1])


@pytest.mark.parametrize(
    "type_name",
    [
        "integer[]",
        "double precision[]",
        "character varying(10)[]",
        "bit varying[]",
        "numeric(10,-2)[]",
        "timestamp(3) without time zone[]",
        "time with time zone[]",
        "interval day to second(2)[]",
        "interval year[]",
        '"char"[]',
        '"Own x"."mo""od"[]',
        "ext.größe[]",
        "public.geometry(Point,4326)[]",
    ],
)
def test_type_names_of_the_server_are_kept(type_name: str) -> None:
    relation = stored_entity("users", Column("v", type_name)).relation

    assert Literals(relation).column("v", ["1"]).endswith(f"]::{type_name}")


def test_numbers_are_written_digit_for_digit() -> None:
    relation = stored_entity(
        "users", Column("n", "numeric(400,3)"), Column("i", "bigint"), Column("j", "jsonb")
    ).relation
    literals = Literals(relation)

    assert literals.column("n", 10**399) == str(10**399)
    assert literals.column("i", -(2**63)) == "-9223372036854775808"
    assert literals.column("j", 1) == "'1'"


def test_geometry_is_read_from_its_geojson() -> None:
    relation = stored_entity(
        "users",
        Column("h", "public.geometry(Point,4326)"),
        Column("i", "public.geometry(Point,4326)[]"),
    ).relation
    point: JsonValue = {"type": "Point", "coordinates": [1, 2]}
    text = 'public.st_geomfromgeojson(\'{"coordinates":[1,2],"type":"Point"}\')'

    assert Literals(relation).column("h", point) == text
    assert Literals(relation).column("i", [point]) == (
        f"ARRAY[{text}]::public.geometry(Point,4326)[]"
    )
