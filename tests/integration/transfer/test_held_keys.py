"""New rows take the keys of their documents where the target makes none, but never another row's.

References follow whatever key a row gets, through whichever foreign key holds the column.
"""

from __future__ import annotations

import pytest

from tests.integration.transfer.conftest import Transfer

FIRST_WITH_EQUAL_NULLS = 150000

TEAMS = """
CREATE TABLE teams (id integer PRIMARY KEY, name text NOT NULL UNIQUE,
    above integer REFERENCES teams);
CREATE TABLE people (id integer PRIMARY KEY, team integer REFERENCES teams)
"""
_MEMBERS = "SELECT p.id, t.name FROM people p JOIN teams t ON t.id = p.team ORDER BY p.id"


def test_a_new_row_does_not_take_the_key_of_another(transfer: Transfer) -> None:
    transfer.source.sql(TEAMS, "INSERT INTO teams VALUES (1, 'sales')")
    transfer.source.sql("INSERT INTO people VALUES (1, 1)")
    transfer.snapshot()
    for mode in ("skip", "upsert"):
        transfer.target.sql("DROP TABLE IF EXISTS people, teams", TEAMS)
        transfer.target.sql("INSERT INTO teams VALUES (1, 'other')")
        transfer.target.sql("INSERT INTO people VALUES (50, 1)")

        transfer.loaded("--mode", mode)

        assert transfer.target.rows(_MEMBERS) == [(1, "sales"), (50, "other")]
        again = transfer.loaded("--mode", mode)["entities"]
        assert not any(e["inserted"] + e["updated"] for e in again.values())


def test_two_documents_never_become_one_row(transfer: Transfer) -> None:
    transfer.source.sql(TEAMS, "INSERT INTO teams VALUES (1, 'a'), (2, 'b'), (7, 'c')")
    transfer.source.sql("INSERT INTO people VALUES (1, 1), (2, 2), (3, 7)")
    transfer.target.sql(TEAMS, "INSERT INTO teams VALUES (1, 'b'), (9, 'z')")
    transfer.snapshot()

    report = transfer.loaded("--mode", "upsert", "--print-id-map")

    assert transfer.target.rows(_MEMBERS) == [(1, "a"), (2, "b"), (3, "c")]
    rows = dict(transfer.target.rows("SELECT name, id FROM teams"))
    # What is free is kept, and what is taken gets a number above all others.
    assert (rows["b"], rows["c"], rows["z"]) == (1, 7, 9)
    assert rows["a"] > 9
    found = {m["source"][0]: m["target"][0] for m in report["id_map"] if m["entity"] == "teams"}
    assert found == {"1": str(rows["a"]), "2": "1", "7": "7"}


def test_generations_keep_apart_too(transfer: Transfer) -> None:
    transfer.source.sql(TEAMS, "INSERT INTO teams VALUES (1, 'a', NULL), (2, 'b', 1), (3, 'c', 2)")
    transfer.target.sql(
        TEAMS, "INSERT INTO teams VALUES (1, 'x', NULL), (2, 'y', 1), (3, 'a', NULL)"
    )
    transfer.snapshot()

    transfer.loaded("--mode", "upsert", "--match", "teams=name,above")

    above = "SELECT t.name, a.name FROM teams t LEFT JOIN teams a ON a.id = t.above ORDER BY 1"
    wanted = [("a", None), ("b", "a"), ("c", "b"), ("x", None), ("y", "x")]
    assert transfer.target.rows(above) == wanted


def test_a_key_that_cannot_be_another_is_refused(transfer: Transfer) -> None:
    labels = "CREATE TABLE labels (code text PRIMARY KEY, name text NOT NULL UNIQUE)"
    transfer.source.sql(labels, "INSERT INTO labels VALUES ('a', 'one'), ('b', 'two')")
    transfer.target.sql(labels, "INSERT INTO labels VALUES ('b', 'other')")
    transfer.snapshot()

    for mode in ("skip", "upsert", "mirror"):
        refused = transfer.load("--mode", mode)

        assert refused.code == 9
        assert (
            "labels:b is a new row by its name, and another row of 'public.labels'" in refused.err
        )
        assert "--match labels=code" in refused.err
    assert transfer.target.rows("TABLE labels") == [("b", "other")]
    transfer.loaded("--mode", "upsert", "--match", "labels=code")
    assert transfer.target.rows("SELECT * FROM labels ORDER BY 1") == [("a", "one"), ("b", "two")]


def test_a_key_of_several_columns_is_taken_only_as_a_whole(transfer: Transfer) -> None:
    schema = """
    CREATE TABLE shops (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE shelves (shop integer REFERENCES shops, no integer, name text NOT NULL,
        PRIMARY KEY (shop, no), UNIQUE (shop, name))
    """
    transfer.source.sql(schema, "INSERT INTO shops (name) VALUES ('a'), ('b')")
    transfer.source.sql("INSERT INTO shelves VALUES (1, 1, 'x'), (2, 1, 'y'), (2, 2, 'z')")
    transfer.target.sql(schema, "INSERT INTO shops (name) VALUES ('b'), ('a')")
    transfer.target.sql("INSERT INTO shelves VALUES (1, 1, 'q')")
    transfer.snapshot()

    transfer.loaded("--mode", "upsert", "--match", "shelves=shop,name")

    query = "SELECT s.name, no, f.name FROM shelves f JOIN shops s ON s.id = shop ORDER BY 1, 3"
    found = {(shop, name): no for shop, no, name in transfer.target.rows(query)}
    assert found.pop(("b", "y")) > 2
    assert found == {("a", "x"): 1, ("b", "q"): 1, ("b", "z"): 2}


def test_a_reference_follows_where_a_longer_one_is_partly_null(transfer: Transfer) -> None:
    if transfer.source.connection.info.server_version < FIRST_WITH_EQUAL_NULLS:
        pytest.skip("the server does not know NULLS NOT DISTINCT")
    # The name of the longer constraint comes first, by which references are sorted.
    schema = """
    CREATE TABLE tenants (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
    CREATE TABLE areas (tenant integer REFERENCES tenants, id integer, PRIMARY KEY (tenant, id));
    CREATE TABLE tasks (id integer PRIMARY KEY, tenant integer NOT NULL, area integer,
        CONSTRAINT a FOREIGN KEY (tenant, area) REFERENCES areas,
        CONSTRAINT b FOREIGN KEY (tenant) REFERENCES tenants);
    CREATE TABLE notes (tenant integer, area integer, text text NOT NULL,
        UNIQUE NULLS NOT DISTINCT (tenant, area), id serial PRIMARY KEY,
        CONSTRAINT a FOREIGN KEY (tenant, area) REFERENCES areas,
        CONSTRAINT b FOREIGN KEY (tenant) REFERENCES tenants)
    """
    transfer.source.sql(schema, "INSERT INTO tenants (name) VALUES ('acme'), ('beta')")
    transfer.source.sql("INSERT INTO areas VALUES (1, 10), (2, 20)")
    transfer.source.sql("INSERT INTO tasks VALUES (1, 1, 10), (2, 1, NULL), (3, 2, NULL)")
    transfer.source.sql("INSERT INTO notes VALUES (1, 10, 'p'), (1, NULL, 'q'), (2, NULL, 'r')")
    transfer.target.sql(schema, "INSERT INTO tenants (name) VALUES ('beta'), ('acme')")
    transfer.target.sql("INSERT INTO notes VALUES (1, NULL, 'old')")
    transfer.snapshot()

    transfer.loaded("--mode", "upsert", "--match", "notes=tenant,area")

    tasks = "SELECT k.id, t.name FROM tasks k JOIN tenants t ON t.id = tenant ORDER BY 1"
    assert transfer.target.rows(tasks) == [(1, "acme"), (2, "acme"), (3, "beta")]
    notes = "SELECT t.name, area, text FROM notes JOIN tenants t ON t.id = tenant ORDER BY 3"
    wanted = [("acme", 10, "p"), ("acme", None, "q"), ("beta", None, "r")]
    assert transfer.target.rows(notes) == wanted
