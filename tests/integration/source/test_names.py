"""Names that SQL or JSON need quoted, and those that collide with the reader's own."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from gitexport.model.ports import RowQuery, RowScope
from gitexport.model.relation import RelationName
from gitexport.source.postgresql.view import open_view
from tests.integration.source.reading import documents, entity_of, every_row, oracle

_HOSTILE = (
    *("r", "d", "t", "w", "k0", "v", "doc", "raw", "version", "problem", "label", "item0"),
    *("select", "user", "table", "Upper Case", 'quo"te', "apo'strophe", "back\\slash", "a.b"),
    *("%s", "%(x)s", "{}", "{0}", "$1", ":tag", "new\nline", "\x01", "ü", "漢字", "😀", "\ue000"),
    *("x" * 63, "é" * 31, "xmin_", "--", "/*", "json_exported2", "~", " ", "\t"),
)


def _make(connection: psycopg.Connection, relation: RelationName, key: str) -> None:
    connection.execute(
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(relation.schema))
    )
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL("jsonb" if place % 2 else "text"))
        for place, name in enumerate(("things", *_HOSTILE))
        if name != key
    )
    connection.execute(
        sql.SQL("CREATE TABLE {} ({} int PRIMARY KEY, {})").format(
            sql.Identifier(*relation), sql.Identifier(key), columns
        )
    )
    connection.execute(
        sql.SQL("INSERT INTO {} ({}, {}) VALUES (7, 'seven')").format(
            sql.Identifier(*relation), sql.Identifier(key), sql.Identifier("things")
        )
    )


@pytest.mark.parametrize(
    ("relation", "key"),
    [
        (RelationName("public", "things"), "id"),
        (RelationName("public", "r"), "r"),
        (RelationName("public", "d"), 'quo"te'),
        (RelationName('Sch"ema ü', "Ta.ble %s {}"), "😀"),
        (RelationName("select", "user"), "table"),
        (RelationName("s" * 63, "é" * 31), "x" * 63),
    ],
    ids=str,
)
def test_any_name_of_column_key_or_relation_reads_the_same(
    connection: psycopg.Connection, relation: RelationName, key: str
) -> None:
    _make(connection, relation, key)
    entity = entity_of(str(relation), [key], label="things")
    with open_view(connection) as view:
        found = documents(view, entity)
        (row,) = every_row(view, entity, RowQuery(RowScope.ALL, limit=5, with_label=True))
        assert list(view.keys(entity)) == [("7",)]
        assert view.living(entity, [("7",), ("8",)]) == {("7",)}
    assert found == oracle(connection, entity)
    assert row.label == "seven"


def test_members_are_sorted_by_code_point(connection: psycopg.Connection) -> None:
    _make(connection, RelationName("public", "things"), "id")
    with open_view(connection) as view:
        columns = view.columns(entity_of("public.things"))
    assert list(columns) == sorted({*_HOSTILE, "things", "id"})
    # UTF-16 order would put the emoji, a surrogate pair, before the private use character.
    assert columns.index("😀") > columns.index("\ue000")


def test_a_table_may_have_as_many_columns_as_the_server_allows(
    connection: psycopg.Connection,
) -> None:
    names = [f"column_{number}" for number in range(1599)]
    connection.execute(
        sql.SQL("CREATE TABLE things (id int PRIMARY KEY, {})").format(
            sql.SQL(", ").join(sql.SQL("{} bool").format(sql.Identifier(name)) for name in names)
        )
    )
    connection.execute("INSERT INTO things (id, column_1598) VALUES (1, true)")
    entity = entity_of("public.things")
    with open_view(connection) as view:
        assert documents(view, entity) == oracle(connection, entity)


def test_published_columns_are_those_named_that_exist(connection: psycopg.Connection) -> None:
    connection.execute(
        "CREATE TABLE things (id int PRIMARY KEY, a int, _partial_a int, json_exported bool)"
    )
    everything = entity_of("public.things", exclude=("_partial_*",))
    named = entity_of("public.things", columns=("json_exported", "a", "gone"))
    nothing = entity_of("public.things", columns=())
    connection.execute("INSERT INTO things VALUES (1, 2, 3, true)")
    with open_view(connection) as view:
        assert view.columns(everything) == ("a", "id")
        assert view.columns(named) == ("a", "json_exported")
        assert [row.text for row in every_row(view, nothing)] == [b"{}\n"]


def test_configured_names_are_sql_whatever_words_they_are(connection: psycopg.Connection) -> None:
    words = connection.execute("SELECT word FROM pg_get_keywords() ORDER BY word").fetchall()
    for (word,) in words:
        name = RelationName(word, word)
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(word)))
        connection.execute(sql.SQL("CREATE TABLE {} ()").format(sql.Identifier(*name)))

        connection.execute(f"SELECT FROM {name}")

        assert RelationName.parse(str(name)) == name
