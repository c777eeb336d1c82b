"""What writing rows would do to rows of other relations is said before it is done."""

from __future__ import annotations

import psycopg

from gitexport.model.writing import RowAction
from tests.integration.source.rewriting import THINGS, compared, documents_of, texts, writing


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
