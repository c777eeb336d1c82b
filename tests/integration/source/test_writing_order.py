"""Rows come back in an order that references in circles and unique values allow."""

from __future__ import annotations

import psycopg
import pytest

from gitexport.model.foreign_keys import Treatment
from gitexport.model.writing import WriteCounts
from tests.integration.source.rewriting import (
    THINGS,
    compared,
    documents_of,
    make_like,
    texts,
    writing,
)

CIRCLES = {
    "deferrable": "REFERENCES b DEFERRABLE",
    "initially deferred": "REFERENCES b DEFERRABLE INITIALLY DEFERRED",
    "nullable": "REFERENCES b",
    "neither": "NOT NULL REFERENCES b",
}


@pytest.mark.parametrize("kind", CIRCLES)
def test_rows_that_refer_to_each_other_in_circles_come_back(
    database: str, connection: psycopg.Connection, kind: str
) -> None:
    null = "" if kind == "nullable" else "NOT NULL"
    connection.execute(
        f"""
        CREATE TABLE a (id int PRIMARY KEY, b int {null}, up int REFERENCES a, n int);
        CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a, CHECK (a > 0));
        ALTER TABLE a ADD FOREIGN KEY (b) {CIRCLES[kind].replace("NOT NULL ", "")};
        WITH x AS (INSERT INTO a SELECT n, n % 9 + 1, n % 9 + 1, n FROM generate_series(1, 9) n)
        INSERT INTO b SELECT n, n FROM generate_series(1, 9) n;
    """.encode()
    )
    a, b = compared("a"), compared("b")
    documents = {found: documents_of(database, found) for found in (a, b)}
    before = texts(connection, "a", "b")
    for change in (
        "TRUNCATE a, b",
        "WITH x AS (DELETE FROM a WHERE id < 5) DELETE FROM b WHERE id < 5",
        "UPDATE a SET b = 9, up = NULL WHERE id > 3",
        "WITH x AS (INSERT INTO a VALUES (10, 9, 9, 1)) INSERT INTO b VALUES (10, 10)",
    ):
        if change.startswith("WITH x AS (DELETE"):
            connection.execute(
                "UPDATE a SET b = b % 5 + 5, up = NULL WHERE id >= 5; "
                "UPDATE b SET a = 5 WHERE id >= 5"
            )
        connection.execute(change.encode())

        make_like(database, documents)

        assert texts(connection, "a", "b") == before


def test_the_order_says_how_each_reference_is_kept(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE TABLE a (id int PRIMARY KEY, b int);
        CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a);
        ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
    """)
    with writing(database) as writer:
        (found,) = writer.order([compared("a"), compared("b")])
    kinds = {reference.relation.name: reference.treatment for reference in found.references}
    assert kinds == {"a": Treatment.SECOND_PASS, "b": Treatment.ORDERED}


def test_a_row_may_leave_a_parent_that_goes_for_one_that_takes_its_place(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL UNIQUE);
        CREATE TABLE pets (id int PRIMARY KEY, owner int NOT NULL REFERENCES people
                           ON DELETE CASCADE, keeper text REFERENCES people (email));
        INSERT INTO people VALUES (1, 'a'), (2, 'b');
        INSERT INTO pets VALUES (1, 1, 'a'), (2, 2, 'b');
    """)
    people, pets = compared("people"), compared("pets")
    documents = {found: documents_of(database, found) for found in (people, pets)}
    before = texts(connection, "people", "pets")
    connection.execute("""
        DELETE FROM people WHERE id = 1;
        UPDATE pets SET keeper = NULL;
        UPDATE people SET email = 'c' WHERE id = 2;
        INSERT INTO people VALUES (3, 'a'), (4, 'b');
        UPDATE pets SET owner = 3, keeper = 'b' WHERE id = 2;
    """)

    counts = make_like(database, documents)

    assert texts(connection, "people", "pets") == before
    assert counts["people"] == WriteCounts(inserted=1, updated=1, deleted=2)
    assert counts["pets"] == WriteCounts(inserted=1, updated=1)


@pytest.mark.parametrize(
    "column",
    [
        "v text UNIQUE",
        "v text UNIQUE NULLS NOT DISTINCT",
        "v int NOT NULL UNIQUE",
        "v text NOT NULL UNIQUE",
        "v int NOT NULL, UNIQUE (v) DEFERRABLE",
        "v uuid NOT NULL UNIQUE",
        "v varchar(20) NOT NULL UNIQUE",
        "v char(3) NOT NULL UNIQUE",
        "v date NOT NULL UNIQUE",
        "v timestamptz NOT NULL UNIQUE",
        "v text NOT NULL, EXCLUDE USING btree (lower(v) WITH =)",
        "v varchar(40) NOT NULL, EXCLUDE USING btree (v WITH =) WHERE (id > 0)",
        "v given UNIQUE",
    ],
)
def test_unique_values_may_move_from_row_to_row(
    database: str, connection: psycopg.Connection, column: str
) -> None:
    if "NULLS" in column and connection.info.server_version < 150000:
        pytest.skip("the server does not know NULLS NOT DISTINCT")
    values = {"uuid": "lpad(n::text, 32, '0')::uuid", "date": "date '2020-01-01' + n",
              "timestamptz": "date '2020-01-01' + n"}  # fmt: skip
    value = values.get(column.split()[1], "n")
    connection.execute("CREATE DOMAIN given AS text NOT NULL")
    connection.execute(f"CREATE TABLE things (id int PRIMARY KEY, {column})".encode())
    connection.execute(
        f"INSERT INTO things SELECT n, {value} FROM generate_series(1, 9) n".encode()
    )
    documents = documents_of(database, THINGS)
    before = texts(connection, "things")
    connection.execute(
        "CREATE TABLE turned AS SELECT id % 9 + 1 AS id, v FROM things WHERE id <> 5"
    )
    connection.execute("TRUNCATE things; INSERT INTO things SELECT * FROM turned")

    make_like(database, {THINGS: documents})

    assert texts(connection, "things") == before


@pytest.mark.parametrize(
    "index",
    ["UNIQUE INDEX ON things (lower(v))", "UNIQUE INDEX ON things (v) WHERE id > 0"],
)
def test_unique_values_of_computed_indexes_may_move(
    database: str, connection: psycopg.Connection, index: str
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v varchar(20) NOT NULL)")
    connection.execute(f"CREATE {index}".encode())
    connection.execute("INSERT INTO things VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    documents = documents_of(database, THINGS)
    before = texts(connection, "things")
    connection.execute("TRUNCATE things; INSERT INTO things VALUES (1, 'b'), (2, 'a'), (3, 'd')")

    make_like(database, {THINGS: documents})

    assert texts(connection, "things") == before
