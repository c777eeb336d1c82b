"""Rows become what documents say, in one transaction, whatever refers to what."""

from __future__ import annotations

import psycopg
import pytest

from gitexport.errors import StatementFailedError
from gitexport.model.foreign_keys import Treatment
from gitexport.model.writing import MissingColumns, RowAction, WriteCounts
from tests.fixtures.tracked import MakeTracked, make_entity
from tests.integration.source.reading import entity_of
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


def test_columns_that_are_not_published_keep_their_values(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE TABLE things (id int PRIMARY KEY, name text, secret text DEFAULT 'new');
        INSERT INTO things VALUES (1, 'a', 'x'), (2, 'b', 'y');
    """)
    things = entity_of("public.things", columns=("id", "name"))
    documents = documents_of(database, things)
    connection.execute("UPDATE things SET name = 'changed'; DELETE FROM things WHERE id = 2")

    make_like(database, {things: documents})

    assert texts(connection, "things")["things"] == [("1", "a", "x"), ("2", "b", "new")]


def test_columns_that_an_inserted_row_would_not_get_are_named(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE TABLE things (id int PRIMARY KEY, name text, "Sec ret" text NOT NULL,
                             dated date NOT NULL DEFAULT now(), later int NOT NULL)
    """)
    things = entity_of("public.things", columns=("id", "name", "later"))
    with writing(database, is_rehearsal=True) as writer:
        document = b'{\n  "id": 1,\n  "name": "x",\n  "old": 1\n}\n'
        found = writer.stage(things, [(("1",), document)], RowAction.UPSERT)

    assert found.required == ("Sec ret", "later")
    assert found.missing == {"later": 1}
    assert found.unknown == {"old": 1}


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        (MissingColumns.DEFAULT, [("1", "x", "kept"), ("2", "y", "default")]),
        (MissingColumns.NULL, [("1", "x", None), ("2", "y", None)]),
    ],
)
def test_columns_that_a_document_lacks_become_what_the_caller_says(
    database: str,
    connection: psycopg.Connection,
    missing: MissingColumns,
    expected: list[tuple[str, ...]],
) -> None:
    connection.execute("""
        CREATE TABLE things (id int PRIMARY KEY, name text, later text DEFAULT 'default');
        INSERT INTO things VALUES (1, 'a', 'kept');
    """)
    rows = [
        (("1",), b'{\n  "id": 1,\n  "name": "x"\n}\n'),
        (("2",), b'{\n  "id": 2,\n  "name": "y"\n}\n'),
    ]
    with writing(database) as writer:
        writer.stage(THINGS, rows, RowAction.UPSERT, missing)
        writer.write()

    assert texts(connection, "things")["things"] == expected


def test_generated_columns_identities_and_sequences(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE SEQUENCE down INCREMENT -1;
        CREATE TABLE things (
          id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n serial, twice int GENERATED ALWAYS
          AS (n * 2) STORED, d int DEFAULT nextval('down'),
          "By" int GENERATED BY DEFAULT AS IDENTITY);
        INSERT INTO things (n) SELECT 7 FROM generate_series(1, 20);
    """)
    documents = documents_of(database, THINGS)
    before = texts(connection, "things")
    connection.execute("""
        TRUNCATE things RESTART IDENTITY; ALTER SEQUENCE down RESTART;
        SELECT setval('things_n_seq', 1, false)
    """)

    make_like(database, {THINGS: documents})

    assert texts(connection, "things") == before
    connection.execute("INSERT INTO things DEFAULT VALUES")
    last = connection.execute(
        'SELECT id, n, twice, d, "By" FROM things ORDER BY id DESC'
    ).fetchone()
    assert last == (21, 8, 16, -21, 21)


def test_a_sequence_that_is_further_is_not_moved_back(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id serial PRIMARY KEY)")
    connection.execute("INSERT INTO things DEFAULT VALUES")
    documents = documents_of(database, THINGS)
    connection.execute("DELETE FROM things; SELECT setval('things_id_seq', 500)")

    make_like(database, {THINGS: documents})

    assert connection.execute("SELECT nextval('things_id_seq')").fetchone() == (501,)


def test_rows_of_partitions_go_where_they_belong(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE TABLE things (id int, at int, note text, PRIMARY KEY (id, at))
          PARTITION BY RANGE (at);
        CREATE TABLE p1 PARTITION OF things FOR VALUES FROM (0) TO (10);
        CREATE TABLE p2 (note text, at int NOT NULL, id int NOT NULL);
        ALTER TABLE things ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20);
        INSERT INTO things SELECT n, n, 'x' FROM generate_series(1, 19) n;
    """)
    things = entity_of("public.things", ("id", "at"))
    documents = documents_of(database, things)
    before = texts(connection, "things", "p1", "p2")
    connection.execute("DELETE FROM things WHERE id % 3 = 0; UPDATE things SET note = 'y', at = 19")

    make_like(database, {things: documents})

    assert texts(connection, "things", "p1", "p2") == before


def test_names_of_any_kind_are_only_names(database: str, connection: psycopg.Connection) -> None:
    connection.execute("""
        CREATE SCHEMA "sel""ect";
        CREATE TABLE "sel""ect"."Ta b'le" (
          "user" int PRIMARY KEY, "c0" text, "line" text, "%s {x}" text UNIQUE, "größe" int,
          "a""b" int REFERENCES "sel""ect"."Ta b'le");
        INSERT INTO "sel""ect"."Ta b'le" VALUES (1, 'a', 'b', 'c', 3, 1), (2, 'd', 'e', 'f', 4, 1);
    """)
    things = entity_of('"sel""ect"."Ta b\'le"', ("user",))
    documents = documents_of(database, things)
    connection.execute("""DELETE FROM "sel""ect"."Ta b'le" WHERE "user" = 2;
                          UPDATE "sel""ect"."Ta b'le" SET "%s {x}" = 'f', "c0" = NULL""")

    make_like(database, {things: documents})

    assert documents_of(database, things) == documents


def test_keys_are_told_apart_by_their_text(database: str, connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE things (id numeric PRIMARY KEY, v text)")
    connection.execute("INSERT INTO things VALUES (1.0, 'a'), (2, 'b')")
    documents = documents_of(database, THINGS)
    connection.execute("UPDATE things SET id = 1.00 WHERE id = 1")

    counts = make_like(database, {THINGS: documents})

    assert counts["things"] == WriteCounts(inserted=1, unchanged=1, deleted=1)
    assert documents_of(database, THINGS) == documents


@pytest.mark.parametrize(
    ("kind", "value", "other"),
    [
        ("timestamptz", "2024-02-29 12:34:56.5+00", "infinity"),
        ("timestamp", "0044-03-15 01:02:03 BC", "2024-01-01"),
        ("date", "0044-03-15 BC", "infinity"),
        ("interval", "1 mon -2 days", "00:00:01"),
        ("bytea", "\\x00ff", "\\x"),
        ("character(4)", "a", "b c"),
        ("float8", "-0", "1e300"),
        ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000000"),
        ("mood", 'o"k', "sad"),
        ("text", "a\tb\\,null", "null"),
        ("boolean", "t", "f"),
        ("numrange", "[1.0,2)", "empty"),
        ("money", "$1,234.56", "-$0.01"),
        ("inet", "::1", "10.0.0.1/8"),
        ("int[]", "{1,NULL}", "{}"),
    ],
)
def test_keys_of_every_kind_find_their_rows(
    database: str, connection: psycopg.Connection, kind: str, value: str, other: str
) -> None:
    connection.execute("CREATE TYPE mood AS ENUM ('sad', 'o\"k')")
    connection.execute(f"CREATE TABLE things (id {kind} PRIMARY KEY, v text)".encode())
    for text in (value, other):
        connection.execute("INSERT INTO things VALUES (%s, 'a')", (text,))
    documents = documents_of(database, THINGS)
    before = texts(connection, "things")
    connection.execute("UPDATE things SET v = 'b'")
    with writing(database, is_rehearsal=True) as writer:
        found = {row.key for row in writer.current(THINGS, list(documents))}
        gone = writer.stage_deletions(THINGS, list(documents))
    assert (found, gone) == (set(documents), 2)

    assert make_like(database, {THINGS: documents})["things"] == WriteCounts(updated=2)
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


def test_rows_that_are_there_can_be_left_alone(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text)")
    connection.execute("INSERT INTO things VALUES (1, 'a'), (2, 'b')")
    documents = documents_of(database, THINGS)
    connection.execute("DELETE FROM things WHERE id = 1; UPDATE things SET v = 'mine'")

    with writing(database) as writer:
        writer.stage(THINGS, documents.items(), RowAction.SKIP)
        assert writer.expected(THINGS) == WriteCounts(inserted=1, skipped=1)
        writer.write()

    assert texts(connection, "things")["things"] == [("1", "a"), ("2", "mine")]


def test_written_rows_are_pending_and_deleted_ones_leave_a_tombstone(
    tracked: MakeTracked, database: str
) -> None:
    users = tracked(
        make_entity(),
        "CREATE TABLE users (id int PRIMARY KEY, name text)",
        "INSERT INTO users SELECT n, 'name' FROM generate_series(1, 4) n",
    )
    documents = documents_of(database, users.entity)
    del documents["4",]
    users.execute("DELETE FROM users WHERE id = 1", "UPDATE users SET name = 'x' WHERE id = 2")
    users.export()

    make_like(database, {users.entity: documents})

    assert users.pending() == {"1", "2"}
    assert users.deleted() >= {"4"}


def test_a_rehearsal_keeps_nothing(database: str, connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text)")
    connection.execute("INSERT INTO things VALUES (1, 'a')")
    documents = documents_of(database, THINGS)
    connection.execute("UPDATE things SET v = 'b'")

    make_like(database, {THINGS: documents}, is_rehearsal=True)

    assert texts(connection, "things")["things"] == [("1", "b")]


def test_cascades_into_other_relations_are_counted(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE TABLE things (id int PRIMARY KEY);
        CREATE TABLE parts (id int PRIMARY KEY, thing int REFERENCES things ON DELETE CASCADE);
        CREATE TABLE bits (id int PRIMARY KEY, part int REFERENCES parts ON DELETE SET NULL);
        CREATE TABLE kept (id int PRIMARY KEY, thing int REFERENCES things);
        INSERT INTO things VALUES (1), (2);
        INSERT INTO parts VALUES (1, 1), (2, 1), (3, 2), (4, 1);
        INSERT INTO bits VALUES (1, 1), (2, 2), (3, 3), (4, 4);
    """)
    parts = compared("parts")
    with writing(database, is_rehearsal=True) as writer:
        writer.stage_deletions(THINGS, [("1",), ("7",), ("x",)])
        # A row that is told to be deleted anyway is no surprise.
        writer.stage_deletions(parts, [("4",)])
        reach = writer.reach([THINGS])

    assert [(r.relation.name, r.target.name, r.action, r.rows) for r in reach] == [
        ("parts", "things", "cascade", 2),
        ("bits", "parts", "set null", 2),
    ]


def test_updates_that_others_follow_are_counted(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE TABLE things (id int PRIMARY KEY, code text UNIQUE, other text UNIQUE);
        CREATE TABLE parts (id int PRIMARY KEY, thing text
                            REFERENCES things (code) ON UPDATE CASCADE);
        CREATE TABLE bits (thing text REFERENCES things (code) ON UPDATE SET NULL);
        CREATE TABLE kept (thing text REFERENCES things (other) ON UPDATE CASCADE);
        INSERT INTO things VALUES (1, 'a', 'x'), (2, 'b', 'y');
        INSERT INTO parts VALUES (1, 'a'), (2, 'a'), (3, 'b');
        INSERT INTO bits VALUES ('a'), ('b');
        INSERT INTO kept VALUES ('x');
    """)
    parts = compared("parts")
    with writing(database) as writer:
        document = b'{\n  "code": "c",\n  "id": 1,\n  "other": "x"\n}\n'
        writer.stage(THINGS, [(("1",), document)], RowAction.UPDATE)
        # A row that is written anyway is no surprise.
        document = b'{\n  "id": 2,\n  "thing": "c"\n}\n'
        writer.stage(parts, [(("2",), document)], RowAction.UPDATE)
        reach = writer.reach([THINGS])
        writer.write()

    assert [(r.relation.name, r.event, r.action, r.rows) for r in reach] == [
        ("bits", "update", "set null", 1),
        ("parts", "update", "cascade", 1),
    ]
    assert texts(connection, "parts")["parts"] == [("1", "c"), ("2", "c"), ("3", "b")]


def test_a_cascade_is_followed_to_its_end(database: str, connection: psycopg.Connection) -> None:
    connection.execute("""
        CREATE TABLE things (id int PRIMARY KEY, up int REFERENCES things ON DELETE CASCADE);
        CREATE TABLE a (id int PRIMARY KEY, thing int REFERENCES things ON DELETE CASCADE);
        ALTER TABLE things ADD a int REFERENCES a ON DELETE CASCADE;
        INSERT INTO things VALUES (1, NULL), (2, 1), (3, 2), (4, 3), (10, NULL), (20, NULL);
        INSERT INTO a VALUES (1, 4), (2, 10);
        UPDATE things SET a = 1 WHERE id = 10;
    """)
    with writing(database) as writer:
        writer.stage_deletions(THINGS, [("1",), ("2",)])
        reach = writer.reach([THINGS])
        assert writer.reach([THINGS]) == reach
        writer.write()

    counts = {(r.relation.name, r.target.name): r.rows for r in reach}
    assert counts == {("things", "things"): 2, ("a", "things"): 2, ("things", "a"): 1}
    assert texts(connection, "things", "a") == {"things": [("20", None, None)], "a": []}


def test_references_without_a_target_are_found_before_they_are_written(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE TABLE things (id int PRIMARY KEY);
        CREATE TABLE parts (id int PRIMARY KEY, thing int REFERENCES things);
        INSERT INTO things VALUES (1), (2);
        INSERT INTO parts VALUES (1, 1), (2, 2), (3, 2), (4, NULL);
    """)
    parts = compared("parts")
    documents = documents_of(database, parts)
    connection.execute("TRUNCATE parts, things; INSERT INTO things VALUES (1)")
    with writing(database, is_rehearsal=True) as writer:
        writer.stage(parts, documents.items(), RowAction.UPSERT)
        found = writer.dangling([parts])
        writer.stage(THINGS, [(("2",), b'{\n  "id": 2\n}\n')], RowAction.UPSERT)
        nothing = writer.dangling([parts])

    assert [(row.key, row.reference, row.target.name) for row in found] == [
        (("2",), ("2",), "things"),
        (("3",), ("2",), "things"),
    ]
    assert nothing == ()


def test_the_statements_do_what_is_staged(database: str, connection: psycopg.Connection) -> None:
    connection.execute("""
        CREATE TABLE things (id int PRIMARY KEY, "V v" text, j jsonb);
        CREATE TABLE parts (id int PRIMARY KEY, thing int NOT NULL REFERENCES things);
        INSERT INTO things VALUES (1, 'it''s \\', '{"a": 1}'), (2, 'b', NULL), (3, NULL, '[]');
        INSERT INTO parts VALUES (1, 1), (2, 3);
    """)
    parts = compared("parts")
    documents = {found: documents_of(database, found) for found in (THINGS, parts)}
    before = texts(connection, "things", "parts")
    connection.execute("""
        TRUNCATE parts; UPDATE things SET "V v" = 'x', j = '1' WHERE id > 1;
        DELETE FROM things WHERE id = 1; INSERT INTO things VALUES (4);
        INSERT INTO parts VALUES (9, 4)
    """)
    with writing(database, is_rehearsal=True) as writer:
        for found, rows in documents.items():
            writer.stage(found, rows.items(), RowAction.UPSERT)
            writer.stage_departures(found)
        script = list(writer.statements())

    assert 'UPDATE "public"."things" SET "V v" = NULL, "j" = \'[]\' WHERE "id" = \'3\';' in script
    assert len(script) == 3 + 1 + 2 + 2 + 2
    connection.execute("\n".join(script).encode())
    assert texts(connection, "things", "parts") == before


def test_locked_rows_are_changed_by_nobody_else(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text)")
    connection.execute("INSERT INTO things VALUES (1, 'a'), (2, 'b')")
    with writing(database) as writer:
        (row,) = writer.current(THINGS, [("1",), ("9",), ("no number",)])
        assert row.document == b'{\n  "id": 1,\n  "v": "a"\n}\n'
        connection.execute("SET lock_timeout = '100ms'; UPDATE things SET v = 'x' WHERE id = 2")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            connection.execute("UPDATE things SET v = 'x' WHERE id = 1")


def test_a_lock_that_waits_too_long_is_an_error(
    database: str, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE things (id int PRIMARY KEY, v text)")
    connection.execute("INSERT INTO things VALUES (1, 'a')")
    connection.autocommit = False
    connection.execute("UPDATE things SET v = 'x'")
    with (
        pytest.raises(StatementFailedError, match="lock timeout"),
        writing(database, lock_timeout_ms=100) as writer,
    ):
        list(writer.current(THINGS, [("1",)]))
    connection.rollback()
    connection.autocommit = True
