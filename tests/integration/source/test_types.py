"""Every type that a column can have reads as `row_to_json` writes it."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from gitexport.source.postgresql.problems import unrestorable_columns
from gitexport.source.postgresql.session import reading
from gitexport.source.postgresql.value_types import read_value_types
from gitexport.source.postgresql.view import open_view
from tests.integration.source.all_types import Tried, drop_unrestorable, has_xml
from tests.integration.source.reading import documents, entity_of, every_row, oracle
from tests.integration.source.samples import EXPRESSIONS


@pytest.mark.usefixtures("all_types")
def test_every_type_reads_as_row_to_json_writes_it(connection: psycopg.Connection) -> None:
    entity = entity_of("public.things")
    expected = oracle(connection, entity)
    with open_view(connection) as view:
        assert documents(view, entity) == expected
    assert len(expected) > 8


def test_only_types_without_input_are_called_unrestorable(
    connection: psycopg.Connection, all_types: list[Tried]
) -> None:
    with reading(connection) as cursor:
        columns = read_value_types(cursor, entity_of("public.things").relation)
        refused = unrestorable_columns(cursor, columns)
    named = {name.removeprefix("c ") for name in refused if not name.startswith("c _")}
    without_xml = set() if has_xml(connection) else {"xml"}
    assert named == (set(EXPRESSIONS) & {kind.name for kind in all_types}) | without_xml
    # An array of such values is no better.
    assert {f"c _{name}" for name in named} & set(columns) <= set(refused)


@pytest.mark.usefixtures("all_types")
def test_every_other_type_restores_to_an_equal_row(connection: psycopg.Connection) -> None:
    drop_unrestorable(connection)
    # The old vectors read back from their text, which the JSON array holds.
    for column in ("c int2vector", "c oidvector", "c _int2vector", "c _oidvector"):
        connection.execute(
            sql.SQL("ALTER TABLE public.things DROP COLUMN {}").format(sql.Identifier(column))
        )
    # `json` restores as an equal value, not as the same text.
    connection.execute('ALTER TABLE public.things DROP COLUMN "c json", DROP COLUMN "c _json"')
    different = connection.execute(
        "SELECT id FROM public.things t WHERE NOT"
        " json_populate_record(NULL::public.things, row_to_json(t.*)) *= t"
    ).fetchall()
    assert different == []


def test_people_s_types_read_as_row_to_json_writes_them(connection: psycopg.Connection) -> None:
    connection.execute("""
        CREATE TYPE mood AS ENUM ('sad', 'o"k');
        CREATE DOMAIN small AS int CHECK (value < 100);
        CREATE DOMAIN numbers AS float8[];
        CREATE TYPE address AS (street text, "Zip" numeric, moods mood[], lines json);
        CREATE DOMAIN home AS address;
        CREATE TYPE span AS RANGE (subtype = float8);
        CREATE TABLE things (
          id int PRIMARY KEY, a mood, b mood[], c small, d small[], e numbers, f address,
          g address[], h home, i home[], j span, k numbers[], l span[]);
        INSERT INTO things VALUES
          (1, 'sad', '{sad,NULL,"o\\"k"}', 5, '{1,2}', '{-0,1e300,NaN}', ROW('x', 1.10, '{sad}',
           '{"b":1,"a":-0}'), ARRAY[ROW('y', 2.0, NULL, '[]')::address, NULL], ROW('z', 3, '{}',
           '"s"'), ARRAY[ROW('z', 3, '{}', NULL)::home], '[1,2)', ARRAY['{1}'::numbers],
           '{"[1,2)"}'),
          (2, NULL, '{}', NULL, '{{1},{2}}', '{}', ROW(NULL, NULL, NULL, NULL), '{}', NULL, NULL,
           'empty', NULL, NULL);
    """)
    entity = entity_of("public.things")
    with open_view(connection) as view:
        found = documents(view, entity)
    assert found == oracle(connection, entity)
    assert len(found) == 2


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("a int[]", "'[0:1]={1,2}'", "lower bound"),
        ("a int[]", "'[1:1][2:3]={{1,2}}'", "lower bound"),
        ("a part", "ROW('[5:5]={x}')", "lower bound"),
        ("a part[]", "ARRAY[ROW('{x}')::part, ROW('[5:5]={x}')::part]", "lower bound"),
        ("a named", "'[3:3]={x}'", "lower bound"),
        ("a named[]", "ARRAY['{x}'::named, '[3:3]={x}'::named]", "lower bound"),
        ("a jsonb[]", "'{{1,2}}'", "several dimensions"),
        ("a named[]", "ARRAY[['{x}'::named]]", "several dimensions"),
        ("a regoper", "551::oid", "look up"),
        ("a regproc[]", "ARRAY['abs(int)'::regprocedure::regproc]", "look up"),
    ],
)
def test_a_value_that_json_cannot_hold_is_refused_by_name(
    connection: psycopg.Connection, column: str, value: str, reason: str
) -> None:
    connection.execute("CREATE TYPE part AS (labels text[]); CREATE DOMAIN named AS text[]")
    connection.execute(f"CREATE TABLE things (id int PRIMARY KEY, {column})".encode())
    connection.execute(f"INSERT INTO things VALUES (1, {value}), (2, NULL)".encode())
    with open_view(connection) as view:
        rows = {row.key: row for row in every_row(view, entity_of("public.things"))}
    refused, fine = rows["1",], rows["2",]
    assert refused.text is None
    assert refused.problem is not None
    assert refused.problem.column == "a"
    assert reason in refused.problem.reason
    assert fine.problem is None
    assert fine.text is not None
    assert fine.text.replace(b"\x01", b"") == b'{\n  "a": null,\n  "id": 2\n}\n'


def test_a_json_null_is_read_as_no_value(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, a jsonb, b json, c jsonb[])")
    connection.execute("INSERT INTO things VALUES (1, 'null', ' null', '{null,\"null\"}')")
    entity = entity_of("public.things")
    with open_view(connection) as view:
        assert documents(view, entity) == oracle(connection, entity)


def test_the_old_vector_types_are_no_problem(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, a int2vector, b oidvector)")
    connection.execute("INSERT INTO things VALUES (1, '1 2', '3')")
    entity = entity_of("public.things")
    with open_view(connection) as view:
        assert documents(view, entity) == oracle(connection, entity)


def test_hstore_reads_as_an_object(connection: psycopg.Connection) -> None:
    connection.execute("CREATE SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext")
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, a ext.hstore, b ext.hstore[])")
    connection.execute(
        'INSERT INTO things VALUES (1, \'z=>"1", a=>NULL\', ARRAY[\'"q\\""=>"2"\'::ext.hstore])'
    )
    entity = entity_of("public.things")
    with open_view(connection) as view:
        assert documents(view, entity) == oracle(connection, entity)
