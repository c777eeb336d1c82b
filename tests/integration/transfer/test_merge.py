"""What one environment changed since a snapshot is merged into what another changed meanwhile."""

from __future__ import annotations

import pytest

from tests.integration.transfer.conftest import Database, Transfer

TABLES = """
CREATE TABLE teams (id serial PRIMARY KEY, name text NOT NULL UNIQUE, motto text);
CREATE TABLE people (id serial PRIMARY KEY, email text NOT NULL UNIQUE, name text, age integer,
    more jsonb, team_id integer REFERENCES teams)
"""
ROWS = """
INSERT INTO teams VALUES (1, 'red', 'go'), (2, 'blue', NULL);
INSERT INTO people VALUES (1, 'ann', 'Ann', 30, '{"a": 1, "b": {"c": 1, "d": 2}}', 1),
    (2, 'bob', 'Bob', 40, NULL, 2), (3, 'cy', 'Cy', 50, NULL, NULL), (4, 'di', 'Di', 60, NULL, 1)
"""


@pytest.fixture
def apart(transfer: Transfer) -> tuple[Transfer, str]:
    """Two databases with the same rows under other ids, and the snapshot they come from."""
    transfer.source.sql(TABLES, ROWS)
    transfer.target.sql(TABLES)
    tag = transfer.snapshot()
    transfer.target.sql("INSERT INTO teams VALUES (70, 'blue', NULL), (71, 'red', 'go')")
    transfer.loaded("--mode", "upsert")
    transfer.target.sql("UPDATE people SET id = id + 100")
    return transfer, tag


def _people(database: Database) -> dict[str, tuple[object, ...]]:
    query = (
        "SELECT p.email, p.name, p.age, p.more, t.name FROM people p"
        " LEFT JOIN teams t ON t.id = p.team_id"
    )
    return {str(row[0]): row[1:] for row in database.rows(query)}


def test_fields_that_each_side_changed_come_together(apart: tuple[Transfer, str]) -> None:
    transfer, tag = apart
    transfer.source.sql(
        "UPDATE people SET name = 'Anna', more = jsonb_set(more, '{b,c}', '9') WHERE id = 1",
        "UPDATE people SET team_id = 1 WHERE id = 2",
        "INSERT INTO teams VALUES (9, 'green', 'new')",
        "INSERT INTO people VALUES (9, 'eve', 'Eve', 20, NULL, 9)",
    )
    transfer.target.sql(
        "UPDATE people SET age = 31, more = jsonb_set(more, '{b,d}', '8') WHERE email = 'ann'",
        "UPDATE people SET name = 'Cyrus' WHERE email = 'cy'",
    )
    transfer.snapshot()

    report = transfer.loaded("--mode", "upsert", "--base", tag)

    people = _people(transfer.target)
    assert people["ann"] == ("Anna", 31, {"a": 1, "b": {"c": 9, "d": 8}}, "red")
    assert people["bob"][3] == "red"
    assert people["cy"][0] == "Cyrus"
    assert people["eve"] == ("Eve", 20, None, "green")
    assert (report["base"], report["entities"]["people"]["updated"]) == (tag, 2)


def test_only_what_the_source_changed_is_written(apart: tuple[Transfer, str]) -> None:
    transfer, tag = apart
    transfer.source.sql("UPDATE people SET age = 41 WHERE id = 2")
    transfer.target.sql("UPDATE people SET name = 'Other', age = 99 WHERE email <> 'bob'")
    transfer.snapshot()

    report = transfer.loaded("--mode", "upsert", "--base", tag)

    assert _people(transfer.target)["bob"][:2] == ("Bob", 41)
    assert _people(transfer.target)["di"][:2] == ("Other", 99)
    assert sum(e["updated"] + e["inserted"] for e in report["entities"].values()) == 1


def test_a_field_changed_on_both_sides_is_a_conflict_and_nothing_is_done(
    apart: tuple[Transfer, str],
) -> None:
    transfer, tag = apart
    transfer.source.sql(
        "UPDATE people SET age = 41 WHERE id = 2", "UPDATE people SET age = 51 WHERE id = 3"
    )
    transfer.target.sql("UPDATE people SET age = 42 WHERE email = 'bob'")
    transfer.snapshot()

    refused = transfer.load("--mode", "upsert", "--base", tag, "-o", "json")

    assert refused.code == 9
    assert refused.json()["conflicts"] == [
        {"document": "people:2", "row": "people:102", "pointer": "/age"}
        | {"base": 40, "ours": 42, "theirs": 41}
    ]
    assert not refused.json()["done"]
    assert _people(transfer.target)["cy"][1] == 50


def test_both_sides_may_make_the_same_change(apart: tuple[Transfer, str]) -> None:
    transfer, tag = apart
    for database in (transfer.source, transfer.target):
        database.sql(
            "UPDATE people SET age = 41 WHERE email = 'bob'",
            "INSERT INTO people (id, email, name) VALUES (50, 'new', 'New')",
        )
    transfer.snapshot()

    report = transfer.loaded("--mode", "upsert", "--base", tag)

    assert not report["conflicts"]
    assert report["entities"]["people"]["unchanged"] == 2


def test_a_row_is_found_by_what_it_was_called_in_the_base(apart: tuple[Transfer, str]) -> None:
    transfer, tag = apart
    transfer.source.sql("UPDATE people SET email = 'robert' WHERE id = 2")
    transfer.snapshot()

    transfer.loaded("--mode", "upsert", "--base", tag)

    assert transfer.target.rows("SELECT id FROM people WHERE email = 'robert'") == [(102,)]
    assert "bob" not in _people(transfer.target)


def test_a_renamed_row_is_found_again_by_the_name_that_a_merge_gave_it(
    apart: tuple[Transfer, str],
) -> None:
    transfer, tag = apart
    transfer.source.sql(
        "UPDATE people SET email = 'robert' WHERE id = 2",
        "UPDATE teams SET name = 'azure' WHERE id = 2",
    )
    transfer.snapshot()
    transfer.loaded("--mode", "upsert", "--base", tag)
    transfer.source.sql("UPDATE people SET name = 'Rob' WHERE id = 2")
    transfer.target.sql("UPDATE people SET age = 41 WHERE email = 'robert'")
    transfer.snapshot()

    again = transfer.loaded("--mode", "upsert", "--base", tag)

    assert [entity["inserted"] for entity in again["entities"].values()] == [0, 0]
    assert _people(transfer.target)["robert"] == ("Rob", 41, None, "azure")
    assert transfer.target.rows("SELECT id FROM people WHERE email = 'robert'") == [(102,)]


def test_a_row_that_both_sides_renamed_apart_is_a_conflict(apart: tuple[Transfer, str]) -> None:
    transfer, tag = apart
    transfer.source.sql("UPDATE people SET email = 'robert' WHERE id = 2")
    transfer.target.sql("UPDATE people SET email = 'rob' WHERE email = 'bob'")
    transfer.snapshot()

    assert transfer.load("--mode", "upsert", "--base", tag).code == 9
    assert set(_people(transfer.target)) == {"ann", "rob", "cy", "di"}


def test_only_a_mirror_deletes_what_the_source_deleted(apart: tuple[Transfer, str]) -> None:
    transfer, tag = apart
    transfer.source.sql("DELETE FROM people WHERE id = 4")
    transfer.target.sql("INSERT INTO people (email) VALUES ('only here')")
    transfer.snapshot()

    kept = transfer.loaded("--mode", "upsert", "--base", tag)["entities"]["people"]
    assert (kept["deleted"], kept["skipped"]) == (0, 1)
    assert "di" in _people(transfer.target)

    mirrored = transfer.loaded("--mode", "mirror", "--base", tag)["entities"]["people"]
    assert mirrored["deleted"] == 1
    assert set(_people(transfer.target)) == {"ann", "bob", "cy", "only here"}


def test_the_id_map_leaves_out_what_has_no_row_and_gets_none(
    apart: tuple[Transfer, str],
) -> None:
    transfer, tag = apart
    transfer.source.sql("DELETE FROM people WHERE id = 4", "UPDATE people SET age = 1 WHERE id = 1")
    transfer.target.sql("DELETE FROM people WHERE email IN ('cy', 'di')")
    transfer.snapshot()

    report = transfer.loaded("--mode", "mirror", "--base", tag, "--print-id-map")

    people = [pair for pair in report["id_map"] if pair["entity"] == "people"]
    assert [(pair["source"], pair["target"], pair["is_new"]) for pair in people] == [
        (["1"], ["101"], False),
        (["2"], ["102"], False),
    ]


def test_deleting_what_the_other_side_changed_is_a_conflict(apart: tuple[Transfer, str]) -> None:
    transfer, tag = apart
    transfer.source.sql("DELETE FROM people WHERE id = 4", "UPDATE people SET age = 1 WHERE id = 3")
    transfer.target.sql(
        "UPDATE people SET age = 61 WHERE email = 'di'", "DELETE FROM people WHERE email = 'cy'"
    )
    transfer.snapshot()

    refused = transfer.load("--mode", "mirror", "--base", tag)

    assert refused.code == 9
    assert "conflict people:4: was {" in refused.out
    assert "target (none)" in refused.out
    assert "source (none)" in refused.out
    assert "di" in _people(transfer.target)


def test_a_merge_in_circles_comes_to_rest(apart: tuple[Transfer, str]) -> None:
    transfer, tag = apart
    transfer.source.sql("UPDATE people SET age = 41 WHERE id = 2")
    transfer.snapshot()
    transfer.loaded("--mode", "upsert", "--base", tag)

    again = transfer.loaded("--mode", "upsert", "--base", tag)

    assert sum(entity["updated"] for entity in again["entities"].values()) == 0


def test_skip_does_not_bring_back_what_the_target_deleted(apart: tuple[Transfer, str]) -> None:
    transfer, tag = apart
    transfer.source.sql(
        "UPDATE people SET age = 1 WHERE id IN (2, 3)",
        "DELETE FROM people WHERE id = 4",
        "INSERT INTO people (id, email, team_id) VALUES (9, 'eve', 2)",
    )
    transfer.target.sql("DELETE FROM people WHERE email = 'cy'")
    transfer.snapshot()

    plan = transfer.load("--mode", "skip", "--base", tag, "--dry-run").out
    report = transfer.loaded("--mode", "skip", "--base", tag, "--print-id-map")

    assert set(_people(transfer.target)) == {"ann", "bob", "di", "eve"}
    assert _people(transfer.target)["bob"][1] == 40
    people = report["entities"]["people"]
    assert (people["inserted"], people["skipped"]) == (1, 3)
    assert "people: 1 skipped: it is there already\n" in plan
    assert "people: 1 skipped: the source deleted it, which only a mirror does\n" in plan
    assert "people: 1 skipped: the target deleted it\n" in plan
    assert ["3"] not in [pair["source"] for pair in report["id_map"]]
    assert all(reason in people["reason"] for reason in ("it is there", "the target deleted it"))


def test_skip_inserts_what_is_new_and_was_deleted_nowhere(transfer: Transfer) -> None:
    transfer.source.sql(
        "CREATE TABLE t (id integer PRIMARY KEY, v text)", "INSERT INTO t VALUES (1, 'a'), (2, 'b')"
    )
    transfer.target.sql("CREATE TABLE t (id integer PRIMARY KEY, v text)")
    tag = transfer.snapshot()
    transfer.target.sql("INSERT INTO t VALUES (1, 'a')")
    transfer.source.sql("UPDATE t SET v = 'new'", "INSERT INTO t VALUES (3, 'c')")
    transfer.snapshot()

    report = transfer.loaded("--mode", "skip", "--base", tag)

    assert transfer.target.rows("SELECT id, v FROM t ORDER BY id") == [(1, "a"), (3, "c")]
    found = report["entities"]["t"]
    assert (found["inserted"], found["skipped"]) == (1, 2)
    assert found["reason"] == "it is there already; the target deleted it"


def test_what_skip_leaves_deleted_cannot_be_referred_to(apart: tuple[Transfer, str]) -> None:
    transfer, tag = apart
    transfer.source.sql(
        "UPDATE teams SET motto = 'up' WHERE id = 2",
        "INSERT INTO people (id, email, team_id) VALUES (9, 'eve', 2)",
    )
    transfer.target.sql(
        "UPDATE people SET team_id = NULL WHERE email = 'bob'",
        "DELETE FROM teams WHERE name = 'blue'",
    )
    transfer.snapshot()

    refused = transfer.load("--mode", "skip", "--base", tag)

    assert refused.code == 9
    assert "refers to teams" in refused.err
    assert "eve" not in _people(transfer.target)
