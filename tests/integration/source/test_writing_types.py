"""What was exported is written back as an equal row, for every type that a column can have."""

from __future__ import annotations

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from gitexport.model.writing import WriteCounts
from tests.integration.source.all_types import Tried, drop_unrestorable
from tests.integration.source.random_values import COLUMNS, DAYS, MICROSECONDS, insert
from tests.integration.source.reading import entity_of
from tests.integration.source.rewriting import THINGS, documents_of, make_like, texts

PLAIN = entity_of("public.plain", name="plain")
# `json` comes back as an equal value, in canonical order.
JSON = ("c json", "c _json")


def test_every_type_is_written_back_after_its_rows_were_deleted(
    database: str, connection: psycopg.Connection, all_types: list[Tried]
) -> None:
    assert all_types
    drop_unrestorable(connection)
    documents = documents_of(database, THINGS)
    before = texts(connection, "things", without=JSON)
    connection.execute("DELETE FROM things")

    counts = make_like(database, {THINGS: documents})

    assert counts["things"].inserted == len(documents) > 8
    assert texts(connection, "things", without=JSON) == before
    assert documents_of(database, THINGS) == documents


def test_every_type_is_written_back_over_other_values(
    database: str, connection: psycopg.Connection, all_types: list[Tried]
) -> None:
    assert all_types
    drop_unrestorable(connection)
    documents = documents_of(database, THINGS)
    before = texts(connection, "things", without=JSON)
    # Each row gets the values of the next one.
    connection.execute("UPDATE things SET id = -id - 1")
    connection.execute("CREATE TABLE turned AS SELECT * FROM things")
    connection.execute(
        "UPDATE turned SET id = (SELECT max(t.id) FROM things t WHERE t.id < turned.id)"
    )
    connection.execute("UPDATE turned SET id = (SELECT max(id) FROM things) WHERE id IS NULL")
    connection.execute("TRUNCATE things; INSERT INTO things SELECT * FROM turned")
    connection.execute("UPDATE things SET id = -id - 1")
    assert texts(connection, "things", without=JSON) != before

    counts = make_like(database, {THINGS: documents})

    assert counts["things"].updated == len(documents)
    assert texts(connection, "things", without=JSON) == before


def test_rows_that_do_not_differ_are_not_touched(
    database: str, connection: psycopg.Connection, all_types: list[Tried]
) -> None:
    assert all_types
    drop_unrestorable(connection)
    documents = documents_of(database, THINGS)
    places = connection.execute("SELECT id, ctid, xmin FROM things ORDER BY 1").fetchall()

    counts = make_like(database, {THINGS: documents})

    assert counts["things"].unchanged == len(documents)
    assert connection.execute("SELECT id, ctid, xmin FROM things ORDER BY 1").fetchall() == places


def test_types_of_people_s_own_are_written_back(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE SCHEMA "Ext ra";
        CREATE EXTENSION hstore SCHEMA "Ext ra";
        CREATE TYPE "Ext ra".mood AS ENUM ('sad', 'o"k', 'NULL', '');
        CREATE DOMAIN small AS int CHECK (value < 100);
        CREATE DOMAIN numbers AS float8[];
        CREATE TYPE address AS (street text, "Zip" numeric, moods "Ext ra".mood[], lines json);
        CREATE DOMAIN home AS address;
        CREATE TYPE span AS RANGE (subtype = float8);
        CREATE TYPE less AS (one text);
        CREATE TYPE nested AS (a address, b address[], "c d" less[], e "Ext ra".hstore, f box[]);
        CREATE TABLE things (
          id int PRIMARY KEY, a "Ext ra".mood, b "Ext ra".mood[], c small, d small[], e numbers,
          f address, g address[], h home, i home[], j span, k numbers[], l span[], m nested,
          n nested[], o "Ext ra".hstore, p "Ext ra".hstore[], q jsonb[], r json[], s box[],
          t int2vector, u oidvector, v int2vector[], w text[], x char(3)[], y bytea[], z less,
          "NULL" text);
    """)
    connection.execute("""
        SET search_path = public, "Ext ra";
        INSERT INTO things VALUES
          (1, 'sad', '{sad,NULL,"o\\"k","NULL",""}', 5, '{1,2}', '{-0,1e300,NaN,NULL}',
           ROW('x "y" \\ ,(z)', 1.10, '{sad}', '{"b":1,"a":-0}'),
           ARRAY[ROW('y', 2.0, NULL, '[]')::address, NULL, ROW(NULL, NULL, NULL, NULL)::address],
           ROW('z', 3, '{}', '"s"'), ARRAY[ROW('z', 3, '{}', NULL)::home], '[1,2)',
           ARRAY['{1}', '{}', NULL]::numbers[], '{"[1,2)",empty}',
           ROW(ROW('(', 1e40, '{""}', '1e5'), ARRAY[ROW('"', 0, NULL, 'true')::address],
               ARRAY[ROW(NULL)::less, ROW('')::less, NULL], 'a=>NULL, "b\\"c"=>"\\\\d"',
               '{(1,2),(0,0);(4,5),(3,3)}'),
           ARRAY[NULL, ROW(NULL, '{}', NULL, '', NULL)::nested], 'a=>"", "NULL"=>"NULL", c=>NULL',
           ARRAY['x=>"y"', '', NULL]::hstore[], '{"[1, 2]","[]",NULL,"{\\"a\\": 1.10}","\\"t\\""}',
           '{"[1,[2]]","{}","1e2"}', '{(1,2),(0,0);NULL}', '1 2 3', '', '{"1 2","3"}',
           '{{a,"b\\\\"},{NULL,"NULL"}}', '{a,"b  "}', '{"\\\\x00",NULL,"\\\\x"}', ROW(NULL),
           '\\N'),
          (2, NULL, '{}', NULL, '{{1},{2}}', '{}', ROW(NULL, NULL, NULL, NULL), '{}', NULL, NULL,
           'empty', '{}', NULL, NULL, '{}', '', NULL, '{}', NULL, '{}', '', NULL, NULL,
           '{{{a,b},{c,d}},{{e,f},{g,h}}}', NULL, '{}', NULL, E'\\\\.\\t\\r\\n');
        INSERT INTO things VALUES (3, 'o"k');
    """)
    documents = documents_of(database, THINGS)
    before = texts(connection, "things", without=("f", "g", "h", "i", "m", "n", "r"))
    json_texts = connection.execute("""
        SELECT (f).lines::jsonb, (h).lines::jsonb, ((m).a).lines::jsonb, r::text::jsonb[]
          FROM things ORDER BY id
    """).fetchall()
    connection.execute("DELETE FROM things WHERE id <> 3; UPDATE things SET a = 'sad'")

    counts = make_like(database, {THINGS: documents})

    assert (counts["things"].inserted, counts["things"].updated) == (2, 1)
    assert texts(connection, "things", without=("f", "g", "h", "i", "m", "n", "r")) == before
    assert (
        json_texts
        == connection.execute("""
        SELECT (f).lines::jsonb, (h).lines::jsonb, ((m).a).lines::jsonb, r::text::jsonb[]
          FROM things ORDER BY id
    """).fetchall()
    )
    assert documents_of(database, THINGS) == documents


def test_texts_that_copy_would_misread_are_written_back(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id text PRIMARY KEY, a text, b text[], c jsonb)")
    values = ["x", "null", "\\N", "\\.", "n\\ull", "NULL", "a\tb", "\r\n", "\\", '"', "", " "]
    for value in values:
        connection.execute(
            "INSERT INTO things VALUES (%(v)s, %(v)s, ARRAY[%(v)s], to_jsonb(%(v)s::text))",
            {"v": value},
        )
    # Documents of plain values alone take a way of their own.
    connection.execute("CREATE TABLE plain AS SELECT id, a FROM things")
    wanted = {found: documents_of(database, found) for found in (THINGS, PLAIN)}
    before = texts(connection, "things", "plain")
    connection.execute("TRUNCATE things, plain")

    make_like(database, wanted)

    assert texts(connection, "things", "plain") == before


def test_a_table_of_vectors_with_nulls_is_written_back(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, a oidvector[], b int2vector[])")
    connection.execute("""INSERT INTO things VALUES (1, '{{"1 2"},{NULL}}', '{{NULL,"3"}}')""")
    documents = documents_of(database, THINGS)
    before = texts(connection, "things")
    connection.execute("DELETE FROM things")

    assert make_like(database, {THINGS: documents})["things"].inserted == 1
    assert texts(connection, "things") == before


@settings(max_examples=25)
@given(
    values=st.fixed_dictionaries({name: kind[1] for name, kind in COLUMNS.items()}),
    others=st.fixed_dictionaries({name: kind[1] for name, kind in COLUMNS.items()}),
    moment=st.tuples(DAYS, MICROSECONDS),
)
def test_random_values_are_written_back(
    database: str,
    random_things: psycopg.Connection,
    values: dict[str, str],
    others: dict[str, str],
    moment: tuple[int, int],
) -> None:
    connection = random_things
    connection.execute("TRUNCATE things")
    insert(connection, values, others, moment)
    documents = documents_of(database, THINGS)
    before = texts(connection, "things")
    connection.execute("DELETE FROM things WHERE id = 1")
    connection.execute('UPDATE things SET "o date" = NULL, "s time" = NULL')

    counts = make_like(database, {THINGS: documents})

    assert (counts["things"].inserted, counts["things"].updated) == (1, 1)
    assert texts(connection, "things") == before


def test_a_geometry_is_written_back_through_its_own_function(
    database: str, connection: psycopg.Connection
) -> None:
    # A stand-in for PostGIS: the same names, and text inside.
    connection.execute("""
        CREATE SCHEMA gis; SET search_path = gis; CREATE TYPE geometry;
        CREATE FUNCTION read(cstring) RETURNS geometry IMMUTABLE STRICT LANGUAGE internal
          AS 'textin';
        CREATE FUNCTION write(geometry) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal
          AS 'textout';
        CREATE TYPE geometry (INPUT = read, OUTPUT = write, INTERNALLENGTH = VARIABLE,
                              STORAGE = extended, DELIMITER = ':');
        CREATE FUNCTION as_json(geometry) RETURNS json IMMUTABLE STRICT LANGUAGE sql
          AS $$ SELECT pg_catalog.json_build_object('type', $1::text) $$;
        CREATE CAST (geometry AS json) WITH FUNCTION as_json (geometry);
        CREATE FUNCTION st_geomfromgeojson(json) RETURNS geometry IMMUTABLE STRICT LANGUAGE sql
          AS $$ SELECT ($1 ->> 'type')::gis.geometry $$;
        CREATE FUNCTION st_asewkb(geometry) RETURNS bytea IMMUTABLE STRICT LANGUAGE sql
          AS $$ SELECT pg_catalog.convert_to($1::text, 'UTF8') $$;
        CREATE TABLE public.things (id int PRIMARY KEY, at geometry);
        INSERT INTO public.things VALUES (1, 'POINT(1 2)'), (2, NULL), (3, 'POINT(3 4)');
        RESET search_path;
    """)
    documents = documents_of(database, THINGS)
    before = texts(connection, "things")
    connection.execute("UPDATE things SET at = 'POINT(9 9)' WHERE id < 3")

    counts = make_like(database, {THINGS: documents})

    assert counts["things"] == WriteCounts(updated=2, unchanged=1)
    assert texts(connection, "things") == before
