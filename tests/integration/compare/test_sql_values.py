"""Literals restore the values that documents were made of, whatever their type."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from gitexport.canonical.encode import assemble
from gitexport.model.entity import Entity
from gitexport.model.ports import Key
from gitexport.model.relation import RelationName
from gitexport.source.postgresql.session import PINS
from gitexport.source.postgresql.source import PostgresSource
from gitexport.source.postgresql.view import open_view
from tests.fixtures.comparisons import Pair, compared, formatted, stored_relation
from tests.integration.source.all_types import fill_things, tried_types
from tests.integration.source.reading import entity_of, every_row
from tests.integration.source.samples import EXPRESSIONS


def documents(connection: psycopg.Connection, entity: Entity) -> dict[Key, bytes]:
    """Reads every row's canonical document."""
    with open_view(connection) as view:
        nested = view.nested(entity)
        rows = every_row(view, entity)
    assert [row.problem for row in rows if row.problem] == []
    return {row.key: assemble(row.text or b"", nested) for row in rows}


def script_of(dsn: str, name: str, pairs: list[Pair]) -> str:
    """Writes the SQL for rows of `public.<name>`, with what the catalog says of it."""
    source = PostgresSource(dsn)
    try:
        relation = next(r for r in source.catalog() if r.name == RelationName("public", name))
    finally:
        source.close()
    stored = stored_relation(name, relation, ("id",))
    return formatted("sql", compared({name: pairs}, {name: stored}))


def restored(
    connection: psycopg.Connection, dsn: str, name: str = "things"
) -> tuple[dict[Key, bytes], dict[Key, bytes]]:
    """Empties a table and fills it by a script; gives its documents before and after."""
    entity = entity_of(f"public.{name}")
    before = documents(connection, entity)
    connection.execute(f"CREATE TABLE public.copies AS TABLE public.{name}".encode())
    script = script_of(dsn, name, [Pair(key, None, data) for key, data in before.items()])
    assert "NOT POSSIBLE" not in script
    connection.execute(f"TRUNCATE public.{name}".encode())
    connection.execute(script.encode())
    return before, documents(connection, entity)


def differing(connection: psycopg.Connection, name: str = "things") -> list[tuple[object, ...]]:
    """Lists the rows whose stored bytes differ from those of the copy."""
    query = (
        f"SELECT id FROM public.{name} AS one JOIN public.copies AS two USING (id)"
        " WHERE NOT (one *= two)"
    )
    return connection.execute(query.encode()).fetchall()


def test_every_type_is_restored(connection: psycopg.Connection, database: str) -> None:
    types = tried_types(connection)
    fill_things(connection, types)
    arrays = {kind.array for kind in types if kind.name in EXPRESSIONS}
    for name in sorted({*EXPRESSIONS, *arrays} - {None}):  # type: ignore[type-var]
        connection.execute(
            sql.SQL("ALTER TABLE public.things DROP COLUMN IF EXISTS {}").format(
                sql.Identifier(f"c {name}")
            )
        )

    before, after = restored(connection, database)

    assert after == before
    assert len(before) > 8
    # `json` restores as an equal value, not as the same text.
    for table in ("things", "copies"):
        connection.execute(f'ALTER TABLE public.{table} DROP "c json", DROP "c _json"'.encode())
    assert differing(connection) == []


def test_people_s_types_are_restored(connection: psycopg.Connection, database: str) -> None:
    connection.execute("""
        CREATE SCHEMA "Own x"; CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext;
        CREATE TYPE "Own x"."mo od" AS ENUM ('sad', 'o"k''\\');
        CREATE DOMAIN small AS int CHECK (value < 100);
        CREATE DOMAIN numbers AS float8[];
        CREATE DOMAIN tiny AS small;
        CREATE TYPE address AS (street text, "Zip" numeric(9,2), moods "Own x"."mo od"[],
                                lines json, tags ext.hstore, marks jsonb[], old int2vector);
        CREATE DOMAIN home AS address;
        CREATE TYPE span AS RANGE (subtype = float8);
        CREATE TABLE things (
          id int PRIMARY KEY, a "Own x"."mo od", b "Own x"."mo od"[], c small, d small[],
          e numbers, f address, g address[], h home, i home[], j span, k numbers[], l span[],
          m ext.hstore, n ext.hstore[], o jsonb[], p json[], q int2vector[], r box[],
          s char(3)[], t numeric(5,2)[], u bpchar, v bpchar[], w "char"[], x tiny[], y bit(3)[],
          z timestamp(3) with time zone[], aa interval day to second(2)[], ab varchar(4),
          ac jsonb NOT NULL, ad text[]);
        INSERT INTO things VALUES
          (1, 'sad', '{sad,NULL,"o\\"k''\\\\"}', 5, '{1,2}', '{-0,1e300,NaN}',
           ROW('x''\\y', 1.10, '{sad}', '{"b":1,"a":-0}', 'a=>"1\\"\\\\",b=>NULL',
               ARRAY['[1,2]', 'null', '"s"']::jsonb[], '1 2'),
           ARRAY[ROW('y', 2.0, NULL, '[]', NULL, NULL, NULL)::address, NULL],
           ROW('z', 3, '{}', '"s"', '', '{}', '')::home,
           ARRAY[ROW('z', 3, '{}', NULL, NULL, NULL, NULL)::home], '[1,2)',
           ARRAY['{1}', NULL]::numbers[], '{"[1,2)"}', 'k"\\=>v,n=>NULL',
           ARRAY['a=>1', NULL]::ext.hstore[], ARRAY['[1,[2]]', '{"a":1.10}', '"x"']::jsonb[],
           ARRAY['[1]', '-0']::json[], ARRAY['1 2', '3']::int2vector[], '{(1,2),(0,0)}',
           '{ab,c}', '{{1.10,2},{3,4}}', 'pad  ', '{"x ",y}', '{a,"\\""}', '{1,2}', '{101,010}',
           '{"2024-01-01 00:00:00.123+02"}', '{"1 02:03:04.5"}', 'ab  ', 'null',
           ARRAY[E'tab\\t', E'line\\nline', E'\\u202e', '''', '\\', '$1', '{}', 'NULL', '', NULL]),
          (2, NULL, '{}', NULL, '{{1},{2}}', '{}', ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL),
           '{}', NULL, NULL, 'empty', NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL, NULL, NULL,
           NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"a":[]}', '{}');
    """)

    before, after = restored(connection, database)

    assert after == before
    for table in ("things", "copies"):
        # They hold json, or a JSON null inside of jsonb[], which reads as no value.
        connection.execute(f"ALTER TABLE {table} DROP f, DROP g, DROP h, DROP i, DROP p".encode())
    assert differing(connection) == []


@pytest.mark.parametrize(
    "value",
    [
        "'; DROP TABLE things; --",
        "\\'; DROP TABLE things; --",
        "\\",
        "$$ $1 :name :'name' %s {} \\\\copy",
        "\x1b[2J\x07\x08\x7f\x85\u202e\u2066\u200b\u2028",
        "a\nb\r\nc\td",
        "\U000e0001 tag",
    ],
)
def test_hostile_text_comes_back_and_stays_on_its_line(
    connection: psycopg.Connection, database: str, value: str
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text, j jsonb, a text[])")
    connection.execute(
        "INSERT INTO things VALUES (1, %s, to_jsonb(%s::text), ARRAY[%s])", (value,) * 3
    )
    entity = entity_of("public.things")
    before = documents(connection, entity)

    script = script_of(database, "things", [Pair(("1",), None, before["1",])])

    assert script.replace("\n", "").isprintable()
    assert sum(line.startswith("INSERT") for line in script.splitlines()) == 1
    for setting in ("on", "off"):
        connection.execute("TRUNCATE things")
        connection.execute(f"SET standard_conforming_strings = {setting}".encode())
        connection.execute(script.encode())
        assert documents(connection, entity) == before


def test_script_needs_none_of_the_pinned_settings(
    connection: psycopg.Connection, database: str
) -> None:
    types = [kind for kind in tried_types(connection) if kind.name not in EXPRESSIONS]
    fill_things(connection, types)
    entity = entity_of("public.things")
    before = documents(connection, entity)
    script = script_of(database, "things", [Pair(k, None, data) for k, data in before.items()])
    connection.execute("TRUNCATE public.things")
    strange = {
        "DateStyle": "SQL, DMY",
        "IntervalStyle": "sql_standard",
        "TimeZone": "Asia/Kathmandu",
        "bytea_output": "escape",
        "extra_float_digits": "-5",
        "search_path": "nowhere",
    }
    assert strange.keys() <= {*PINS}

    for name, value in strange.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    connection.execute(script.encode())

    assert documents(connection, entity) == before
