"""JSON is written back: what says the same stays as it is spelled, and nulls stay what they are."""

from __future__ import annotations

import psycopg

from tests.integration.source.rewriting import THINGS, documents_of, make_like, texts


def test_json_of_another_spelling_counts_as_equal(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, a json, b json[], c text)")
    connection.execute("""
        INSERT INTO things VALUES (1, '{"b":1.10,  "a":[1e2, -0]}', '{"[ ]",NULL}', 'x'),
          (2, '{"a" : 1.0}', NULL, 'y'), (3, '"\\u00e9"', NULL, 'z')
    """)
    documents = documents_of(database, THINGS)
    spelled = texts(connection, "things")

    assert make_like(database, {THINGS: documents})["things"].unchanged == 3
    assert texts(connection, "things") == spelled

    connection.execute("UPDATE things SET a = '{\"a\" : 1.00}' WHERE id = 2")
    assert make_like(database, {THINGS: documents})["things"].updated == 1
    assert documents_of(database, THINGS) == documents


def test_an_update_leaves_json_that_says_the_same_as_it_is_spelled(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, a json, b json[], c text)")
    connection.execute("""
        INSERT INTO things VALUES (1, '{"b":1.10,  "a":[1e2, -0]}', '{"[ ]",NULL}', 'x'),
          (2, '{"a" : 1.0}', NULL, 'y'), (3, NULL, '{"{}"}', 'z')
    """)
    documents = documents_of(database, THINGS)
    spelled, most = (texts(connection, "things", without=names) for names in ((), ("b",)))
    connection.execute("UPDATE things SET c = 'other'")

    assert make_like(database, {THINGS: documents})["things"].updated == 3
    assert texts(connection, "things") == spelled

    connection.execute("""UPDATE things SET c = 'other', b = '{"[ 1 ]"}' WHERE id = 1""")
    assert make_like(database, {THINGS: documents})["things"].updated == 1
    assert documents_of(database, THINGS) == documents
    assert texts(connection, "things", without=("b",)) == most


def test_a_null_of_json_stays_where_it_is(database: str, connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, a jsonb, b json, c text)")
    connection.execute("INSERT INTO things VALUES (1, 'null', 'null', 'x'), (2, NULL, NULL, 'y')")
    documents = documents_of(database, THINGS)
    before = texts(connection, "things")

    assert make_like(database, {THINGS: documents})["things"].unchanged == 2
    connection.execute("UPDATE things SET c = 'other'")
    assert make_like(database, {THINGS: documents})["things"].updated == 2
    assert texts(connection, "things") == before


def test_a_column_that_may_not_be_null_gets_the_null_of_json(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute(
        "CREATE TABLE things (id int PRIMARY KEY, a jsonb NOT NULL, b json NOT NULL)"
    )
    connection.execute("""INSERT INTO things VALUES (1, 'null', 'null'), (2, '[null]', '"null"')""")
    documents = documents_of(database, THINGS)
    before = texts(connection, "things")
    connection.execute("DELETE FROM things")

    assert make_like(database, {THINGS: documents})["things"].inserted == 2
    assert texts(connection, "things") == before


def test_a_null_character_inside_of_json_is_written_back(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, a json)")
    connection.execute('INSERT INTO things VALUES (1, \'{"a": "\\u0000"}\')')
    documents = documents_of(database, THINGS)
    connection.execute("DELETE FROM things")

    make_like(database, {THINGS: documents})

    assert texts(connection, "things")["things"][0][1].count("\\u0000") == 1
